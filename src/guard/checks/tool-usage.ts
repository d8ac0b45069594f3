/** Stage 3: what a shell command would do, word by word. */
import { type Check, verdictOf } from "../action.ts";

const check: Check = {
  name: "validateToolUsage",
  run: (action) => verdictOf(check.name, action.shell?.findings ?? []),
};

export default check;
