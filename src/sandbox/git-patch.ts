/** Writes changes as `git apply` and `patch` read them (git-diff(1), "Generating patch text with -p"). */
import { createHash } from "node:crypto";
import type { Change, Side } from "./copy-changes.ts";

/** Longest time to look for a short difference of one file (milliseconds); after it all lines are replaced. */
const SEARCH_MS = 1000;
const NONE = "/dev/null";
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

type Patch = typeof import("diff")["structuredPatch"];

/** Files in the order given; binary files are named only. */
export async function gitPatch(changes: readonly Change[]): Promise<string> {
  if (changes.length === 0) return "";
  const { structuredPatch } = await import("diff");
  return changes
    .flatMap(kindsApart)
    .map((change) => section(change, structuredPatch))
    .join("");
}

/** A file that became a link, or the other way round, is deleted and made. */
function kindsApart(change: Change): Change[] {
  const { path, before, after } = change;
  const isLink = (side: Side) => side.mode === "120000";
  if (!before || !after || isLink(before) === isLink(after)) return [change];
  return [
    { path, before },
    { path, after },
  ];
}

function section({ path, before, after }: Change, patch: Patch): string {
  const [from, to] = [quoted(`a/${path}`), quoted(`b/${path}`)];
  const head = [`diff --git ${from} ${to}`];
  if (!before && after) head.push(`new file mode ${after.mode}`);
  else if (before && !after) head.push(`deleted file mode ${before.mode}`);
  else if (before && after && before.mode !== after.mode)
    head.push(`old mode ${before.mode}`, `new mode ${after.mode}`);
  const [old, now] = [textOf(before), textOf(after)];
  if (before?.bytes && after?.bytes && Buffer.compare(before.bytes, after.bytes) === 0) return lines(head);
  const mode = before && before.mode === after?.mode ? ` ${before.mode}` : "";
  head.push(`index ${blobName(before)}..${blobName(after)}${mode}`);
  const [a, b] = [before ? from : NONE, after ? to : NONE];
  if (old === undefined || now === undefined) return lines([...head, `Binary files ${a} and ${b} differ`]);
  if (old === now) return lines(head);
  return lines([...head, `--- ${ended(a)}`, `+++ ${ended(b)}`, ...hunks(old, now, patch)]);
}

const lines = (all: readonly string[]) => `${all.join("\n")}\n`;

function hunks(old: string, now: string, patch: Patch): string[] {
  const found = patch("a", "b", old, now, undefined, undefined, { context: 3, timeout: SEARCH_MS });
  const parts = found?.hunks ?? [wholly(old, now)];
  return parts.flatMap(({ oldStart, oldLines, newStart, newLines, lines: body }) => {
    // Of nothing the line before it is named.
    const [at, to] = [oldLines === 0 ? oldStart - 1 : oldStart, newLines === 0 ? newStart - 1 : newStart];
    return [`@@ -${at},${oldLines} +${to},${newLines} @@`, ...body];
  });
}

function wholly(old: string, now: string) {
  const side = (text: string, sign: string) => {
    const all = text.split("\n").map((line) => sign + line);
    if (all.at(-1) === sign) all.pop();
    return {
      count: all.length,
      all: text === "" || text.endsWith("\n") ? all : [...all, "\\ No newline at end of file"],
    };
  };
  const [minus, plus] = [side(old, "-"), side(now, "+")];
  const body = [...minus.all, ...plus.all];
  return { oldStart: 1, oldLines: minus.count, newStart: 1, newLines: plus.count, lines: body };
}

/** Empty for a file that is not there; undefined for what is no text. */
function textOf(side: Side | undefined): string | undefined {
  if (!side) return "";
  if (!side.bytes || side.bytes.includes(0)) return undefined;
  try {
    return utf8.decode(side.bytes);
  } catch {
    return undefined;
  }
}

function blobName(side: Side | undefined): string {
  if (!side) return "0000000";
  const bytes = side.bytes ?? new Uint8Array();
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex").slice(0, 7);
}

/** A name with quotes, backslashes or control characters, as C writes it. */
function quoted(path: string): string {
  if (!/["\\\x00-\x1f\x7f]/.test(path)) return path;
  const special: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t" };
  const text = [...path].map((letter) => special[letter] ?? octal(letter)).join("");
  return `"${text}"`;
}

function octal(letter: string): string {
  const code = letter.codePointAt(0) ?? 0;
  return code < 32 || code === 127 ? `\\${code.toString(8).padStart(3, "0")}` : letter;
}

/** A name with a space ends at a tab. */
function ended(path: string): string {
  return path.includes(" ") && !path.startsWith('"') ? `${path}\t` : path;
}
