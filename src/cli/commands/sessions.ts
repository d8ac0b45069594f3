/** `crucible sessions`: list, tree, show, search, export, import, fork, name, remove, prune. */
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import { type Event, isEphemeral } from "../../core/event.ts";
import type { App } from "../../core/ports/app.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import type { SessionRow, Sessions } from "../../core/ports/store.ts";
import { readNamed, workFolder, writeNamed } from "../files.ts";
import { harmless } from "../output.ts";
import { table } from "../table.ts";

const FORMATS = ["jsonl", "markdown", "html"] as const;
const DAY_MS = 86_400_000;

interface Place {
  readonly app: App;
  readonly store: Sessions;
  readonly workspace: string;
}

type Open = () => Promise<Place>;
type Finish = (code: number) => void;

export default function sessions(command: Command, context: CommandContext, finish: Finish): void {
  const open: Open = async () => {
    const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
    return { app, store: await app.sessions(), workspace: app.workspace };
  };
  looking(command, open, finish);
  documents(command, open, finish);
  changing(command, open, finish);
}

function looking(command: Command, open: Open, finish: Finish): void {
  command
    .command("list", { isDefault: true })
    .description("sessions of this folder, newest first")
    .option("--all", "of every folder")
    .option("--json", "machine-readable")
    .action(async (options: { all?: boolean; json?: boolean }) => {
      const { store, workspace } = await open();
      const rows = store.list(options.all ? undefined : workspace);
      if (options.json) print(JSON.stringify(rows));
      else print(rows.length === 0 ? "no sessions here yet" : listed(rows.map((row) => cells(row))));
      finish(0);
    });
  command
    .command("tree")
    .description("sessions of this folder with their branches below them")
    .action(async () => {
      const { store, workspace } = await open();
      const rows = store.list(workspace);
      print(rows.length === 0 ? "no sessions here yet" : listed(branches(rows, store.parents())));
      finish(0);
    });
  command
    .command("show <session>")
    .description("the conversation of a session")
    .action(async (wanted: string) => {
      const { app, store, workspace } = await open();
      const row = store.find(wanted, workspace);
      const events = (await app.redaction()).deep(store.read(row.id));
      print(`${row.id}  ${row.workspace}\n\n${events.map(paragraph).filter(Boolean).join("\n")}`);
      finish(0);
    });
  command
    .command("search <words...>")
    .description("prompts and answers of earlier sessions that hold these words; exit 1 when none does")
    .option("--all", "of every folder")
    .option("--json", "machine-readable")
    .action(async (words: string[], options: { all?: boolean; json?: boolean }) => {
      const { app, store, workspace } = await open();
      const hits = (await app.redaction()).deep(store.search(words.join(" "), options.all ? undefined : workspace));
      if (options.json) print(JSON.stringify(hits));
      else
        for (const { session, at, who, snippet } of hits)
          print(`${session.slice(0, 13)}  ${minute(at)}  ${who === "person" ? "❯" : " "} ${harmless(snippet)}`);
      if (hits.length === 0 && !options.json) print("nothing found");
      finish(hits.length === 0 ? 1 : 0);
    });
}

function documents(command: Command, open: Open, finish: Finish): void {
  command
    .command("export <session>")
    .description("a session as JSON lines (every event, can be imported), Markdown or a page")
    .option("--format <form>", FORMATS.join(", "), "jsonl")
    .option("--to <file>", "write to this file; it must not be there yet")
    .action(async (wanted: string, options: { format: string; to?: string }) => {
      const form = FORMATS.find((each) => each === options.format);
      if (!form) throw new CrucibleError("usage", `--format ${options.format}: one of ${FORMATS.join(", ")}`);
      const { app, store, workspace } = await open();
      const row = store.find(wanted, workspace);
      const events = (await app.redaction()).deep(store.read(row.id));
      const text = await written(form, row, events);
      if (options.to === undefined) process.stdout.write(text);
      else {
        writeNamed(options.to, text);
        print(`written to ${options.to}`);
      }
      finish(0);
    });
  command
    .command("import <file>")
    .description("a session that was exported as JSON lines; what it holds counts as a stranger's word")
    .action(async (file: string) => {
      const { app } = await open();
      print(`imported as ${await app.importSession(readNamed(file).toString("utf8"))}; go on with: crucible -c`);
      finish(0);
    });
}

function changing(command: Command, open: Open, finish: Finish): void {
  command
    .command("name <session> <name...>")
    .description("give a session a name")
    .action(async (wanted: string, words: string[]) => {
      const { store, workspace } = await open();
      store.rename(store.find(wanted, workspace).id, words.join(" "));
      finish(0);
    });
  command
    .command("rm <sessions...>")
    .description("remove sessions")
    .action(async (wanted: string[]) => {
      const { store, workspace } = await open();
      for (const row of wanted.map((name) => store.find(name, workspace))) {
        store.remove(row.id);
        print(`removed ${row.id}`);
      }
      finish(0);
    });
  command
    .command("prune")
    .description("remove sessions of all folders that were not used for some days")
    .requiredOption("--days <n>", "older than this")
    .action(async (options: { days: string }) => {
      const days = Number(options.days);
      if (!(days > 0)) throw new CrucibleError("usage", `--days ${options.days} is no number of days`);
      const removed = (await open()).store.prune(Date.now() - days * DAY_MS);
      print(`${removed.length} sessions removed`);
      finish(0);
    });
}

const print = (text: string) => void process.stdout.write(`${text.replace(/\n$/, "")}\n`);
const minute = (at: number) => new Date(at).toISOString().slice(0, 16).replace("T", " ");
const listed = (rows: readonly string[][]) => table([["ID", "CHANGED", "EVENTS", "NAME", "TITLE"], ...rows]);

function cells(row: SessionRow, depth = 0): string[] {
  const mark = depth === 0 ? "" : `${"  ".repeat(depth - 1)}└ `;
  return [
    row.id,
    minute(row.updatedAt),
    String(row.events),
    harmless(row.name ?? "-"),
    `${mark}${harmless(row.title)}`,
  ];
}

/** Each session with its branches below it, in the order of the list. */
function branches(rows: readonly SessionRow[], parents: ReadonlyMap<string, string>): string[][] {
  const here = new Set(rows.map(({ id }) => id));
  const parentOf = (row: SessionRow) => {
    const parent = parents.get(row.id);
    return parent !== undefined && here.has(parent) ? parent : undefined;
  };
  const below = (parent: string | undefined, depth: number): string[][] =>
    rows.filter((row) => parentOf(row) === parent).flatMap((row) => [cells(row, depth), ...below(row.id, depth + 1)]);
  return below(undefined, 0);
}

async function written(form: (typeof FORMATS)[number], row: SessionRow, events: readonly Event[]): Promise<string> {
  if (form === "jsonl") return events.map((event) => `${JSON.stringify(event)}\n`).join("");
  const { sessionHtml, sessionMarkdown } = await import("../render/session-text.ts");
  return form === "html" ? sessionHtml(row, events) : sessionMarkdown(row, events);
}

/** One event as a person reads it; nothing for inner ones. */
function paragraph(event: Event): string {
  if (isEphemeral(event)) return "";
  switch (event.kind) {
    case "turn-start":
      return `> ${harmless(event.prompt.map((part) => (part.type === "text" ? part.text : "[image]")).join(" ")).replaceAll("\n", "\n> ")}\n`;
    case "model-end": {
      const text = event.message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
      return text.trim() === "" ? "" : `${harmless(text.trim())}\n`;
    }
    case "tool-start":
      return `  - ${harmless(event.title)}`;
    case "tool-end":
      return event.denied || event.failed
        ? `    ${event.denied ? "denied" : "failed"}: ${
            harmless(event.parts.map((part) => (part.type === "text" ? part.text : "")).join(""))
              .split("\n")[0]
              ?.slice(0, 160) ?? ""
          }`
        : "";
    case "turn-end":
      return `  [${event.outcome.status}${event.outcome.verification.text ? `; ${harmless(event.outcome.verification.text)}` : ""}]\n`;
    default:
      return "";
  }
}
