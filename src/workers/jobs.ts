/** What a worker can do: bytes in, values out. */
import { sha256 } from "../base/hash.ts";
import { showDiff } from "../base/show-diff.ts";
import type { JobKind, Jobs } from "../core/ports/workers.ts";
import { parseFiles } from "./symbols.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

export const jobs: {
  readonly [Kind in JobKind]: (input: Jobs[Kind]["input"]) => Jobs[Kind]["output"] | Promise<Jobs[Kind]["output"]>;
} = {
  hash: (files) => files.map(sha256),
  diff: ({ before, after }) => showDiff(text(before), text(after)),
  tokenise: (bytes) => words(text(bytes)),
  parse: parseFiles,
  scan: ({ bytes, pattern, flags, limit }) => {
    const matches = new RegExp(pattern, flags.replace(/[gy]/g, ""));
    return text(bytes)
      .split(/\r?\n/)
      .flatMap((line, index) => (matches.test(line) ? [{ line: index + 1, text: line }] : []))
      .slice(0, limit);
  },
};

function words(source: string): [string, number][] {
  const counts = new Map<string, number>();
  for (const [word] of source.matchAll(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+|\d+/gu)) {
    const lower = word.toLowerCase();
    counts.set(lower, (counts.get(lower) ?? 0) + 1);
  }
  return [...counts];
}
