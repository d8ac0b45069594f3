/** What a regular expression of a stranger may cost at worst: it may be made never to end. */

/**
 * Steps of looking for `pattern` in a text of `length` characters, at most; Infinity when nobody can tell.
 * Only a repeated group or a reference back can cost more than every repetition tried at every place.
 */
export function patternCost(pattern: string, length: number): number {
  if (/\)[*+{]|\\[1-9k]/.test(pattern)) return Number.POSITIVE_INFINITY;
  return (length + 1) ** ((pattern.match(/[*+{]/g)?.length ?? 0) + 1);
}
