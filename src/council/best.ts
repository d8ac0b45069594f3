/** The likeliest option; the first of equals, and rounding makes no difference. */
import type { OptionId } from "../core/council.ts";

const SAME = 1e-12;

export function bestOf(posterior: ReadonlyMap<OptionId, number>, options: readonly OptionId[]): OptionId | undefined {
  return options.reduce<OptionId | undefined>(
    (a, b) => (a === undefined || (posterior.get(b) ?? 0) > (posterior.get(a) ?? 0) + SAME ? b : a),
    undefined,
  );
}
