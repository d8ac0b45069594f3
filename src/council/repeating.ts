/** Votes of one model whose voices may repeat it: their likelihood under each hypothesis, two look-ups for each. */

/** What an option is under a hypothesis. */
export const RIGHT = 0;
export const TEMPTING = 1;
export const OTHER = 2;

/** Chance of saying the right option, the tempting one, or a given other one. */
export type Chances = readonly [right: number, tempting: number, other: number];

/** `size` options, one of them right, one tempting; an error falls on the tempting one with chance `trap`. */
export function chancesOf(good: number, size: number, trap: number): Chances {
  if (size <= 2) return [good, 1 - good, 1 - good];
  return [good, (1 - good) * trap, ((1 - good) * (1 - trap)) / (size - 2)];
}

export interface Speaker {
  /** Index of the option. */
  readonly said: number;
  readonly chances: Chances;
  /** Likelihood ratio of its confidence when it is right. */
  readonly lift: number;
}

/** The votes as they are when every option is an ordinary wrong one, and what changes when one is not. */
export interface Table {
  readonly seen: number;
  /** Chance that the model itself says an option of this role. */
  readonly share: Chances;
  /** At `role * seen + option`: how much likelier its votes are than if it were an ordinary wrong one. */
  readonly votes: readonly number[];
  /** There too: how much likelier they are when all of them may repeat the model. */
  readonly repeated: readonly number[];
  /** All votes, nobody repeating the model. */
  readonly alone: number;
  /** The sum over what the model itself says. */
  readonly sum: number;
}

/** `coupling`: chance that a voice repeats what the model itself says, which it says with the chances of `share`. */
export function tableOf(seen: number, coupling: number, share: Chances, speakers: readonly Speaker[]): Table {
  const votes = new Array<number>(3 * seen).fill(1);
  const repeated = new Array<number>(3 * seen).fill(1);
  for (const { said, chances, lift } of speakers) {
    for (let role = RIGHT; role <= OTHER; role++) {
      const raised = role === RIGHT ? lift : 1;
      const value = (1 - coupling) * (chances[role] ?? 0) * raised;
      const at = role * seen + said;
      votes[at] = (votes[at] ?? 1) * value;
      repeated[at] = (repeated[at] ?? 1) * (1 + (coupling * raised) / Math.max(value, 1e-300));
    }
  }
  let [alone, sum] = [1, 0];
  for (let option = 0; option < seen; option++) {
    const plain = Math.max(votes[OTHER * seen + option] ?? 1, 1e-300);
    alone *= plain;
    sum += share[OTHER] * (repeated[OTHER * seen + option] ?? 1);
    for (let role = RIGHT; role <= OTHER; role++)
      votes[role * seen + option] = (votes[role * seen + option] ?? 1) / plain;
  }
  return { seen, share, votes, repeated, alone, sum };
}

/** Likelihood of the votes when the options at these indices are right and tempting; any other index: one that nobody named. */
export function votesGiven(
  { seen, share, votes, repeated, alone, sum }: Table,
  right: number,
  tempting: number,
): number {
  const usual = share[OTHER];
  let product = alone;
  let said = sum;
  let left = 1 - seen * usual;
  for (let role = RIGHT; role <= TEMPTING; role++) {
    const option = role === RIGHT ? right : tempting;
    if (option < 0 || option >= seen) continue;
    const own = share[role] ?? 0;
    product *= votes[role * seen + option] ?? 1;
    said += own * (repeated[role * seen + option] ?? 1) - usual * (repeated[OTHER * seen + option] ?? 1);
    left -= own - usual;
  }
  return product * (said + Math.max(0, left));
}
