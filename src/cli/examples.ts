/** Command lines to begin with: for help and the manual page. */

export const EXAMPLES: readonly (readonly [string, string])[] = [
  ["crucible", "a conversation in this folder, with a model on this machine"],
  ['crucible "fix the failing test"', "the same, with its first prompt"],
  ['crucible -p "what does src do?"', "one shot, answer on standard output"],
  ['git diff | crucible -p "review"', "standard input becomes part of the prompt"],
  ['crucible -c "now add a test"', "go on with the newest session"],
  ['crucible -p --goal "npm test" "…"', "go on until the command passes"],
  ["crucible undo", "take the last turn back, effects of commands included"],
];
