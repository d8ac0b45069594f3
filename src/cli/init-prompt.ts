/** What `/init` asks for. */

export const INIT = `Write AGENTS.md at the root of this repository: what an agent must know to work here and cannot see at once.
Look first: the manifest and its scripts, README, CI files, the folders, a few files of each kind, existing rules for agents. If AGENTS.md is there already, improve it and keep what is right.
At most 60 lines, facts only, in this order:
- commands: build, one test, all tests, lint, types; each tried or read in the manifest, never guessed
- architecture: what lives where, and which way the parts depend on each other
- conventions that the code shows and a linter does not enforce
- traps: what breaks when it is done the obvious way
$ARGUMENTS`;
