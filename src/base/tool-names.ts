/** Names of tools that people know from other agents. */

const ALIASES: Readonly<Record<string, string>> = {
  bash: "shell",
  webfetch: "web_fetch",
  todowrite: "todo_write",
  multiedit: "edit",
};

/** Our name of a tool. */
export function ownToolName(name: string): string {
  return ALIASES[name.toLowerCase()] ?? name.toLowerCase();
}

const FOREIGN: Readonly<Record<string, readonly string[]>> = {
  shell: ["Bash"],
  edit: ["Edit", "MultiEdit"],
  write: ["Write"],
  read: ["Read"],
  glob: ["Glob"],
  grep: ["Grep"],
  web_fetch: ["WebFetch"],
  todo_write: ["TodoWrite"],
  task: ["Task"],
};

/** Every name that a tool of ours goes by, its own first. */
export function toolNames(name: string): readonly string[] {
  return [name, ...(FOREIGN[name] ?? [])];
}
