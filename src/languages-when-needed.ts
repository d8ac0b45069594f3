/** The language servers of a session before anybody needs one: nothing is looked for, loaded or started until then. */
import type { Languages } from "./core/ports/languages.ts";
import type { ForeignHands } from "./core/ports/mcp.ts";
import type { House } from "./house.ts";
import type { LanguagePool } from "./lsp/pool.ts";

export interface LazyLanguages extends Languages {
  close(): Promise<void>;
}

export function languagesWhenNeeded(house: House, hands: () => ForeignHands, lifetime: AbortSignal): LazyLanguages {
  let opened: Promise<LanguagePool> | undefined;
  const pool = () => {
    opened ??= import("./languages.ts").then(({ openLanguages }) => openLanguages(house, hands, lifetime));
    return opened;
  };
  return {
    problems: async (...asked) => (await pool()).problems(...asked),
    definition: async (...asked) => (await pool()).definition(...asked),
    references: async (...asked) => (await pool()).references(...asked),
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}
