/** Stage 6: time and size a call may take. */
import { type Check, verdictOf } from "../action.ts";
import { ask, type Finding } from "../shell/types.ts";

/** Longest run of one foreground command (milliseconds). */
export const MAX_WALL_MS = 30 * 60_000;

const check: Check = {
  name: "validateResourceLimits",
  run(action) {
    const findings: Finding[] = [];
    const seconds = action.input?.["timeout"];
    if (typeof seconds === "number" && (seconds <= 0 || seconds * 1000 > MAX_WALL_MS)) {
      findings.push(ask("limits.timeout", `a timeout of ${seconds} s is outside 1 to ${MAX_WALL_MS / 1000} s`));
    }
    return verdictOf(check.name, findings);
  },
};

export default check;
