/** `crucible route explain`: which model would answer a prompt, and what spoke for and against each. */
import type { Command } from "commander";
import type { CommandContext } from "../../core/ports/cli.ts";
import type { RouteDecision } from "../../core/route.ts";
import { workFolder } from "../files.ts";
import { table } from "../table.ts";

/** Longest wait for the servers of all tiers (milliseconds). */
const LOOK_MS = 30_000;

export default function route(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .command("explain <prompt>")
    .description("decide for this prompt, without asking any model")
    .option("--json", "machine-readable")
    .option("-m, --model <name>", "as if this model were asked for")
    .action(async (prompt: string, options: { json?: boolean; model?: string }) => {
      const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
      const choice = options.model === undefined ? {} : { model: options.model };
      const decision = await (await app.models()).explain(choice, prompt, AbortSignal.timeout(LOOK_MS));
      process.stdout.write(options.json ? `${JSON.stringify(decision)}\n` : explained(decision));
      finish(0);
    });
}

function explained(decision: RouteDecision): string {
  const { model, tier, strategy, reason, complexity, considered, deadlineMs } = decision;
  const rows = considered.map((one) => [
    one.outcome,
    one.model,
    one.tier ?? "-",
    one.costMs === undefined || one.outcome === "rejected" ? "-" : seconds(one.costMs),
    `${one.by}: ${one.reason}`,
  ]);
  return [
    `${model}${tier ? ` (${tier})` : ""} answers: ${reason} (${strategy})\n`,
    `complexity ${complexity} by its words; first token expected within ${seconds(deadlineMs)}\n\n`,
    table([["", "MODEL", "TIER", "PREDICTED", "BECAUSE"], ...rows]),
  ].join("");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
