/** Language servers that are installed here, and their place in a session: leased, confined, and never the workspace's own. */
import { accessSync, constants, existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, dirname, join, sep } from "node:path";
import type { LanguageServerState } from "./core/ports/languages.ts";
import type { ForeignHands } from "./core/ports/mcp.ts";
import type { House } from "./house.ts";
import { KNOWN_SERVERS, type KnownServer } from "./lsp/known.ts";
import { createLanguages, type LanguagePool } from "./lsp/pool.ts";

/** Servers of the configuration come first; `words` is absent when it is not installed. */
export function surveyLanguages(house: House): readonly LanguageServerState[] {
  return serversOf(house).map(({ name, words, languages }) => {
    const found = located(house, words);
    return { name, extensions: Object.keys(languages), ...(found ? { words: found } : {}) };
  });
}

/** One server for each language, the first that is installed. Nothing is started before a file needs it. */
export function openLanguages(house: House, hands: () => ForeignHands, lifetime: AbortSignal): LanguagePool {
  const taken = new Set<string>();
  const servers = serversOf(house).flatMap((server) => {
    const words = located(house, server.words);
    const languages = Object.fromEntries(
      Object.entries(server.languages).filter(([extension]) => !taken.has(extension)),
    );
    const settings = words ? settingsOf(server, words[0] ?? "") : undefined;
    if (!words || !settings || Object.keys(languages).length === 0) return [];
    for (const extension of Object.keys(languages)) taken.add(extension);
    const start = () =>
      hands().serve(
        { ...{ server: `lsp-${server.name}`, words, env: {}, profile: "workspace-read", read: [], hosts: [] } },
        lifetime,
      );
    return [{ name: server.name, languages, settings, start }];
  });
  return createLanguages(servers, house.workspace);
}

function serversOf({ config }: House): readonly KnownServer[] {
  if (config.get("lsp.enabled") === "off") return [];
  const own =
    config.get<Readonly<Record<string, { command: string[]; extensions: Record<string, string> }>>>("lsp.servers");
  const named = Object.entries(own).map(([name, { command, extensions }]) => ({
    name,
    words: command,
    languages: extensions,
  }));
  return [...named, ...KNOWN_SERVERS];
}

/** The words with the program's real place; undefined when the person's PATH does not hold it outside the workspace. */
function located(
  { env, workspace }: House,
  [program = "", ...words]: readonly string[],
): readonly string[] | undefined {
  const folders = program.includes(sep) ? [""] : (env["PATH"] ?? "").split(delimiter).filter(Boolean);
  for (const folder of folders) {
    const path = folder === "" ? program : join(folder, program);
    // What npm prepends, and all that the workspace brings, is not the person's.
    if (folder.endsWith(join("node_modules", ".bin")) || within(path, workspace)) continue;
    try {
      accessSync(path, constants.X_OK);
      if (!within(realpathSync(path), workspace)) return [path, ...words];
    } catch {
      // The next folder may have it.
    }
  }
  return undefined;
}

const within = (path: string, folder: string) => path === folder || path.startsWith(`${folder}${sep}`);

/** What a server is told at its beginning; undefined when it is too old, or would take something from the workspace. */
function settingsOf({ tsserver, least }: KnownServer, program: string): Readonly<Record<string, unknown>> | undefined {
  const home = dirname(dirname(realpathSync(program)));
  if (least !== undefined && majorOf(home) < least) return undefined;
  if (!tsserver) return {};
  const path = [join(home, "node_modules"), dirname(home)]
    .map((folder) => join(folder, "typescript", "lib", "tsserver.js"))
    .find((each) => existsSync(each));
  return path === undefined ? undefined : { tsserver: { path, fallbackPath: path } };
}

/** The major version of the package that a program belongs to; 0 when nobody tells. */
function majorOf(home: string): number {
  try {
    const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { version?: string };
    return Number.parseInt(version ?? "0", 10);
  } catch {
    return 0;
  }
}
