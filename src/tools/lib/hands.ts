/** Hands that a tool cannot do without. */
import { CrucibleError } from "../../base/error.ts";
import type { Hands } from "../../core/ports/hands.ts";

/** The named hand. Throws `internal` when the gate did not give it: the tool's effects are wrong. */
export function need<Name extends keyof Hands>(hands: Hands, name: Name): NonNullable<Hands[Name]> {
  const hand = hands[name];
  if (!hand) throw new CrucibleError("internal", `the tool was given no ${name} hands`);
  return hand as NonNullable<Hands[Name]>;
}
