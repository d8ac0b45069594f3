/** `npm run bench:council`: the tasks through councils of scripted voices, or of a real model with `--model`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writePredictions } from "./predictions.ts";
import { realCouncils } from "./real-councils.ts";
import type { Skill } from "./scripted-voices.ts";
import { aloneOn, councilOn, sampledOn, type Tried } from "./simulate.ts";
import { type CouncilTask, readTasks } from "./task.ts";
import { createRuns, type TaskRuns } from "./task-copies.ts";
import { figuresOf, HEAD, type Line, rowsOf, tableOf } from "./task-table.ts";

const SKILLS: readonly Skill[] = [
  { name: "weak", right: 0.35, test: 0.5, judge: 0.5, coupling: 0.5, models: 1 },
  { name: "middle", right: 0.55, test: 0.65, judge: 0.6, coupling: 0.5, models: 1 },
  { name: "middle, two models", right: 0.55, test: 0.65, judge: 0.6, coupling: 0.5, models: 2 },
  { name: "strong", right: 0.75, test: 0.8, judge: 0.7, coupling: 0.5, models: 1 },
];
const RESULTS = join(import.meta.dirname, "../results");

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "2" },
    tasks: { type: "string" },
    model: { type: "string" },
    "base-url": { type: "string" },
    size: { type: "string" },
    "swe-bench": { type: "string" },
    checkouts: { type: "string" },
    out: { type: "string" },
  },
});
const count = values.tasks === undefined ? Number.POSITIVE_INFINITY : Number(values.tasks);
const tasks = readTasks().slice(0, count);
const { model, "base-url": url, size, "swe-bench": dataset, checkouts, out } = values;
const asked = {
  ...(model === undefined ? {} : { model }),
  ...(url === undefined ? {} : { url }),
  ...(size === undefined ? {} : { size: Number(size) }),
};

if (dataset !== undefined) {
  if (checkouts === undefined || out === undefined || model === undefined) {
    console.error("--swe-bench needs --model, --checkouts DIR and --out FILE");
    process.exit(2);
  }
  const { written, failed } = await writePredictions({ dataset, checkouts, out, asked });
  console.error(`${written} predictions in ${out}, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} else if (model !== undefined) print(`councils of ${model}`, await realCouncils(tasks, asked));
else {
  const lines: Line[] = [];
  const runs = createRuns();
  for (const skill of SKILLS) lines.push(...(await linesOf(skill, runs, Number(values.seeds))));
  const text = `Councils of scripted voices on ${tasks.length} tasks, ${values.seeds} seeds each, through the real runner; every check really runs.\nA voice is right with the first chance, its test with the second, a judge with the third; with the coupling it repeats its model's draw.\n`;
  print(text, lines);
  if (tasks.length === readTasks().length) {
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(
      join(RESULTS, "council-tasks.json"),
      `${JSON.stringify({ skills: SKILLS, rows: lines.map(figuresOf) }, null, 2)}\n`,
    );
    writeFileSync(
      join(RESULTS, "council-tasks.md"),
      `# Councils on tasks\n\n${text}\n${tableOf(HEAD, rowsOf(lines))}\n`,
    );
  }
}

function print(title: string, lines: readonly Line[]): void {
  console.log(`${title}\n${tableOf(HEAD, rowsOf(lines))}`);
}

async function linesOf(skill: Skill, runs: TaskRuns, seeds: number): Promise<Line[]> {
  const castings = Array.from({ length: seeds }, (_, seed) =>
    tasks.map((task) => ({ task, skill, seed: seed + 1 })),
  ).flat();
  const world = `${skill.name} (${skill.right}/${skill.test}/${skill.judge}, coupling ${skill.coupling}, ${skill.models} ${skill.models === 1 ? "model" : "models"})`;
  const line = async (
    way: string,
    go: (casting: { task: CouncilTask; skill: Skill; seed: number }, at: number) => Promise<Tried>,
  ) => {
    console.error(`${skill.name}: ${way} ...`);
    const tried: Tried[] = [];
    const queue = castings.entries();
    const lane = async () => {
      for (const [at, casting] of queue) tried[at] = await go(casting, at);
    };
    await Promise.all(Array.from({ length: 2 * availableParallelism() }, lane));
    return { world, way, tried };
  };
  const one = await line("council of 1", (casting) => councilOn(casting, runs, 1));
  const three = await line("council of 3", (casting) => councilOn(casting, runs, 3));
  const ten = await line("council of 10", (casting) => councilOn(casting, runs, 10));
  const ladder = await line("ladder 1-3-10", (casting) => councilOn(casting, runs, "cheap"));
  const usual = await line("ladder 3-10", (casting) => councilOn(casting, runs));
  const budget = (at: number) => ten.tried[at]?.outputTokens ?? 0;
  const alone = await line("one voice, mends itself", (casting, at) => aloneOn(casting, runs, budget(at)));
  const sampled = await line("one voice, tokens of 10", (casting, at) => sampledOn(casting, runs, budget(at)));
  return [one, three, ten, ladder, usual, alone, sampled];
}
