/** Commands and skills of the person as prompts: arguments put in, files read and commands run as calls of the person's own. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { shellQuoted } from "../base/shell-words.ts";
import { type Label, USER_LABEL, WORKSPACE_LABEL } from "../core/label.ts";
import type { TextPart } from "../core/message.ts";
import type { App, LiveSession } from "../core/ports/app.ts";
import type { CustomCommand, Skill } from "../core/ports/extensions.ts";
import type { Said } from "../core/task.ts";
import { expandCommand } from "./expand.ts";
import { INIT } from "./init-prompt.ts";

/** What a line that begins with a slash stands for. */
export interface Custom {
  readonly name: string;
  readonly description: string;
  readonly hint: string;
  readonly body: string;
  readonly label: Label;
  readonly only?: readonly string[];
  readonly model?: string;
  /** Text of a skill is taken as it stands. */
  readonly plain: boolean;
}

const labelOf = (origin: "user" | "project") => (origin === "user" ? USER_LABEL : WORKSPACE_LABEL);

function ofCommand({ origin, file: _file, ...command }: CustomCommand): Custom {
  return { ...command, label: labelOf(origin), plain: false };
}

function ofSkill({ name, description, body, origin }: Skill, as: string): Custom {
  const head = `Use the skill ${name}; files beside it are loaded with the tool skill.`;
  return { name: as, description, hint: "[words]", body: `${head}\n\n${body}`, label: labelOf(origin), plain: true };
}

const init: Custom = {
  ...{ name: "init", description: "write AGENTS.md from a look at this repository", hint: "[words]" },
  ...{ body: INIT, label: USER_LABEL, plain: false },
};

/** Everything that a slash may stand for here, by name: `init`, commands, `skill:name`, and skills by their bare names. */
export async function customCommands(app: App): Promise<ReadonlyMap<string, Custom>> {
  const { commands, skills } = await app.extensions();
  const named = new Map<string, Custom>();
  // A project's come first: the person's own of the same name take their place, and ours theirs.
  for (const from of ["project", "user"] as const) {
    for (const skill of skills.filter(({ origin }) => origin === from)) {
      named.set(skill.name, ofSkill(skill, skill.name));
      named.set(`skill:${skill.name}`, ofSkill(skill, `skill:${skill.name}`));
    }
    for (const command of commands.filter(({ origin }) => origin === from)) named.set(command.name, ofCommand(command));
  }
  return named.set("init", init);
}

/** `/name words`, when there is a command or skill of that name. */
export async function customIn(app: App, line: string): Promise<{ custom: Custom; words: string } | undefined> {
  const [, name = "", words = ""] = /^\/([\p{L}\d][\p{L}\d:._-]*)(?:\s+([\s\S]*))?$/u.exec(line.trim()) ?? [];
  if (name === "") return undefined;
  const custom = (await customCommands(app)).get(name);
  return custom ? { custom, words } : undefined;
}

/** The prompt of a command. What it runs and reads passes the gate as the person's own calls. */
export async function expandCustom(
  custom: Custom,
  words: string,
  live: Pick<LiveSession, "own" | "workspace">,
  signal: AbortSignal,
): Promise<Said> {
  const { body, label } = custom;
  const text = (said: string): TextPart => ({ type: "text", text: said, label });
  if (custom.plain) return [text(words === "" ? body : `${body}\n\n${words}`)];
  const parts: TextPart[] = [];
  for (const piece of expandCommand(body, words, shellQuoted)) {
    if (piece.kind === "text") parts.push(text(piece.text));
    else if (piece.kind === "shell")
      parts.push(await live.own({ tool: "shell", input: { command: piece.command } }, signal));
    else if (existsSync(resolve(live.workspace, piece.path)))
      parts.push(await live.own({ tool: "read", input: { path: piece.path } }, signal));
    else parts.push(text(`@${piece.path}`));
  }
  return parts;
}
