/** `crucible help review`; a review itself is a run with flags of its own. */
import type { Command } from "commander";

export default function review(command: Command): void {
  command.addHelpText(
    "after",
    `
Each voice reads the change by its duty. A finding is confirmed when a test written for it passed before the change and
fails with it; seconded when two models name it on their own; else it is listed as unconfirmed and fails no gate.

  crucible review                            what is not committed
  crucible review --base main --fail-on high exit 3 when something grave is confirmed
  crucible review --commit HEAD --sarif      for a code scanner

Its flags stand under "Of a review" in: crucible --help
`,
  );
}
