/** The likeliest option; the first of equals. */
import type { OptionId } from "../core/council.ts";

export function bestOf(posterior: ReadonlyMap<OptionId, number>, options: readonly OptionId[]): OptionId | undefined {
  return options.reduce<OptionId | undefined>(
    (a, b) => (a === undefined || (posterior.get(b) ?? 0) > (posterior.get(a) ?? 0) ? b : a),
    undefined,
  );
}
