/** The exit-code contract. */
import type { FaultCode } from "../base/error.ts";
import type { Outcome } from "../core/task.ts";

/** Exit code of every fault. */
export const EXIT: Readonly<Record<FaultCode, number>> = {
  usage: 2,
  "bad-input": 42,
  "session-missing": 42,
  "file-missing": 42,
  "outside-workspace": 42,
  authentication: 41,
  "sandbox-unavailable": 44,
  "bad-config": 52,
  "turn-limit": 53,
  "budget-spent": 55,
  "wall-time": 124,
  "server-unreachable": 60,
  "model-missing": 61,
  "model-unfit": 61,
  "context-overflow": 61,
  "compaction-failed": 61,
  denied: 62,
  "loop-detected": 63,
  undecided: 64,
  findings: 3,
  aborted: 130,
  "server-error": 1,
  "server-stalled": 1,
  "server-busy": 1,
  "tool-call-invalid": 1,
  "schema-unmet": 1,
  "session-busy": 1,
  storage: 1,
  audit: 1,
  "file-changed": 1,
  "tool-failed": 1,
  "worker-failed": 1,
  internal: 1,
};

/** What each code means, for `--help` and the README. */
export const MEANINGS: readonly (readonly [number, string])[] = [
  [0, "done"],
  [1, "failed: the model, the disk, or the checks after the last edit"],
  [2, "wrong usage"],
  [3, "a verifying command (doctor, review, audit verify, sandbox verify) found a problem"],
  [41, "the server wants other credentials"],
  [42, "bad input: a file, an image, a session that is not there"],
  [44, "no sandbox works and commands were needed"],
  [52, "bad configuration"],
  [53, "turn limit reached"],
  [55, "another budget is used up"],
  [60, "model server unreachable"],
  [61, "the model or its context window does not fit"],
  [62, "not done because a call was denied"],
  [63, "the model went in circles"],
  [64, "council without quorum or abstained"],
  [124, "wall time reached"],
  [130, "cancelled (Ctrl+C)"],
  [143, "terminated (SIGTERM)"],
];

/** Exit code of a finished run: a failed or denied job is never 0. */
export function exitOf(outcome: Outcome): number {
  if (outcome.fault) return EXIT[outcome.fault.code];
  if (outcome.openDenials.length > 0) return 62;
  return outcome.verification.status === "failed" && outcome.verification.changed ? 1 : 0;
}
