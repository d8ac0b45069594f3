/** When two short phrases are about the same thing: their words, without small words and plural endings. */

const SMALL = new Set(
  "a an and are as at be by can for from has in is it its not of on or that the this to when with".split(" "),
);

/** Words of a phrase; `userNames` and `user_names` are two. A phrase of small words alone stands for itself. */
function wordsOf(phrase: string): ReadonlySet<string> {
  const split = phrase.replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2").toLowerCase();
  const all = split.match(/[\p{L}\p{N}]+/gu) ?? [split.trim()];
  const telling = all.filter((word) => !SMALL.has(word));
  return new Set((telling.length > 0 ? telling : all).map(singular));
}

const singular = (word: string) => (word.length > 3 ? word.replace(/(?<=[^s])s$/, "") : word);

/** Equal for phrases of the same words in any order. */
export function subjectKey(phrase: string): string {
  return [...wordsOf(phrase)].sort().join(" ");
}

/** Most words of the two are common (Dice's measure). */
const ALIKE = 0.6;

export function similarSubjects(a: string, b: string): boolean {
  const [first, second] = [wordsOf(a), wordsOf(b)];
  const common = [...first].filter((word) => second.has(word)).length;
  return (2 * common) / (first.size + second.size) >= ALIKE;
}
