/** Indentation as the model wrote it, translated to the file's own. */

export function indentOf(line: string): string {
  return /^[\t ]*/.exec(line)?.[0] ?? "";
}

/**
 * For lines that are equal but for their indentation: which indent of `written` stands for which of `real`.
 * Undefined when one written indent would have to mean two real ones.
 */
export function indentMap(written: readonly string[], real: readonly string[]): Map<string, string> | undefined {
  const map = new Map<string, string>();
  for (const [index, line] of written.entries()) {
    if (line.trim() === "") continue;
    const from = indentOf(line);
    const to = indentOf(real[index] ?? "");
    const known = map.get(from);
    if (known !== undefined && known !== to) return undefined;
    map.set(from, to);
  }
  return map;
}

/** Gives a new line the file's indentation: by the nearest known indent plus what goes deeper. */
export function reindent(line: string, map: ReadonlyMap<string, string>): string {
  const text = line.trimStart();
  if (text === "") return "";
  const indent = indentOf(line);
  const exact = map.get(indent);
  if (exact !== undefined) return exact + text;
  const known = [...map].sort(([a], [b]) => width(b) - width(a));
  const below = known.find(([from]) => width(from) <= width(indent));
  if (below) return below[1] + deeper(width(indent) - width(below[0]), map) + text;
  const above = known.at(-1);
  if (!above) return line;
  const unit = unitOf(map);
  const less = (width(above[0]) - width(indent)) / unit.written;
  return above[1].slice(0, Math.max(0, above[1].length - Math.round(less * unit.real.length))) + text;
}

function deeper(columns: number, map: ReadonlyMap<string, string>): string {
  const unit = unitOf(map);
  const steps = columns / unit.written;
  return Number.isInteger(steps) ? unit.real.repeat(steps) : " ".repeat(columns);
}

/** Columns; a tab counts as four. */
function width(indent: string): number {
  let columns = 0;
  for (const char of indent) columns += char === "\t" ? 4 : 1;
  return columns;
}

/** One step of indentation: its columns as written, and the file's own text for it. */
function unitOf(map: ReadonlyMap<string, string>): { readonly written: number; readonly real: string } {
  const pairs = [...map].sort(([a], [b]) => width(a) - width(b));
  for (const [index, [from, to]] of pairs.entries()) {
    const [before, beforeTo] = pairs[index - 1] ?? ["", ""];
    const columns = width(from) - width(before);
    if (columns > 0 && to.length > beforeTo.length && (index > 0 || to.length > 0)) {
      const step = to.slice(beforeTo.length);
      const steps = index === 0 && columns % 4 === 0 && step.startsWith("\t") ? step.length : 1;
      return { written: columns / steps, real: step.slice(0, step.length / steps) };
    }
  }
  const tabs = pairs.some(([, to]) => to.includes("\t"));
  return tabs ? { written: 4, real: "\t" } : { written: 4, real: "    " };
}
