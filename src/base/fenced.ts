/** Text of others between marks in a prompt: it can neither end its marks, nor pass for the end of the prompt. */

/**
 * `text` with the closing of each of `marks` escaped; with `both` the opening too, for text that is only read and never
 * quoted back. What looks like the tail of a council's prompt is broken up.
 */
export function fenced(text: string, marks: readonly string[], both = false): string {
  const ends = new RegExp(`<(?=${both ? "/?" : "/"}\\s*(?:${marks.join("|")})\\b)`, "gi");
  return text
    .replace(ends, "<\\")
    .replace(/^[ \t]*-{3,}[ \t]*(?=\r?\n[ \t]*(?:Stage|Duty)\b)/gim, "\\---")
    .trimEnd();
}
