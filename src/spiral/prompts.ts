/** What a spiral says to its voices, and the forms of their answers. */
import { fenced } from "../base/fenced.ts";
import type { Problem, SpiralPlan } from "../core/spiral.ts";

const text = { type: "string" } as const;
const list = (items: object, most: number) => ({ type: "array", items, maxItems: most });
const object = (properties: Readonly<Record<string, unknown>>) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

export const PROBLEM_FORM = object({
  goal: text,
  constraints: list(text, 8),
  acceptance: list(object({ title: text, path: text, content: text, command: text }), 4),
});

export const PLAN_FORM = object({
  steps: list(text, 12),
  files: list(text, 20),
  tests: list(text, 8),
  risks: list(text, 6),
  rollback: text,
});

export const LESSON_FORM = object({ lesson: text });
export const AUDIT_FORM = object({
  findings: list(
    object({ file: text, line: { type: "integer", minimum: 0 }, problem: text, grave: { type: "boolean" } }),
    6,
  ),
});

export const collapseText = (work: string, lessons: readonly string[]) =>
  `Turn this work into one problem that can be checked. goal: one sentence. constraints: what must stay true. acceptance: checks that fail now and pass when the work is done, each one test file (path, content) and the command that runs it from the repository's root; none when nothing can be run.\n${learned(lessons)}<work>\n${fenced(work, ["work"])}\n</work>`;

export const approachText = ({ goal, constraints }: Problem, work: string) =>
  `How should this be done in this repository? Name the files, the order and what to test.\nGoal: ${goal}\n${bullets("Constraints", constraints)}<work>\n${fenced(work, ["work"])}\n</work>`;

export const planText = ({ goal, constraints, acceptance }: Problem, approach: string, lacking: readonly string[]) =>
  `Make one plan. steps: in the order of doing, each one thing. files: paths that change. tests: what proves it. risks: what may break. rollback: how it is taken back.\nGoal: ${goal}\n${bullets("Constraints", constraints)}${bullets(
    "Done when these pass",
    acceptance.map(({ title, command }) => `${title} ($ ${command})`),
  )}${approach === "" ? "" : `<approach>\n${fenced(approach, ["approach"])}\n</approach>\n`}${failed(lacking)}`;

export function writeText(
  { goal, constraints, acceptance }: Problem,
  plan: SpiralPlan,
  lacking: readonly string[],
): string {
  const checks = acceptance.map(({ title, command, files = [] }) => {
    const shown = files.map(({ path, content }) => `${path}:\n${content}`).join("\n");
    return `${title} ($ ${command})${shown === "" ? "" : `\n${shown}`}`;
  });
  return [
    `Carry out this plan with your tools, then run the checks and mend what fails. Do not ask: decide and go on.`,
    `Goal: ${goal}`,
    bullets("Constraints", constraints).trimEnd(),
    numbered("Plan", plan.steps),
    bullets("Files", plan.files).trimEnd(),
    bullets("It is done when these pass (their files are put in place when they run)", checks).trimEnd(),
    failed(lacking).trimEnd(),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

export const auditText = (work: string, diff: string) =>
  `You did not write this change. Name what is wrong with it for the work, each with file and line; nothing is a good answer. grave: it must not be merged like this.\n<work>\n${fenced(work, ["work"])}\n</work>\n<change>\n${fenced(diff, ["change", "work"])}\n</change>`;

export const lessonText = (work: string, lacking: readonly string[], mended: boolean) =>
  `One sentence that helps the next person who works on this repository: what went wrong here and ${mended ? "what mended it" : "what is still open"}. Name the place, not yourself.\n<work>\n${fenced(work, ["work"])}\n</work>\n${failed(lacking)}`;

function bullets(head: string, items: readonly string[]): string {
  return items.length === 0 ? "" : `${head}:\n${items.map((item) => `- ${item}`).join("\n")}\n`;
}

function numbered(head: string, items: readonly string[]): string {
  return `${head}:\n${items.map((item, at) => `${at + 1}. ${item}`).join("\n")}`;
}

const failed = (lacking: readonly string[]) =>
  lacking.length === 0
    ? ""
    : `The last try was not accepted:\n<run>\n${fenced(lacking.map((lack) => `- ${lack}`).join("\n"), ["run"])}\n</run>\n`;

const learned = (lessons: readonly string[]) =>
  lessons.length === 0
    ? ""
    : `<lessons>\n${fenced(lessons.map((lesson) => `- ${lesson}`).join("\n"), ["lessons", "work"], true)}\n</lessons>\n`;
