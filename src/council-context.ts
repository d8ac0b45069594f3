/** What a council reads of the workspace: the files that the question names or leads to, through the gate like every read. */

import { shortId } from "./base/id.ts";
import { LOCAL_USER } from "./core/actor.ts";
import type { Gate, ToolOutcome } from "./core/ports/gate.ts";
import type { ContextFile } from "./council/prompts.ts";

export interface ContextRequest {
  readonly question: string;
  readonly files: readonly string[];
  /** Read first, as far as they fit; then nothing is looked for. */
  readonly prefer?: readonly string[];
  /** Tokens for files and map together. */
  readonly tokens: number;
  readonly tokensOf: (text: string) => number;
  readonly turn: number;
  /** Paths are given relative to it. */
  readonly workspace: string;
}

export interface CouncilContext {
  readonly files: readonly ContextFile[];
  readonly map?: string;
}

const MOST_FILES = 24;
/** Part of the room that the outline of the repository may take. */
const MAP_SHARE = 0.2;

/** SHA-256 of a file as it is now; null when it cannot be read. */
export async function hashOf(
  gate: Gate,
  path: string,
  { turn, signal }: { readonly turn: number; readonly signal: AbortSignal },
): Promise<string | null> {
  const call = { type: "tool-call", id: shortId("council"), tool: "read", input: { path, limit: 1 } } as const;
  const outcome = await gate.run(call, { actor: LOCAL_USER, turn, voice: "council" }, signal);
  const hash = outcome.details?.["hash"];
  return typeof hash === "string" && !outcome.failed ? hash : null;
}

/** Named files first, then those that define what the question speaks of; a file that does not fit is left out whole. */
export async function contextFor(gate: Gate, request: ContextRequest, signal: AbortSignal): Promise<CouncilContext> {
  const call: Call = async (tool, input) => {
    const id = shortId("council");
    const outcome = await gate.run(
      { type: "tool-call", id, tool, input },
      { actor: LOCAL_USER, turn: request.turn, voice: "council" },
      signal,
    );
    const text = outcome.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
    return outcome.failed || outcome.denied ? undefined : { text, details: outcome.details };
  };
  if (request.prefer) return { files: await readAll(call, request, request.prefer) };
  const words = pathsIn(request.question);
  const mapTokens = Math.round(request.tokens * MAP_SHARE);
  const focus = [...words, ...namesIn(request.question)].slice(0, 20);
  const map = await call("repo_map", { focus, tokens: Math.max(100, mapTokens) });
  const outline = map && Number(map.details?.["ranked"] ?? 0) > 0 ? withoutHead(map.text) : undefined;
  const found = outline === undefined ? await listed(call, request.workspace, "**/*") : filesOf(outline);
  const ranked = [...request.files, ...words, ...found].slice(0, MOST_FILES);
  const stems = new Set(ranked.map(stemOf));
  const tests = (await listed(call, request.workspace, "**/*{test,spec}*")).filter((path) => stems.has(stemOf(path)));
  const wanted = [...new Set([...request.files, ...words, ...found.slice(0, 4), ...tests, ...found])].slice(
    0,
    MOST_FILES,
  );
  const left = request.tokens - (outline === undefined ? 0 : request.tokensOf(outline));
  const files = await readAll(call, { ...request, tokens: left }, wanted);
  return { files, ...(outline === undefined ? {} : { map: outline }) };
}

/** Files whole; one that does not fit is left out, unless the person named it. */
async function readAll(call: Call, request: ContextRequest, paths: readonly string[]): Promise<ContextFile[]> {
  let left = request.tokens;
  const files: ContextFile[] = [];
  for (const path of paths) {
    const read = await call("read", { path });
    if (!read || read.details?.["lines"] === undefined) continue;
    const text = withoutNumbers(read.text);
    const size = request.tokensOf(text) + 20;
    if (size > left && !request.files.includes(path)) continue;
    left -= size;
    files.push({ path, text });
  }
  return files;
}

type Call = (
  tool: string,
  input: Record<string, unknown>,
) => Promise<{ readonly text: string; readonly details?: ToolOutcome["details"] } | undefined>;

async function listed(call: Call, workspace: string, pattern: string): Promise<string[]> {
  const found = await call("glob", { pattern });
  const paths = (found?.text ?? "").split("\n").filter((line) => line !== "" && !line.startsWith("("));
  return paths.map((path) => (path.startsWith(`${workspace}/`) ? path.slice(workspace.length + 1) : path)).sort();
}

/** Words that look like a path: they have a slash or an extension. */
function pathsIn(question: string): string[] {
  const found = question.match(
    /[\w@.-]*[\w-](?:\/[\w@.-]+)+|[\w-]+\.(?:[cm]?[jt]sx?|py|rs|go|java|rb|php|c|h|cc|cpp|hpp|cs|md|json|ya?ml|toml|sql|sh|css|html)\b/g,
  );
  return [...new Set(found ?? [])];
}

/** Words that look like a name in code. */
function namesIn(question: string): string[] {
  const found = question.match(/\b[A-Za-z_$][\w$]*(?:[A-Z_]\w*|\(\))|`[^`\n]+`|\b[a-z]{4,}\b/g) ?? [];
  return [...new Set(found.map((name) => name.replace(/[`()]/g, "")))];
}

/** Paths of an outline: folders stand at the beginning of a line, their files below with two spaces. */
function filesOf(outline: string): string[] {
  let folder = "";
  return outline.split("\n").flatMap((line) => {
    if (/^\S.*\/$/.test(line)) folder = line === "./" ? "" : line;
    const file = /^ {2}(\S.*)$/.exec(line)?.[1];
    return file === undefined ? [] : [`${folder}${file}`];
  });
}

/** Names of files without folder, extension and mark of a test: `src/sum.ts` and `test/sum.test.ts` share one. */
function stemOf(path: string): string {
  return (path.split("/").at(-1) ?? path).replace(/(?:[._-](?:test|spec))?\.[^.]+$/, "").replace(/^test_|_test$/g, "");
}

function withoutHead(text: string): string {
  return text.slice(text.indexOf("\n") + 1);
}

/** The file's own lines: the numbers of the reading tool would have to be taken off every edit. */
export function withoutNumbers(text: string): string {
  return text
    .replace(/\n\(\d+ more lines; continue with offset \d+\)$/, "\n[cut here]")
    .split("\n")
    .map((line) => line.replace(/^ *\d+\t/, ""))
    .join("\n");
}
