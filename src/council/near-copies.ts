/** Merges what says the same: three copies of one idea must not count as three ideas. */

/** Share of common words (Jaccard, of word pairs) from which two texts are one. */
const ALIKE = 0.8;

/** Groups of indexes, each in the order given; the first of a group stands for it. */
export function nearCopies(texts: readonly string[]): number[][] {
  const groups: { readonly pairs: ReadonlySet<string>; readonly members: number[] }[] = [];
  for (const [index, text] of texts.entries()) {
    const pairs = wordPairs(text);
    const group = groups.find((one) => likeness(one.pairs, pairs) >= ALIKE);
    if (group) group.members.push(index);
    else groups.push({ pairs, members: [index] });
  }
  return groups.map(({ members }) => members);
}

function wordPairs(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}_.]+/gu) ?? [];
  return words.length < 2 ? new Set(words) : new Set(words.slice(1).map((word, at) => `${words[at]} ${word}`));
}

function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const common = [...a].filter((pair) => b.has(pair)).length;
  const all = a.size + b.size - common;
  return all === 0 ? 1 : common / all;
}

/**
 * What a diff does, without comments and spacing: equal texts are one behaviour. Lines of context are left out, so that
 * where a change stands in a file does not tell apart what is changed.
 */
export function diffForm(diff: string): string {
  const lines = diff.split("\n").flatMap((line) => {
    if (/^(?:\+\+\+|rename to|deleted file)/.test(line)) return [line];
    if (!/^[+-](?![+-]{2} )/.test(line)) return [];
    const code = line
      .slice(1)
      .replace(/(^|\s)(?:\/\/|#(?!!|include|define|\[)).*$/, "")
      .replace(/\/\*.*?\*\//g, "")
      .replace(/\s+/g, "");
    return code === "" ? [] : [line[0] + code];
  });
  return lines.join("\n");
}
