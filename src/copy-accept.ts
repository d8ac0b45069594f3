/** Makes the workspace what a copy became: through the session's own gate, after a look at every file that would change. */
import { CrucibleError } from "./base/error.ts";
import { sha256 } from "./base/hash.ts";
import { shellQuoted } from "./base/shell-words.ts";
import type { EditClock } from "./core/edit-clock.ts";
import type { ToolOutcome } from "./core/ports/gate.ts";
import type { Change, Side } from "./sandbox/copy-changes.ts";

/** One call through a gate. */
export type Act = (tool: string, input: Record<string, unknown>, signal: AbortSignal) => Promise<ToolOutcome>;

export interface Accepting {
  /** Links resolved. */
  readonly workspace: string;
  readonly changes: readonly Change[];
  /** Paths at which the workspace is not what the copy began with. */
  readonly movedOn: (changes: readonly Change[]) => readonly string[];
  readonly act: Act;
  /** Commands change files too: they move the session's clock. */
  readonly edits: EditClock;
}

/** A command's words beyond this are another command. */
const MAX_WORDS = 60_000;

/**
 * Gives the changed paths. Before anything is written it throws `file-changed` for files that the user changed
 * meanwhile and `bad-input` for files that no tool can write; `denied` when the gate refuses.
 */
export async function acceptChanges(accepting: Accepting, signal: AbortSignal): Promise<readonly string[]> {
  const { changes, movedOn, edits } = accepting;
  const at = ({ path }: Pick<Change, "path">) => `${accepting.workspace}/${path}`;
  const binary = changes.filter(
    (change) => change.after && !isSameContent(change) && textIn(change.after) === undefined,
  );
  if (binary.length > 0)
    throw new CrucibleError("bad-input", `${named(binary)}: no text of at most 20 MiB; nothing was changed`, {
      hint: "make this file yourself",
    });
  refuseMoved(movedOn(changes), "nothing was changed");
  const away = changes.filter((change) => change.before && !isRewritable(change) && !isSameContent(change));
  const done: string[] = [];
  const commands = [
    ...inCommands("rm -f --", away.map(at)),
    ...inCommands(
      "rmdir --",
      foldersInTheWay(changes).map((path) => at({ path })),
    ),
  ];
  for (const command of commands) await perform(accepting, { tool: "shell", input: { command }, done }, signal);
  done.push(...away.map(({ path }) => path));
  for (const change of changes) {
    if (!change.after) continue;
    await make(accepting, { change, after: change.after, done }, signal);
    done.push(change.path);
  }
  for (const command of modeCommands(changes, at)) {
    await perform(accepting, { tool: "shell", input: { command }, done }, signal);
    commands.push(command);
  }
  if (commands.length > 0) edits.tick();
  return changes.map(({ path }) => path);
}

const named = (changes: readonly Change[]) => changes.map(({ path }) => path).join(", ");
const isLink = (side: Side | undefined) => side?.mode === "120000";

function refuseMoved(paths: readonly string[], state: string): void {
  if (paths.length === 0) return;
  throw new CrucibleError("file-changed", `${paths.join(", ")} changed since the copy was made; ${state}`, {
    hint: "start again from the files as they are now",
  });
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function textIn({ bytes }: Side): string | undefined {
  if (!bytes || bytes.subarray(0, 8192).includes(0)) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Replaced in place: the tool that writes keeps a byte order mark and the line ends of the file that is there. */
function isRewritable({ before, after }: Change): boolean {
  if (!before || !after || isLink(before) || isLink(after)) return false;
  const [old, now] = [textIn(before), textIn(after)];
  if (old === undefined || now === undefined) return false;
  return isMarked(old) === isMarked(now) && (!old.includes("\r\n") || now.includes("\r\n"));
}

const isMarked = (text: string) => text.startsWith("\ufeff");

interface Making {
  readonly change: Change;
  readonly after: Side;
  readonly done: readonly string[];
}

async function make(accepting: Accepting, { change, after, done }: Making, signal: AbortSignal): Promise<void> {
  const path = `${accepting.workspace}/${change.path}`;
  const text = textIn(after) ?? "";
  if (isLink(after)) {
    const folder = shellQuoted(path.slice(0, path.lastIndexOf("/")));
    const command = `mkdir -p -- ${folder} && ln -sn -- ${shellQuoted(text)} ${shellQuoted(path)}`;
    return await perform(accepting, { tool: "shell", input: { command }, done }, signal);
  }
  if (isSameContent(change)) return;
  const inPlace = isRewritable(change);
  if (inPlace) {
    await perform(accepting, { tool: "read", input: { path, limit: 1 }, done }, signal);
    // What was read is what the write expects: it must be what the copy began with.
    refuseMoved(accepting.movedOn([change]), told(done));
  }
  const content = inPlace && isMarked(text) ? text.slice(1) : text;
  const wanted = sha256(after.bytes ?? "");
  await perform(accepting, { tool: "write", input: { path, content }, done, wanted }, signal);
}

const told = (done: readonly string[]) =>
  done.length === 0 ? "nothing was changed" : `already changed: ${done.join(", ")}`;

/** What the tool said. */
export function said({ parts }: Pick<ToolOutcome, "parts">): string {
  return parts.map((part) => (part.type === "text" ? part.text : `[${part.mediaType}]`)).join("\n");
}

interface Step {
  readonly tool: string;
  readonly input: Record<string, unknown>;
  readonly done: readonly string[];
  /** Hash of the content that must stand there then. */
  readonly wanted?: string;
}

async function perform({ act }: Accepting, step: Step, signal: AbortSignal): Promise<void> {
  const outcome = await act(step.tool, step.input, signal);
  signal.throwIfAborted();
  const isWanted = step.wanted === undefined || outcome.details?.["after"] === step.wanted;
  if (!outcome.failed && isWanted) return;
  const what = String(step.input["path"] ?? step.input["command"]);
  const why = outcome.failed ? said(outcome) : "it is not what the copy holds";
  throw new CrucibleError(outcome.denied ? "denied" : "tool-failed", `${what}: ${why}; ${told(step.done)}`);
}

/** Folders that were emptied and must make room for a file, deepest first. */
function foldersInTheWay(changes: readonly Change[]): string[] {
  const made = new Set(changes.flatMap(({ path, after }) => (after ? [path] : [])));
  const emptied = changes.flatMap(({ path, after }) => (after ? [] : parentsOf(path)));
  const inTheWay = emptied.filter((folder) => made.has(folder) || parentsOf(folder).some((each) => made.has(each)));
  return [...new Set(inTheWay)].sort((a, b) => b.length - a.length);
}

function parentsOf(path: string): string[] {
  const segments = path.split("/").slice(0, -1);
  return segments.map((_segment, index) => segments.slice(0, index + 1).join("/"));
}

function modeCommands(changes: readonly Change[], at: (change: Change) => string): string[] {
  const wanting = (mode: Side["mode"]) =>
    changes.filter((change) => {
      const had = isRewritable(change) || isSameContent(change) ? change.before?.mode : "100644";
      return change.after?.mode === mode && had !== mode;
    });
  return [
    ...inCommands("chmod +x --", wanting("100755").map(at)),
    ...inCommands("chmod -x --", wanting("100644").map(at)),
  ];
}

/** A file of which only the mode changed. */
function isSameContent({ before, after }: Change): boolean {
  if (isLink(before) !== isLink(after)) return false;
  return Boolean(before?.bytes && after?.bytes && Buffer.compare(before.bytes, after.bytes) === 0);
}

function inCommands(start: string, paths: readonly string[]): string[] {
  const commands: string[] = [];
  for (const word of paths.map((path) => shellQuoted(path))) {
    const last = commands.at(-1);
    if (last !== undefined && last.length + word.length < MAX_WORDS) commands[commands.length - 1] = `${last} ${word}`;
    else commands.push(`${start} ${word}`);
  }
  return commands;
}
