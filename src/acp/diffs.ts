/** Unified hunks of an edit as the before and after that an editor shows. */

export interface Hunk {
  /** First line in the new text, from 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

export function hunksOf(diff: string): readonly Hunk[] {
  const parts = diff.split(/^@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@.*\n?/m);
  const hunks: Hunk[] = [];
  for (let at = 1; at + 1 < parts.length; at += 2) {
    const lines = (parts[at + 1] ?? "").replace(/\n$/, "").split("\n");
    const side = (sign: string) =>
      lines.filter((line) => line[0] === " " || line[0] === sign).map((line) => line.slice(1));
    hunks.push({ line: Number(parts[at]), before: side("-").join("\n"), after: side("+").join("\n") });
  }
  return hunks;
}
