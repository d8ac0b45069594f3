/** Foreign servers as configured: the operator's, this run's, the person's and a trusted project's files, the first of a name counts. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import { nearest, plural } from "../base/text.ts";
import { unwritable } from "../base/unwritable.ts";
import type { McpEntry } from "../core/ports/mcp.ts";
import { badConfig, type JsonFile, parseJsonText, readJsonFile } from "./json-file.ts";
import { readEntry } from "./mcp-entry.ts";
import { PROJECT_MCP, userMcpFile } from "./mcp-places.ts";
import type { Places } from "./places.ts";
import { workspaceTrust } from "./trust.ts";

export interface McpFilesOptions {
  readonly places: Places;
  readonly workspace: string;
  readonly env: Readonly<Record<string, string>>;
  /** Variables that a project may take. */
  readonly variables: readonly string[];
  /** No files of the project. */
  readonly bare: boolean;
  /** A file or a JSON text for this run; `only`: no other files but the operator's. */
  readonly given?: { readonly source?: string; readonly only: boolean } | undefined;
}

export interface McpServers {
  readonly entries: readonly McpEntry[];
  /** What was left out, and why; one line each. */
  readonly notes: readonly string[];
}

interface Source {
  readonly file: JsonFile | undefined;
  readonly scope: "user" | "project";
}

/** Throws `bad-config` with file:line. */
export async function readMcpServers(options: McpFilesOptions): Promise<McpServers> {
  const { places, workspace, given, env, variables } = options;
  const notes: string[] = [];
  const sources: Source[] = [{ file: await readJsonFile(join(places.managed, "mcp.json")), scope: "user" }];
  if (given?.source !== undefined) sources.push({ file: await readGiven(given.source), scope: "user" });
  if (!given?.only) {
    sources.push({ file: await readJsonFile(userMcpFile(places)), scope: "user" });
    if (!options.bare) sources.push(...(await projectSources(places, workspace, notes)));
  }
  const entries = new Map<string, McpEntry>();
  for (const { file, scope } of sources) {
    const variable = (name: string) =>
      scope === "user" || variables.includes(name) ? (Object.hasOwn(env, name) ? env[name] : undefined) : undefined;
    for (const read of serversIn(file)) {
      const found = readEntry(read.name, read.node, { scope, place: read.place, variable });
      if ("lacks" in found) notes.push(lackNote(found, scope));
      else if (entries.has(read.name))
        notes.push(
          `${found.entry.origin}: server ${read.name} is ignored: ${entries.get(read.name)?.origin} comes first`,
        );
      else entries.set(read.name, found.entry);
    }
  }
  return { entries: [...entries.values()], notes };
}

function lackNote({ name, lacks, origin }: { name: string; lacks: string; origin: string }, scope: string): string {
  const why = scope === "project" ? "is not set, or not listed in mcp.variables of your configuration" : "is not set";
  return `${origin}: server ${name} is left out: ${lacks} ${why}`;
}

async function projectSources(places: Places, workspace: string, notes: string[]): Promise<Source[]> {
  const trust = workspaceTrust(places, workspace, () => 0);
  const sources: Source[] = [];
  for (const path of PROJECT_MCP) {
    const file = await readJsonFile(join(workspace, path));
    if (!file) continue;
    if (trust.holds(path, file.hash)) sources.push({ file, scope: "project" });
    else {
      const count = serversIn(file).length;
      if (count > 0)
        notes.push(
          `${join(workspace, path)}: ${plural(count, "MCP server")} ignored until you trust it: crucible trust`,
        );
    }
  }
  return sources;
}

async function readGiven(source: string): Promise<JsonFile> {
  if (source.trimStart().startsWith("{")) return parseJsonText("flag --mcp-config", source, sha256(source));
  const file = await readJsonFile(source);
  if (!file)
    throw new CrucibleError("file-missing", `--mcp-config ${source}: there is no such file`, {
      hint: "a file, or JSON as it stands",
    });
  return file;
}

function serversIn(file: JsonFile | undefined) {
  const found: { name: string; node: NonNullable<JsonFile["root"]>; place: JsonFile["place"] }[] = [];
  for (const property of file?.root?.children ?? []) {
    const [key, value] = property.children ?? [];
    if (key?.value === "$schema") continue;
    const place = file?.place(property.offset) ?? "";
    if (key?.value !== "mcpServers") {
      const near = nearest(String(key?.value), ["mcpServers"]);
      throw badConfig(
        `${place}: unknown key ${String(key?.value)}`,
        near ? `did you mean ${near}?` : 'the file holds {"mcpServers": {…}}',
      );
    }
    if (value?.type !== "object")
      throw badConfig(`${place}: mcpServers is not an object`, '{"mcpServers": {"name": {…}}}');
    for (const server of value.children ?? []) {
      const [name, node] = server.children ?? [];
      if (name && node && file) found.push({ name: String(name.value), node, place: file.place });
    }
  }
  return found;
}

/** Puts an entry into a file or (undefined) takes it out, comments kept. False when there was none to take out. Throws `storage`, `bad-config`. */
export async function writeMcpEntry(file: string, name: string, entry: unknown): Promise<boolean> {
  const before = await readJsonFile(file);
  if (entry === undefined && !serversIn(before).some((server) => server.name === name)) return false;
  const { applyEdits, modify } = await import("jsonc-parser");
  const old = before ? readFileSync(file, "utf8") : "{}\n";
  const edits = modify(old, ["mcpServers", name], entry, { formattingOptions: { insertSpaces: true, tabSize: 2 } });
  const temporary = `${file}.${process.pid}.new`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, applyEdits(old, edits), { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    throw unwritable(file, error);
  }
  return true;
}
