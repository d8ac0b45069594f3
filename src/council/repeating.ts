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
  /** By role and option: how much likelier its votes are than if it were an ordinary wrong one. */
  readonly votes: readonly (readonly number[])[];
  /** By role and option: how much likelier they are when all of them may repeat the model. */
  readonly repeated: readonly (readonly number[])[];
  /** All votes, nobody repeating the model. */
  readonly alone: number;
  /** The sum over what the model itself says. */
  readonly sum: number;
}

/** `coupling`: chance that a voice repeats what the model itself says, which it says with the chances of `share`. */
export function tableOf(seen: number, coupling: number, share: Chances, speakers: readonly Speaker[]): Table {
  const ones = () => [RIGHT, TEMPTING, OTHER].map(() => new Array<number>(seen).fill(1));
  const [single, either] = [ones(), ones()];
  for (const { said, chances, lift } of speakers) {
    for (let role = RIGHT; role <= OTHER; role++) {
      const raised = role === RIGHT ? lift : 1;
      const value = (1 - coupling) * (chances[role] ?? 0) * raised;
      scale(single[role], said, value);
      scale(either[role], said, coupling * raised + value);
    }
  }
  const [plain = []] = single.slice(OTHER);
  const ratio = (rows: readonly number[][], to: (role: number) => readonly number[] | undefined) =>
    rows.map((row, role) => row.map((value, at) => value / Math.max(to(role)?.[at] ?? 1, 1e-300)));
  const repeated = ratio(either, (role) => single[role]);
  return {
    seen,
    share,
    votes: ratio(single, () => plain),
    repeated,
    alone: plain.reduce((product, value) => product * value, 1),
    sum: (repeated[OTHER] ?? []).reduce((total, value) => total + share[OTHER] * value, 0),
  };
}

function scale(row: number[] | undefined, at: number, by: number): void {
  if (row) row[at] = (row[at] ?? 1) * by;
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
    const at = role === RIGHT ? right : tempting;
    if (at < 0 || at >= seen) continue;
    const own = share[role] ?? 0;
    product *= votes[role]?.[at] ?? 1;
    said += own * (repeated[role]?.[at] ?? 1) - usual * (repeated[OTHER]?.[at] ?? 1);
    left -= own - usual;
  }
  return product * (said + Math.max(0, left));
}
