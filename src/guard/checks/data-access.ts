/** Stage 2: every path that is read, written or removed. */
import { type Check, verdictOf } from "../action.ts";
import { judgePath } from "../path-policy.ts";

const check: Check = {
  name: "validateDataAccess",
  run(action) {
    const findings = action.paths
      .map((use) => judgePath(use, action.policy.paths))
      .filter((finding) => finding !== undefined);
    return verdictOf(check.name, findings);
  },
};

export default check;
