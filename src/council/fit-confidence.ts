/** Whether a voice's word about its own certainty means anything: one Platt scale for all, used only once it has proved itself. */
import type { CouncilOutcome } from "../core/council.ts";
import { votesOf } from "./votes.ts";
import type { ConfidenceScale } from "./weights.ts";

const LEAST_VOTES = 50;
/** Area under the curve below which confidence is noise. */
const LEAST_AREA = 0.58;
const STEPS = 25;

interface Point {
  /** Logit of the confidence. */
  readonly x: number;
  readonly right: boolean;
}

/** Undefined while confidence tells right from wrong too badly or too few votes are known. */
export function fitConfidence(record: readonly CouncilOutcome[]): ConfidenceScale | undefined {
  const points = pointsOf(record);
  const right = points.filter((point) => point.right).length;
  if (points.length < LEAST_VOTES || (areaOf(points) ?? 0) < LEAST_AREA) return undefined;
  const { slope, offset } = platt(points);
  if (slope <= 0) return undefined;
  return { slope, offset: offset - Math.log(right / (points.length - right)) };
}

/** How many votes said how sure they were, and how well that told right from wrong. */
export function confidenceRecord(record: readonly CouncilOutcome[]): {
  readonly votes: number;
  readonly area?: number;
} {
  const points = pointsOf(record);
  const area = areaOf(points);
  return { votes: points.length, ...(area === undefined ? {} : { area }) };
}

function pointsOf(record: readonly CouncilOutcome[]): Point[] {
  return record.flatMap(({ ballots, options, truth }): Point[] =>
    votesOf(ballots, options).flatMap(({ confidence, choice }) => {
      if (confidence === undefined || !(confidence >= 0 && confidence <= 1)) return [];
      const p = Math.min(0.999, Math.max(0.001, confidence));
      return [{ x: Math.log(p / (1 - p)), right: choice === truth }];
    }),
  );
}

/** Chance that a right vote is more confident than a wrong one; undefined without one of each. */
function areaOf(points: readonly Point[]): number | undefined {
  const right = points.filter((point) => point.right).length;
  if (right === 0 || right === points.length) return undefined;
  const sorted = points.toSorted((a, b) => a.x - b.x);
  let rankSum = 0;
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (end < sorted.length && sorted[end]?.x === sorted[at]?.x) end++;
    const rank = (at + end + 1) / 2;
    for (let n = at; n < end; n++) if (sorted[n]?.right) rankSum += rank;
    at = end;
  }
  return (rankSum - (right * (right + 1)) / 2) / (right * (points.length - right));
}

/** Logistic regression by Newton's method, with a little pull of the slope to zero. */
function platt(points: readonly Point[]): { slope: number; offset: number } {
  let [slope, offset] = [0, 0];
  for (let step = 0; step < STEPS; step++) {
    let [g0, g1, h00, h01, h11] = [0, slope, 1e-6, 0, 1];
    for (const { x, right } of points) {
      const p = 1 / (1 + Math.exp(-(offset + slope * x)));
      const error = p - Number(right);
      const curve = p * (1 - p);
      g0 += error;
      g1 += error * x;
      h00 += curve;
      h01 += curve * x;
      h11 += curve * x * x;
    }
    const determinant = h00 * h11 - h01 * h01;
    offset -= (h11 * g0 - h01 * g1) / determinant;
    slope -= (h00 * g1 - h01 * g0) / determinant;
  }
  return { slope, offset };
}
