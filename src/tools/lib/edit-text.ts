/** Finds the one place an edit means and replaces it: exact, then normalised, then unique and near. */
import { boundedDistance } from "./distance.ts";
import { indentMap, indentOf, reindent } from "./indent.ts";

export interface TextEdit {
  readonly old: string;
  readonly new: string;
  readonly all?: boolean | undefined;
}

export type Stage = "exact" | "normalised" | "fuzzy";

export type EditOutcome =
  | { readonly ok: true; readonly text: string; readonly stages: readonly Stage[] }
  | { readonly ok: false; readonly index: number; readonly problem: string };

interface Place {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

interface Found {
  readonly stage: Stage;
  readonly places: readonly Place[];
}

/** Applies edits in order, each to the result of the one before. Nothing is applied when one fails. */
export function editText(text: string, edits: readonly TextEdit[]): EditOutcome {
  const stages: Stage[] = [];
  let current = text;
  for (const [index, edit] of edits.entries()) {
    const problem = refuse(edit);
    if (problem) return { ok: false, index, problem };
    const found =
      findExact(current, edit) ?? findNormalised(current, edit) ?? (edit.all ? undefined : findNear(current, edit));
    if (!found) return { ok: false, index, problem: missing(current, edit.old) };
    if (found.places.length > 1 && !edit.all) return { ok: false, index, problem: ambiguous(current, found.places) };
    const next = splice(current, edit.all ? apart(found.places) : found.places);
    if (next === current) return { ok: false, index, problem: "`new` leaves the text as it is" };
    stages.push(found.stage);
    current = next;
  }
  return { ok: true, text: current, stages };
}

function refuse(edit: TextEdit): string | undefined {
  if (edit.old === "") return "`old` is empty; use write for a new file";
  return edit.old === edit.new ? "`old` and `new` are the same" : undefined;
}

function findExact(text: string, edit: TextEdit): Found | undefined {
  const places = occurrences(text, edit.old).map((start) => {
    const end = start + edit.old.length;
    return { start, end, replacement: withEol(edit.new, eolAt(text, start)) };
  });
  return places.length > 0 ? { stage: "exact", places } : undefined;
}

/** Every start of `part` in `text`, overlapping ones included. */
function occurrences(text: string, part: string): number[] {
  const starts: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) starts.push(at);
  return starts;
}

const PREFIX = /^ *\d+\t/;

/** Without the line numbers of `read`, when every line that is not blank has one. */
function withoutNumbers(text: string): string | undefined {
  const lines = text.split("\n");
  const filled = lines.filter((line) => line.trim() !== "");
  if (filled.length === 0 || !filled.every((line) => PREFIX.test(line))) return undefined;
  return lines.map((line) => line.replace(PREFIX, "")).join("\n");
}

/** What the model may have meant: line ends as LF, line numbers stripped from both sides. */
function meanings(edit: TextEdit): { old: string; new: string }[] {
  const plain = { old: lf(edit.old), new: lf(edit.new) };
  const old = withoutNumbers(plain.old);
  return old === undefined || old === "" ? [plain] : [plain, { old, new: withoutNumbers(plain.new) ?? plain.new }];
}

function findNormalised(text: string, edit: TextEdit): Found | undefined {
  const lines = splitLines(text);
  for (const meant of meanings(edit)) {
    const places = byLineEnds(text, meant);
    if (places.length > 0) return { stage: "normalised", places };
  }
  for (const meant of meanings(edit)) {
    const places = byIndent(text, lines, meant);
    if (places.length > 0) return { stage: "normalised", places };
  }
  return undefined;
}

function byLineEnds(text: string, meant: { old: string; new: string }): Place[] {
  const flat = lf(text);
  const starts = occurrences(flat, meant.old);
  if (starts.length === 0) return [];
  const original = positions(text);
  return starts.map((at) => {
    const start = original[at] ?? text.length;
    const end = original[at + meant.old.length] ?? text.length;
    return { start, end, replacement: withEol(meant.new, eolAt(text, start)) };
  });
}

/** For each index of the LF form of `text` (its length included) the index in `text`. */
function positions(text: string): Uint32Array {
  const map = new Uint32Array(lf(text).length + 1);
  let at = 0;
  for (let index = 0; index < text.length; index++) {
    map[at++] = index;
    if (text[index] === "\r" && text[index + 1] === "\n") index++;
  }
  map[at] = text.length;
  return map;
}

interface Line {
  readonly start: number;
  /** End without the line end. */
  readonly end: number;
  readonly text: string;
}

function splitLines(text: string): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const part of text.split("\n")) {
    const body = part.endsWith("\r") ? part.slice(0, -1) : part;
    lines.push({ start, end: start + body.length, text: body });
    start += part.length + 1;
  }
  return lines;
}

/** Whole lines that are equal but for their indentation (by one consistent rule) and trailing blanks. */
function byIndent(text: string, lines: readonly Line[], meant: { old: string; new: string }): Place[] {
  const wanted = body(meant.old);
  const trimmed = wanted.map((line) => line.trim());
  if (trimmed.every((line) => line === "")) return [];
  const places: Place[] = [];
  for (let at = 0; at + wanted.length <= lines.length; at++) {
    const window = lines.slice(at, at + wanted.length);
    if (!window.every((line, index) => line.text.trim() === trimmed[index])) continue;
    const map = indentMap(
      wanted,
      window.map((line) => line.text),
    );
    if (map)
      places.push(
        linesPlace(
          text,
          window,
          body(meant.new).map((line) => reindent(line, map)),
        ),
      );
  }
  return places;
}

/** Lines of a text; one final line end is not a line of its own. */
function body(text: string): string[] {
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

function linesPlace(text: string, window: readonly Line[], replacement: readonly string[]): Place {
  const start = window[0]?.start ?? 0;
  const end = window.at(-1)?.end ?? start;
  return { start, end, replacement: replacement.join(eolAt(text, start)) };
}

/** The only run of lines within a tenth of the length of `old`; two such runs are two places. */
function findNear(text: string, edit: TextEdit): Found | undefined {
  const lines = splitLines(text);
  const meant = meanings(edit).at(-1);
  if (!meant) return undefined;
  const wanted = body(meant.old);
  const target = wanted.map((line) => line.trim()).join("\n");
  const limit = Math.floor(target.length / 10);
  if (limit === 0 || target.length > 20_000) return undefined;
  const places: Place[] = [];
  for (let at = 0; at + wanted.length <= lines.length; at++) {
    const window = lines.slice(at, at + wanted.length);
    const candidate = window.map((line) => line.text.trim()).join("\n");
    if (Math.abs(candidate.length - target.length) > limit) continue;
    if (boundedDistance(candidate, target, limit) > limit) continue;
    places.push(linesPlace(text, window, nearReplacement(wanted, window, meant.new)));
  }
  return places.length > 0 ? { stage: "fuzzy", places } : undefined;
}

function nearReplacement(wanted: readonly string[], window: readonly Line[], replacement: string): string[] {
  const pairs = window.map((line) => line.text);
  const map = indentMap(wanted, pairs) ?? new Map([[indentOf(wanted[0] ?? ""), indentOf(pairs[0] ?? "")]]);
  return body(replacement).map((line) => reindent(line, map));
}

function splice(text: string, places: readonly Place[]): string {
  let result = "";
  let at = 0;
  for (const place of places) {
    result += text.slice(at, place.start) + place.replacement;
    at = place.end;
  }
  return result + text.slice(at);
}

/** Drops places that overlap an earlier one. */
function apart(places: readonly Place[]): Place[] {
  let end = -1;
  return places.filter((place) => {
    if (place.start < end) return false;
    end = place.end;
    return true;
  });
}

function lf(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

function withEol(text: string, eol: string): string {
  return eol === "\n" ? lf(text) : lf(text).replaceAll("\n", eol);
}

/** The line end of the line at `position`, else of the line before, else LF. */
function eolAt(text: string, position: number): string {
  const after = text.indexOf("\n", position);
  const at = after >= 0 ? after : text.lastIndexOf("\n");
  return at > 0 && text[at - 1] === "\r" ? "\r\n" : "\n";
}

function lineNumber(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

function ambiguous(text: string, places: readonly Place[]): string {
  const lines = places.slice(0, 8).map((place) => lineNumber(text, place.start));
  return `\`old\` is found ${places.length} times (lines ${lines.join(", ")}); add lines around it or set all`;
}

/** Says that nothing was found and shows the line that looks most like the first line of `old`. */
function missing(text: string, old: string): string {
  const first = body(lf(withoutNumbers(lf(old)) ?? old))
    .find((line) => line.trim() !== "")
    ?.trim();
  const lines = splitLines(text);
  const at = first === undefined ? -1 : lines.findIndex((line) => line.text.trim() === first);
  if (at < 0) return "`old` is not in the file";
  const shown = lines.slice(at, at + body(lf(old)).length + 1).slice(0, 12);
  return `\`old\` is not in the file; it differs from line ${at + 1} on, which reads:\n${shown.map((line) => line.text).join("\n")}`;
}
