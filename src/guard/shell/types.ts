/** Shapes of the shell analysis: findings, path uses and the rule of one command. */
import type { Decision, Risk } from "../../core/verdict.ts";
import type { PlainWord } from "./words.ts";

export interface Finding {
  readonly decision: Decision;
  readonly rule: string;
  readonly risk: Risk;
  readonly reason: string;
  /** Index of the simple command that raised it, in the order of `ShellAnalysis.commands`. */
  readonly command?: number;
}

/** `list`: only names are read. `delete` and `replace` are writes with harder consequences. */
export type PathOp = "read" | "write" | "delete" | "enter";

export interface PathUse {
  readonly text: string;
  readonly op: PathOp;
  readonly glob: boolean;
  /** Absolute folder the path is relative to. */
  readonly cwd: string;
  readonly recursive: boolean;
  /** What is put into this folder has names that nobody knows: a tree copied, an archive unpacked. */
  readonly tree?: boolean;
  /** Index of the simple command that names it. */
  readonly command?: number;
  /** Named by a command that nobody knows: it counts only where no tool may write. */
  readonly guess?: boolean;
}

/** One simple command, unwrapped, as its rule sees it. */
export interface SimpleCommand {
  readonly name: string;
  readonly args: readonly PlainWord[];
  /** Operands come from standard input (`xargs`). */
  readonly fed: boolean;
}

export interface PathOptions {
  readonly recursive?: boolean;
  readonly tree?: boolean;
  readonly guess?: boolean;
}

/** What rules report to. */
export interface Report {
  find(finding: Finding): void;
  path(word: PlainWord, op: PathOp, options?: PathOptions): void;
  /** The command may change files or run the project's code. */
  effect(kind: "write" | "run"): void;
  /** A fact that only matters in combination. */
  mark(trait: Trait): void;
  /** Analyses another simple command (a wrapper's inner command). */
  inner(words: readonly PlainWord[], options?: { fed?: boolean }): void;
  /** Looks among the words of a command that starts others for the first one that it knows. */
  carried(words: readonly PlainWord[]): void;
  /** Analyses code that a shell would run (`sh -c`, `eval`). */
  script(code: PlainWord): void;
}

export type Trait =
  | "net"
  | "net-upload"
  | "fetch"
  | "secret"
  | "shell"
  | "stdin-shell"
  | "local-run"
  | "clone"
  | "piped-out";

export type CommandRule = (command: SimpleCommand, report: Report) => void;

export const ask = (rule: string, reason: string, risk: Risk = "medium"): Finding => ({
  decision: "ask",
  rule,
  risk,
  reason,
});
export const deny = (rule: string, reason: string, risk: Risk = "critical"): Finding => ({
  decision: "deny",
  rule,
  risk,
  reason,
});
