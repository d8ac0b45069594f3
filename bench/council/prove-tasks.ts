/** Proves of every task what the council's score rests on; prints what does not hold, one line each, and how long it took. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type CouncilTask, layOut, readTasks, variantsOf } from "./task.ts";

export interface TaskProof {
  readonly tasks: number;
  readonly mutants: number;
  readonly classes: Readonly<Record<string, number>>;
  /** Share of mutants that the right blind test finds. */
  readonly found: number;
  /** Share of mutants that pass the visible checks. */
  readonly unseen: number;
  readonly problems: readonly string[];
}

type Outcomes = ReadonlyMap<string, ReadonlyMap<string, boolean>>;

/** Whether each test passes on each state of the source: one import each, all in this process. */
async function outcomesOf(task: CouncilTask, root: string): Promise<Outcomes> {
  const outcomes = new Map<string, Map<string, boolean>>();
  for (const [variant, text] of variantsOf(task)) {
    const folder = join(root, task.name, variant);
    mkdirSync(folder, { recursive: true });
    layOut(task, folder, text);
    const seen = new Map<string, boolean>();
    outcomes.set(variant, seen);
    const tests = [
      ["visible", `test/${task.name}.test.ts`, task.visible],
      ["hidden", "test/hidden.test.ts", task.hidden],
      ...Object.entries(task.tests).map(([name, body]) => [name, `${name}.check.ts`, body] as const),
    ] as const;
    for (const [name, path, body] of tests) {
      const file = join(folder, path);
      writeFileSync(file, body);
      seen.set(name, await passes(file));
    }
  }
  return outcomes;
}

async function passes(file: string): Promise<boolean> {
  try {
    await import(pathToFileURL(file).href);
    return true;
  } catch {
    return false;
  }
}

function problemsOf(task: CouncilTask, outcomes: Outcomes): string[] {
  const problems: string[] = [];
  const want = (variant: string, test: string, wanted: boolean) => {
    if (outcomes.get(variant)?.get(test) !== wanted)
      problems.push(`${task.name}: ${variant} must ${wanted ? "pass" : "fail"} ${test}`);
  };
  want("reference", "visible", true);
  want("reference", "hidden", true);
  want("base", "hidden", false);
  for (const kind of task.mutants.keys()) want(kind, "hidden", false);
  for (const kind of ["misreading", "over-fit"]) want(kind, "visible", true);
  want("reference", "right", true);
  want("base", "right", false);
  want("misreading", "misreading", true);
  want("reference", "misreading", false);
  want("reference", "hostile", false);
  for (const variant of outcomes.keys()) want(variant, "junk", task.junk === "passes");
  if (![...outcomes].some(([variant, seen]) => variant !== "base" && seen.get("hostile")))
    problems.push(`${task.name}: no wrong change passes the hostile test`);
  if (task.mutants.size < 3 || task.mutants.size > 6) problems.push(`${task.name}: ${task.mutants.size} mutants`);
  return problems;
}

const only = process.argv.slice(2);
const root = mkdtempSync(join(tmpdir(), "crucible-tasks-"));
const say = console.log;
try {
  const tasks = readTasks().filter(({ name }) => only.length === 0 || only.includes(name));
  const problems: string[] = [];
  const classes: Record<string, number> = {};
  let [found, unseen] = [0, 0];
  console.log = () => undefined;
  for (const task of tasks) {
    const started = performance.now();
    const outcomes = await outcomesOf(task, root);
    problems.push(...problemsOf(task, outcomes));
    if (only.length > 0) console.error(`${task.name}: ${Math.round(performance.now() - started)} ms`);
    for (const kind of task.mutants.keys()) {
      classes[kind] = (classes[kind] ?? 0) + 1;
      if (!outcomes.get(kind)?.get("right")) found++;
      if (outcomes.get(kind)?.get("visible")) unseen++;
    }
  }
  const mutants = Object.values(classes).reduce((sum, count) => sum + count, 0);
  const proof: TaskProof = {
    tasks: tasks.length,
    mutants,
    classes,
    found: found / mutants,
    unseen: unseen / mutants,
    problems,
  };
  say(JSON.stringify(proof));
} finally {
  rmSync(root, { recursive: true, force: true });
}
