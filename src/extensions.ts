/** Wires skills, commands and agents: files found by config, understood by the room of extensions. */
import { CrucibleError } from "./base/error.ts";
import { nearest } from "./base/text.ts";
import { readExtensionFiles, skillFile, skillFiles } from "./config/extension-files.ts";
import { hasExtensions } from "./config/extension-places.ts";
import { USER_LABEL, WORKSPACE_LABEL } from "./core/label.ts";
import type { OpenOptions } from "./core/ports/app.ts";
import type { CustomAgent, Extensions, SkillText } from "./core/ports/extensions.ts";
import { readAgent, readCommand, readSkill } from "./extensions/markdown.ts";
import type { House } from "./house.ts";

const NONE: Extensions = { skills: [], commands: [], agents: [], notes: [] };

/** Everything of this folder; of several with one name the first counts, and the person's own come first. */
export function loadExtensions(house: House, bare: boolean): Extensions {
  const ground = groundOf(house, bare);
  if (!hasExtensions(ground)) return NONE;
  const { files, notes } = readExtensionFiles(ground);
  const problems: string[] = [];
  const take = <T extends { readonly name: string }>(
    kind: (typeof files)[number]["kind"],
    read: (file: (typeof files)[number]) => T | { readonly problem: string },
  ): readonly T[] => {
    const found = new Map<string, T>();
    for (const file of files) {
      if (file.kind !== kind) continue;
      const each = read(file);
      if ("problem" in each) problems.push(each.problem);
      else if (!found.has(each.name)) found.set(each.name, each);
    }
    return [...found.values()];
  };
  const [skills, commands, agents] = [take("skill", readSkill), take("command", readCommand), take("agent", readAgent)];
  return { skills, commands, agents, notes: [...notes, ...problems] };
}

function groundOf({ config, home, workspace }: House, bare: boolean) {
  return { places: config.places, home, workspace, bare };
}

/** The text of a skill, or of a file beside it. Throws `bad-input`, `file-missing`, `denied`. */
export function loadSkill(house: House, bare: boolean, { name, file }: { name: string; file?: string }): SkillText {
  const { skills } = loadExtensions(house, bare);
  const skill = skills.find((each) => each.name === name);
  if (!skill) throw missing("skill", name, skills);
  const label = skill.origin === "user" ? USER_LABEL : WORKSPACE_LABEL;
  if (file !== undefined) return { text: skillFile(skill, file, groundOf(house, bare)), files: [], label };
  return { text: skill.body, files: skillFiles(skill.folder), label };
}

function missing(kind: string, name: string, all: readonly { readonly name: string }[]): CrucibleError {
  const names = all.map((each) => each.name);
  const near = nearest(name, names);
  const there = names.length === 0 ? `there are none: see docs/extend.md` : `there are: ${names.join(", ")}`;
  return new CrucibleError("bad-input", `there is no ${kind} ${name}`, {
    hint: near ? `did you mean ${near}?` : there,
  });
}

/** The agent of that name. Throws `bad-input`. */
export function agentNamed(house: House, bare: boolean, name: string): CustomAgent {
  const { agents } = loadExtensions(house, bare);
  const agent = agents.find((each) => each.name === name);
  if (!agent) throw missing("agent", name, agents);
  return agent;
}

/** A session as this agent: its words after the system text, its tools, its model where none is named. */
export function asAgent(house: House, given: OpenOptions, name: string): OpenOptions {
  const agent = agentNamed(house, given.bare, name);
  const named = given.model.model !== undefined || given.model.baseUrl !== undefined;
  return {
    ...given,
    agent: name,
    appendSystemPrompt: [given.appendSystemPrompt, agent.prompt].filter((text) => text !== "").join("\n\n"),
    ...(agent.only ? { only: [...(given.only ?? []), agent.only] } : {}),
    model: { ...(agent.model !== undefined && !named ? { model: agent.model } : {}), ...given.model },
  };
}
