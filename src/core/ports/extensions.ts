/** What people write in Markdown files for their agents: skills, commands, agents; and what they want remembered. */
import type { Label } from "../label.ts";

export type ExtensionKind = "skill" | "command" | "agent";
/** `user`: of the person's own places; `project`: of a workspace that the person trusts. */
export type ExtensionOrigin = "user" | "project";

interface Described {
  readonly name: string;
  readonly description: string;
  readonly origin: ExtensionOrigin;
  /** As it is shown. */
  readonly file: string;
}

export interface Skill extends Described {
  /** Where the files beside SKILL.md lie. */
  readonly folder: string;
  readonly body: string;
}

export interface CustomCommand extends Described {
  /** Its arguments, as help shows them. */
  readonly hint: string;
  /** Patterns of the only tools that its turn may use; absent: no fewer than else. */
  readonly only?: readonly string[];
  readonly model?: string;
  readonly body: string;
}

export interface CustomAgent extends Described {
  readonly only?: readonly string[];
  readonly model?: string;
  readonly prompt: string;
}

export interface Extensions {
  readonly skills: readonly Skill[];
  readonly commands: readonly CustomCommand[];
  readonly agents: readonly CustomAgent[];
  /** Lines for the person: files that are left alone, and why. */
  readonly notes: readonly string[];
}

export interface SkillText {
  readonly text: string;
  /** Files beside SKILL.md, relative to its folder. */
  readonly files: readonly string[];
  readonly label: Label;
}

/** What the person wants remembered in a workspace: one line each. */
export interface MemoryView {
  /** The file they stand in, outside the workspace. */
  readonly file: string;
  /** What spirals learned here; not the person's words. */
  lessons(): Promise<readonly string[]>;
  list(): readonly string[];
  /** Throws `bad-input` for nothing, or more than there is room for. */
  add(text: string): void;
  replace(lines: readonly string[]): void;
}

/** Something of another agent's setup that can be taken over. */
export interface ImportItem {
  readonly what: "mcp" | "skill" | "command" | "agent" | "rule" | "hooks";
  readonly name: string;
  /** Where it stands. */
  readonly from: string;
  /** Where it is written; absent when it is not taken. */
  readonly to?: string;
  /** What is different, or why it is not taken. */
  readonly note?: string;
}

export interface ImportPlan {
  readonly items: readonly ImportItem[];
  readonly notes: readonly string[];
  /** Writes what has a place; nothing is executed. Gives the number written. Throws `storage`. */
  write(): Promise<number>;
}
