/** `crucible audit verify|head|tail|export`. */
import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import type { AuditReport, AuditView } from "../../core/ports/app.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";
import { harmless } from "../output.ts";

type Finish = (code: number) => void;
type Open = () => Promise<AuditView>;

export default function audit(command: Command, context: CommandContext, finish: Finish): void {
  const open: Open = async () =>
    (await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() })).audit;
  declareVerify(command, open, finish);
  declareTail(command, open, finish);
  declareExport(command, open, finish);
  command
    .command("head")
    .description("the last record's number and hash, and the key that verifies checkpoints: keep them elsewhere")
    .action(async () => {
      const head = await (await open()).head();
      process.stdout.write(head ? `${head.seq} ${head.hash}\n` : "no records yet\n");
      if (head?.verifier !== undefined) process.stdout.write(`${head.verifier}\n`);
      finish(0);
    });
}

interface Kept {
  readonly head?: string;
  readonly checkpoint?: string;
  readonly key?: string;
  readonly json?: boolean;
}

function declareVerify(command: Command, open: Open, finish: Finish): void {
  command
    .command("verify [file]")
    .description("check the whole log offline, or a file that `export` wrote")
    .option("--head <hash>", "a head kept elsewhere: it must be in the chain")
    .option("--checkpoint <file>", "signed checkpoints kept elsewhere: they must fit the log")
    .option("--key <key>", "the verifier key kept elsewhere, instead of the one beside the log")
    .option("--json", "machine-readable")
    .action(async (file: string | undefined, { json = false, checkpoint, ...kept }: Kept) => {
      const log = await open();
      if (file !== undefined) return finish(tell(await log.verifyExport(readable(file), kept.key), file, json));
      const text = checkpoint === undefined ? {} : { checkpoint: readFileSync(readable(checkpoint), "utf8") };
      finish(tell(await log.verify({ ...kept, ...text }), `the audit log in ${log.folder}`, json));
    });
}

/** Prints a report; returns the exit code. */
function tell(report: AuditReport & { readonly verifier?: string }, what: string, json: boolean): number {
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else if (report.ok) process.stdout.write(`${praise(report)}\n`);
  else process.stderr.write(`crucible: ${what} is not intact: ${harmless(report.problem ?? "unknown")}\n`);
  return report.ok ? 0 : 3;
}

function praise({ records, first, covered, head, verifier }: AuditReport & { readonly verifier?: string }): string {
  if (verifier !== undefined)
    return `${records} records, each in the checkpoint over ${covered}, signed by ${verifier}`;
  const removed =
    first === 1 ? "" : `, starts at record ${first} (earlier segments were removed; a signed checkpoint covers them)`;
  return `${records} records, chain intact, head ${head}, ${covered} covered by signed checkpoints${removed}`;
}

function declareTail(command: Command, open: Open, finish: Finish): void {
  command
    .command("tail")
    .description("the last records, one line each")
    .option("-n, --lines <count>", "how many", "10")
    .option("-f, --follow", "then every new one, until interrupted")
    .option("--json", "as stored")
    .action(async (options: { lines: string; follow?: boolean; json?: boolean }) => {
      if (!/^\d{1,6}$/.test(options.lines)) throw new CrucibleError("usage", `-n ${options.lines}: a number is due`);
      const stop = new AbortController();
      const interrupted = () => stop.abort();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted);
      const records = (await open()).tail(Number(options.lines), options.follow ? stop.signal : undefined);
      let told = false;
      for await (const record of records) {
        told = true;
        process.stdout.write(`${options.json ? JSON.stringify(record) : harmless(inWords(record))}\n`);
      }
      if (!told && !options.json) process.stdout.write("no records yet\n");
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupted);
      finish(0);
    });
}

/** `2026-11-22T14:01:17.000Z 12 medium success tool-decision shell allow "npm test" local s1`, unknown words left out. */
function inWords(record: Readonly<Record<string, unknown>>): string {
  const { actor, details } = record as { actor?: unknown; details?: { title?: unknown } };
  const who = typeof actor === "object" && actor !== null ? (actor as { id?: unknown }).id : actor;
  const title = details?.title === undefined ? undefined : JSON.stringify(details.title);
  const [at, seq, severity, outcome, action, tool, decision, session] = (
    ["at", "seq", "severity", "outcome", "action", "tool", "decision", "session"] as const
  ).map((key) => record[key]);
  return [at, seq, severity, outcome, action, tool, decision, title, who, session]
    .filter((word) => word !== undefined && word !== "")
    .join(" ");
}

function declareExport(command: Command, open: Open, finish: Finish): void {
  command
    .command("export")
    .description("records with proofs that anyone can check with `audit verify <file>`")
    .option("--from <time>", "first time, as 2026-01-31 or 2026-01-31T12:00:00Z")
    .option("--to <time>", "last time; a day counts whole")
    .option("--session <id>", "of one session only")
    .option("--out <file>", "write there instead of standard output")
    .action(async (options: { from?: string; to?: string; session?: string; out?: string }) => {
      const { session, out } = options;
      const lines = await (await open()).export({
        from: timeOf("--from", options.from, false) ?? 0,
        to: timeOf("--to", options.to, true) ?? Number.POSITIVE_INFINITY,
        ...(session === undefined ? {} : { session }),
      });
      if (out === undefined) for (const line of lines) process.stdout.write(`${line}\n`);
      else writeNamed(out, lines);
      finish(0);
    });
}

const DAY_MS = 86_400_000;

function timeOf(flag: string, text: string | undefined, last: boolean): number | undefined {
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new CrucibleError("usage", `${flag} ${text} is no time`, { hint: "2026-01-31 or 2026-01-31T12:00:00Z" });
  return last && text.length === 10 ? time + DAY_MS - 1 : time;
}

function readable(file: string): string {
  try {
    accessSync(file, constants.R_OK);
    return file;
  } catch (error) {
    throw new CrucibleError("bad-input", `${file} cannot be read`, { hint: "check the path", cause: error });
  }
}

/** The file is new or replaced as a whole: nothing is left of an export that failed. */
function writeNamed(file: string, lines: Iterable<string>): void {
  const text = [...lines, ""].join("\n");
  try {
    writeFileSync(file, text, { mode: 0o600 });
  } catch (error) {
    throw new CrucibleError("bad-input", `${file} cannot be written`, { hint: "check the path", cause: error });
  }
}
