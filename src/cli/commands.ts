/** The commands: a name, a line of help, and a module that is loaded when the command is run. */
import type { Command } from "commander";
import type { CommandContext } from "../core/ports/cli.ts";

export interface CommandModule {
  /** Declares arguments and options on `command`; actions return the exit code through `finish`. */
  default(command: Command, context: CommandContext, finish: (code: number) => void): void;
}

export interface CommandEntry {
  readonly about: string;
  readonly load: () => Promise<CommandModule>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  models: { about: "models of every server that answers", load: () => import("./commands/models.ts") },
  route: { about: "which model would answer, and why", load: () => import("./commands/route.ts") },
  council: {
    about: "put a question (or --patch: a change) to a council; show, replay, what-if, stats",
    load: () => import("./commands/council.ts"),
  },
  spiral: {
    about: "larger work in five phases, each with a test that must hold; only what passes is put into the folder",
    load: () => import("./commands/spiral.ts"),
  },
  review: {
    about: "voices read a change by duty; findings with file and line, confirmed by checks or by two models",
    load: () => import("./commands/review.ts"),
  },
  status: {
    about: "servers, models, breakers and what was learned of them",
    load: () => import("./commands/status.ts"),
  },
  stats: { about: "times, tokens, tools and voices of your sessions", load: () => import("./commands/stats.ts") },
  cache: { about: "kept answers: stats, clear, explain", load: () => import("./commands/cache.ts") },
  voices: { about: "who speaks in a council: list, show, test", load: () => import("./commands/voices.ts") },
  sessions: { about: "list, show, export or remove sessions", load: () => import("./commands/sessions.ts") },
  worktree: {
    about: "worktrees that sessions work in (crucible -w): list, remove",
    load: () => import("./commands/worktree.ts"),
  },
  undo: {
    about: "take the last turn back, files and conversation: [n], --to, --list, --redo",
    load: () => import("./commands/undo.ts"),
  },
  config: { about: "read and change the configuration", load: () => import("./commands/config.ts") },
  doctor: { about: "what works here, and what mends the rest", load: () => import("./commands/doctor.ts") },
  prompt: { about: "the head of every request, part by part", load: () => import("./commands/prompt.ts") },
  policy: { about: "ask the policy: check, explain, redact", load: () => import("./commands/policy.ts") },
  approvals: { about: "list and revoke what you allowed for longer", load: () => import("./commands/approvals.ts") },
  trust: { about: "trust what this workspace would run or steer", load: () => import("./commands/trust.ts") },
  mcp: {
    about: "foreign servers (Model Context Protocol): add, list, get, test, login, logout, remove; serve: be one",
    load: () => import("./commands/mcp.ts"),
  },
  acp: { about: "the agent of an editor (Agent Client Protocol)", load: () => import("./commands/acp.ts") },
  audit: { about: "the audit log: verify, head, tail, export", load: () => import("./commands/audit.ts") },
  sandbox: {
    about: "try every way out of the sandbox, or run a command in it",
    load: () => import("./commands/sandbox.ts"),
  },
  memory: {
    about: "what is remembered of this folder: list, add, edit, rm",
    load: () => import("./commands/memory.ts"),
  },
  commit: {
    about: "commit what is staged with a message made from it; never pushes",
    load: () => import("./commands/commit.ts"),
  },
  import: {
    about: "take over another agent's setup: MCP servers, commands, rules, hooks",
    load: () => import("./commands/import.ts"),
  },
  completion: {
    about: "a script that completes commands and flags: bash, zsh, fish, powershell",
    load: () => import("./commands/completion.ts"),
  },
  man: { about: "the manual page: crucible man | man -l -", load: () => import("./commands/man.ts") },
  update: {
    about: "--check asks the package registry for a newer version",
    load: () => import("./commands/update.ts"),
  },
  demo: { about: "the main job against a scripted model, no model needed", load: () => import("./commands/demo.ts") },
};
