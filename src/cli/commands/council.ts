/** `crucible council list|show|replay|what-if|stats`: what councils decided here, and why. */
import type { Command } from "commander";
import type { CouncilReport } from "../../core/council.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";
import { harmless, processOutput } from "../output.ts";
import { councilStatsText } from "../render/council-stats.ts";
import { councilText } from "../render/council-text.ts";
import { table } from "../table.ts";

interface Options {
  readonly json?: boolean;
}

export default function council(command: Command, context: CommandContext, finish: (code: number) => void): void {
  const open = async () => {
    const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
    return app.councils();
  };
  const print = (report: CouncilReport, { json }: Options) => {
    const { style } = processOutput("auto", context.env);
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : councilText(report, style));
  };
  command.addHelpText(
    "after",
    '\nTo ask a council: crucible council "question" [--options a,b] [--voices a,b|--preset name] [--patch|--apply]\n',
  );
  command
    .command("list")
    .description("councils of this folder, newest first")
    .option("--json", "machine-readable")
    .action(async (options: Options) => {
      const rows = (await open()).list();
      if (options.json) process.stdout.write(`${JSON.stringify(rows.map(({ report }) => report))}\n`);
      else if (rows.length === 0) process.stdout.write("no councils here yet\n");
      else process.stdout.write(table([["ID", "WHEN", "OUTCOME", "CALLS", "QUESTION"], ...rows.map(cells)]));
      finish(0);
    });
  command
    .command("show <id>")
    .description("the report of a council")
    .option("--json", "machine-readable")
    .action(async (id: string, options: Options) => {
      print((await open()).show(id), options);
      finish(0);
    });
  command
    .command("replay <id>")
    .description("decide again from what was recorded, without any model")
    .option("--json", "machine-readable")
    .action(async (id: string, options: Options) => {
      const { report, same } = await (await open()).replay(id);
      print(report, options);
      process.stderr.write(same ? "the same decision, byte for byte\n" : "NOT the decision that is on record\n");
      finish(same ? 0 : 3);
    });
  command
    .command("stats")
    .description("who is right how often, and what a vote is worth for it")
    .option("--json", "machine-readable")
    .action(async ({ json }: Options) => {
      const stats = await (await open()).stats();
      process.stdout.write(json ? `${JSON.stringify(stats)}\n` : councilStatsText(stats));
      finish(0);
    });
  command
    .command("outcome <id> <option>")
    .description("tell what was right: the letter of an option, its words, or none")
    .action(async (id: string, option: string) => {
      await (await open()).settle(id, option);
      process.stdout.write("noted\n");
      finish(0);
    });
  command
    .command("what-if <id>")
    .description("what the same ballots and runs would decide by another rule")
    .requiredOption("--rule <name>", "the rule")
    .option("--json", "machine-readable")
    .action(async (id: string, options: Options & { rule: string }) => {
      const { report, decision } = await (await open()).whatIf(id, options.rule);
      if (options.json) process.stdout.write(`${JSON.stringify(decision)}\n`);
      else process.stdout.write(compared(report, decision));
      finish(0);
    });
}

function cells({ id, at, report }: { id: string; at: number; report: CouncilReport }): string[] {
  const { decision, options, cost, question } = report;
  const winner = options.find((option) => option.id === decision.winner);
  const won = winner ? (report.kind === "answer" ? winner.text : winner.authors.join("+")) : "";
  const outcome = decision.outcome === "decided" ? won : (decision.abstainReason ?? decision.outcome);
  const when = new Date(at).toISOString().slice(0, 16).replace("T", " ");
  return [id, when, harmless(outcome), String(cost.calls), harmless(question.split("\n")[0] ?? "").slice(0, 60)];
}

function compared(report: CouncilReport, decision: CouncilReport["decision"]): string {
  const share = (value: number | undefined) => `${Math.round((value ?? 0) * 100)} %`;
  const name = (id: string | undefined) => {
    const option = report.options.find((one) => one.id === id);
    return option ? `${option.label} ${report.kind === "answer" ? option.text : option.authors.join("+")}` : "none";
  };
  const rows = Object.keys(decision.posterior).map((id) => [
    harmless(id === "none" ? "none is right" : name(id)),
    share(report.decision.posterior[id]),
    share(decision.posterior[id]),
  ]);
  const words = (one: CouncilReport["decision"]) =>
    one.outcome === "decided" ? name(one.winner) : (one.abstainReason ?? one.outcome);
  return harmless(
    `${table([["OPTION", report.decision.rule, decision.rule], ...rows])}\n${report.decision.rule}: ${words(report.decision)}\n${decision.rule}: ${words(decision)}\n`,
  );
}
