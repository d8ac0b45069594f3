/** Stage 2: every path that is read, written or removed. */
import { type Check, verdictOf } from "../action.ts";
import { judgePath } from "../path-policy.ts";
import { ask, type PathUse } from "../shell/types.ts";

/** More different paths than this are not looked up one by one (each look-up is a few microseconds of the disk's). */
const MAX_PATHS = 500;

const check: Check = {
  name: "validateDataAccess",
  run(action) {
    const uses = distinct(action.paths);
    if (uses.length > MAX_PATHS)
      return verdictOf(check.name, [ask("path.too-many", `${uses.length} different paths are too many to look at`)]);
    const judged = uses.map((use) => judgePath(use, action.policy.paths, action.shell !== undefined));
    const findings = judged.filter((finding) => finding !== undefined);
    return verdictOf(check.name, findings);
  },
};

function distinct(uses: readonly PathUse[]): readonly PathUse[] {
  if (uses.length < 2) return uses;
  const keyOf = ({ op, cwd, text, glob, recursive, tree }: PathUse) =>
    `${op} ${glob} ${recursive} ${tree ?? ""} ${cwd}\n${text}`;
  return [...new Map(uses.map((use) => [keyOf(use), use])).values()];
}

export default check;
