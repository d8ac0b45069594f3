/** `crucible help spiral`; a spiral itself is a prompt run with flags of its own. */
import type { Command } from "commander";

export default function spiral(command: Command): void {
  command.argument("<work...>", "what is to be done").addHelpText(
    "after",
    `
Five phases: collapse (the work as a problem that can be checked), council (a way), synthesis (one plan), rebirth (written
and run in a copy of the folder; only what passes is put into the folder), reflection (what was learned).

  crucible spiral "add --json to the report command" --accept "npm test"
  crucible spiral --resume                   go on with one that was cut off, or waits for you

Its flags stand under "Of a spiral" in: crucible --help
`,
  );
}
