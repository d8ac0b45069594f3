/** `crucible cache stats|clear|explain`: the kept answers of this workspace, and why one would or would not be given. */
import type { Command } from "commander";
import type { AnswerCache, AnswerCacheStats, CacheExplanation, TierStats } from "../../core/ports/cache.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";
import { harmless } from "../output.ts";
import { table } from "../table.ts";

const EMBED_MS = 60_000;

export default function cache(command: Command, context: CommandContext, finish: (code: number) => void): void {
  const using = async (work: (answers: AnswerCache) => Promise<string>) => {
    const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
    const answers = await app.answers();
    try {
      process.stdout.write(await work(answers));
      finish(0);
    } finally {
      await answers.close();
    }
  };
  command
    .command("stats", { isDefault: true })
    .description("what is kept where, and how often comparisons agreed")
    .option("--json", "machine-readable")
    .action((options: { json?: boolean }) =>
      using(async (answers) => {
        const stats = await answers.stats();
        return options.json ? `${JSON.stringify(stats)}\n` : shown(stats);
      }),
    );
  command
    .command("clear")
    .description("remove every kept answer, in all tiers")
    .action(() =>
      using(async (answers) => {
        const counts = Object.entries(await answers.clear()).map(([place, count]) => `${place} ${count}`);
        return `removed: ${counts.join(", ")}\n`;
      }),
    );
  command
    .command("explain <prompt>")
    .description("which kept answers are near, and what keeps them from being given")
    .option("--json", "machine-readable")
    .action((prompt: string, options: { json?: boolean }) =>
      using(async (answers) => {
        const found = await answers.explain(prompt, AbortSignal.timeout(EMBED_MS));
        return options.json ? `${JSON.stringify(found)}\n` : explained(found);
      }),
    );
}

function shown({ tiers, semantic }: AnswerCacheStats): string {
  const rows = tiers.map(tierCells);
  const compared = semantic.evidence.map(({ kind, agreed, disagreed }) => [kind, String(agreed), String(disagreed)]);
  return [
    table([["TIER", "STATE", "ENTRIES", "SIZE"], ...rows]),
    `\nquestions with an answer: ${semantic.entries}${semantic.problem === undefined ? "" : `; only the same words are found: ${harmless(semantic.problem)}`}\n`,
    compared.length > 0 ? `\n${table([["COMPARED", "AGREED", "DISAGREED"], ...compared])}` : "",
  ].join("");
}

function tierCells({ name, state, problem, entries, bytes }: TierStats): string[] {
  const size = bytes === undefined ? "-" : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return [
    name,
    problem === undefined ? state : `${state}: ${harmless(problem)}`,
    entries === undefined ? "-" : String(entries),
    size,
  ];
}

function explained(found: readonly CacheExplanation[]): string {
  if (found.length === 0) return "nothing is kept for this workspace\n";
  const rows = found.map(({ question, ageMs, similarity, bound, difference }) => [
    similarity === undefined ? "-" : similarity.toFixed(3),
    bound.toFixed(3),
    `${Math.round(ageMs / 60_000)} min`,
    difference === undefined
      ? similarity === undefined || similarity >= bound
        ? "given, if the context is the same"
        : "too far"
      : `not the same: ${difference}`,
    harmless(question).replaceAll("\n", " ").slice(0, 60),
  ]);
  return table([["SIMILARITY", "BOUND", "AGE", "", "QUESTION"], ...rows]);
}
