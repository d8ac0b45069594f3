/** The language servers of a session: one per kind, started at the first file that needs it, and given up when it dies twice. */
import { extname } from "node:path";
import { abortable } from "../base/async.ts";
import { CrucibleError } from "../base/error.ts";
import type { FileProblems, Languages, SourceFile } from "../core/ports/languages.ts";
import type { ServerProcess } from "../core/ports/mcp.ts";
import { type Connection, connect } from "./connection.ts";

/** A server that is slower than this adds nothing to an edit (milliseconds). */
const PATIENCE_MS = 2_000;
/** Longest wait of a question about names (milliseconds). */
const QUESTION_MS = 30_000;
const MOST_STARTS = 2;

/** A server that may be started. */
export interface LanguageServer {
  readonly name: string;
  readonly languages: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, unknown>>;
  start(): Promise<ServerProcess>;
}

export interface LanguagePool extends Languages {
  close(): void;
}

interface Running {
  readonly server: LanguageServer;
  connection: Promise<Connection> | undefined;
  starts: number;
  /** Files whose problems were not known in time. */
  readonly late: Map<string, SourceFile>;
}

export function createLanguages(servers: readonly LanguageServer[], root: string): LanguagePool {
  const running = servers.map((server): Running => ({ server, connection: undefined, starts: 0, late: new Map() }));
  const forFile = (path: string) => running.find(({ server }) => extname(path).toLowerCase() in server.languages);
  const open = async (one: Running): Promise<Connection | undefined> => {
    const known = await one.connection?.catch(() => undefined);
    if (known?.alive) return known;
    if (one.starts >= MOST_STARTS) return undefined;
    one.starts++;
    const languageOf = (path: string) => one.server.languages[extname(path).toLowerCase()] ?? "plaintext";
    one.connection = one.server
      .start()
      .then((child) => connect(child, { root, languageOf, settings: one.server.settings }));
    one.connection.catch(() => undefined);
    return one.connection;
  };
  const ask = async (
    method: Parameters<Connection["places"]>[0],
    file: SourceFile,
    asked: Parameters<Connection["places"]>[2],
  ) => {
    const one = forFile(file.path);
    const connection = one && (await open(one).catch(() => undefined));
    if (!connection)
      throw new CrucibleError("tool-failed", `no language server works for ${extname(file.path) || file.path}`, {
        hint: "crucible doctor lists those that are looked for",
      });
    return connection.places(method, file, asked);
  };
  const within = (signal: AbortSignal) => AbortSignal.any([signal, AbortSignal.timeout(QUESTION_MS)]);
  return {
    async problems(file, signal) {
      const one = forFile(file.path);
      if (!one) return undefined;
      const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
      one.late.set(file.path, file);
      const look = async (): Promise<readonly FileProblems[] | undefined> => {
        const connection = await open(one);
        if (!connection) return undefined;
        const found: FileProblems[] = [];
        for (const late of [...one.late.values()]) {
          const problems = await connection.problems(late, limit);
          one.late.delete(late.path);
          if (late.path === file.path || problems.length > 0) found.push({ path: late.path, problems });
        }
        return found;
      };
      return abortable(look(), limit).catch(() => undefined);
    },
    definition: (file, place, signal) => ask("textDocument/definition", file, { place, signal: within(signal) }),
    references: (file, place, signal) => ask("textDocument/references", file, { place, signal: within(signal) }),
    close() {
      for (const { connection } of running) connection?.then((open) => open.close()).catch(() => undefined);
    },
  };
}
