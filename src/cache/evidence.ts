/** How sure it is that cached answers are right: the upper bound of the error that comparisons leave possible. */
import type { CacheEvidence } from "../core/cache.ts";

/** The most errors among served answers that are borne: 0.5 %, with 95 % confidence. */
export const MOST_ERROR = 0.005;
const DOUBT = 0.05;
/** Beta(1, 600) before the first comparison: just enough to serve, so that the first proven error stops it. */
const PRIOR = { wrong: 1, right: 600 };

/** The error rate that is exceeded with 5 % probability only, after these comparisons (Beta posterior). */
export function upperError({ agreed, disagreed }: CacheEvidence): number {
  const wrong = PRIOR.wrong + disagreed;
  const trials = wrong + PRIOR.right + agreed - 1;
  let [low, high] = [0, 1];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (atMost(wrong - 1, trials, middle) > DOUBT) low = middle;
    else high = middle;
  }
  return high;
}

/** True while the error is within what is borne. */
export function isTrusted(evidence: CacheEvidence): boolean {
  return upperError(evidence) <= MOST_ERROR;
}

/** Probability of `most` or fewer errors in `trials` at `rate`: P(Beta(most + 1, trials - most) > rate). */
function atMost(most: number, trials: number, rate: number): number {
  if (most >= trials) return 1;
  let logTerm = trials * Math.log1p(-rate);
  let sum = Math.exp(logTerm);
  for (let k = 1; k <= most; k++) {
    logTerm += Math.log(((trials - k + 1) / k) * (rate / (1 - rate)));
    sum += Math.exp(logTerm);
  }
  return Math.min(1, sum);
}
