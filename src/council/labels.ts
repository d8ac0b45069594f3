/** Letters for what is voted on, and the order in which each voice reads it. */
import type { OptionId } from "../core/council.ts";

/** Letters of options, in one canonical order for all: `A`, `B` ... */
export type Labels = ReadonlyMap<string, OptionId>;

export function labelsOf(options: readonly OptionId[]): Labels {
  return new Map(options.map((option, index) => [String.fromCodePoint(65 + index), option]));
}

/** Each voice reads from another place on: no option is always first. */
export function rotation<T>(items: readonly T[], by: number): T[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
