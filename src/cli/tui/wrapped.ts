/** A line broken between words, with what follows below its second column. */
import { visibleWidth, wrapTextWithAnsi } from "@earendil-works/pi-tui";

/** The first column with the gap behind it. */
const FIRST_COLUMN = /^ *\S.*? {2,}(?=\S)/;

export function wrapped(line: string, width: number): string[] {
  if (visibleWidth(line) <= width) return [line];
  const head = FIRST_COLUMN.exec(line)?.[0] ?? /^ */.exec(line)?.[0] ?? "";
  const indent = visibleWidth(head);
  if (indent > width / 2) return wrapTextWithAnsi(line, width);
  const [first = "", ...rest] = wrapTextWithAnsi(line.slice(head.length), width - indent);
  return [head + first, ...rest.map((each) => " ".repeat(indent) + each)];
}
