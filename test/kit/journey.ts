/** One person, one folder, one scripted model: the setting of a journey with the real binary. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Script } from "../../demo/model-server.ts";
import type { Event } from "../../src/core/event.ts";
import { type BinaryOptions, type BinaryRun, runBinary } from "./binary.ts";
import { type ModelServerOptions, type Reply, type ScriptedServer, startModelServer } from "./model-server.ts";
import { type Files, TYPESCRIPT, writeFiles } from "./repositories.ts";
import { tempFolder } from "./temp.ts";

export type Wire = "ollama" | "openai";
export const WIRES: readonly Wire[] = ["ollama", "openai"];

export interface JourneyOptions {
  readonly script: Script;
  readonly wire?: Wire;
  readonly files?: Files;
  readonly server?: Omit<ModelServerOptions, "script" | "wire">;
  /** Name of the work folder. */
  readonly folder?: string;
}

export type RunOptions = Partial<Omit<BinaryOptions, "home">>;
/** A line of stream-json; every line has a type. */
export type Line = Readonly<Record<string, unknown>> & { readonly type: string };

export interface Journey extends AsyncDisposable {
  readonly home: string;
  readonly folder: string;
  readonly server: ScriptedServer;
  /** Flags that name the scripted server and its model. */
  readonly model: readonly string[];
  /** A prompt run with the model flags. */
  ask(words: readonly string[], options?: RunOptions): Promise<BinaryRun>;
  /** Any command line, as it stands. */
  run(words: readonly string[], options?: RunOptions): Promise<BinaryRun>;
  read(path: string): string;
  /** Every stored event of every session, in order. */
  journal(): Event[];
  audit(): Record<string, unknown>[];
}

export async function journey(options: JourneyOptions): Promise<Journey> {
  const temp = tempFolder();
  const home = join(temp.path, "home");
  const folder = join(temp.path, options.folder ?? "work");
  mkdirSync(home);
  writeFiles(folder, options.files ?? TYPESCRIPT);
  mkdirSync(folder, { recursive: true });
  const wire = options.wire ?? "ollama";
  const server = await startModelServer({
    loaded: true,
    flavour: "vllm",
    ...options.server,
    wire,
    script: options.script,
  });
  const model =
    wire === "ollama"
      ? ["--local-provider", "ollama", "--base-url", server.url, "-m", options.server?.model ?? "scripted:latest"]
      : ["--base-url", `${server.url}/v1`, "-m", options.server?.model ?? "scripted"];
  const run = (words: readonly string[], given: RunOptions = {}) =>
    runBinary(words, {
      cwd: folder,
      home,
      ...given,
      env: { PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`, ...given.env },
    });
  return {
    home,
    folder,
    server,
    model,
    run,
    ask: (words, given) => run([...model, ...words], given),
    read: (path) => readFileSync(join(folder, path), "utf8"),
    journal: () => storedEvents(home),
    audit: () => auditRecords(home),
    async [Symbol.asyncDispose]() {
      await server.close();
      temp[Symbol.dispose]();
    },
  };
}

export function databaseOf(home: string): string {
  return join(home, "crucible/data/journal.db");
}

function storedEvents(home: string): Event[] {
  const db = new DatabaseSync(databaseOf(home));
  try {
    return db
      .prepare("SELECT body FROM events ORDER BY session, seq")
      .all()
      .map((row) => JSON.parse(String(row["body"])) as Event);
  } finally {
    db.close();
  }
}

function auditRecords(home: string): Record<string, unknown>[] {
  const folder = join(home, "crucible/state/audit");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n").filter(Boolean))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The lines of a stream-json run; throws when one is not JSON. */
export function streamLines(stdout: string): Line[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

/** The result object of a `json` or `stream-json` run: its last line. */
export function resultOf(run: BinaryRun): Record<string, unknown> {
  return JSON.parse(run.stdout.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
}

/** A reply that calls one tool. */
export function call(name: string, input: unknown, text = ""): Reply {
  return { ...(text === "" ? {} : { text }), toolCalls: [{ name, arguments: input }] };
}

/** The messages of a recorded request. */
export function messagesOf(request: {
  readonly body: Readonly<Record<string, unknown>>;
}): readonly Record<string, unknown>[] {
  return request.body["messages"] as readonly Record<string, unknown>[];
}

/** The text of the last message of a request: a tool result, or the prompt. */
export function lastText(request: { readonly body: Readonly<Record<string, unknown>> }): string {
  const content = messagesOf(request).at(-1)?.["content"];
  return typeof content === "string" ? content : JSON.stringify(content);
}

/** Takes everything after the first event of this kind from the journal: as if the process had died there. */
export function cutAfter(setting: Journey, kind: string): void {
  const db = new DatabaseSync(databaseOf(setting.home));
  const row = db.prepare("SELECT session, min(seq) AS seq FROM events WHERE kind = ?").get(kind);
  db.prepare("DELETE FROM events WHERE session = ? AND seq > ?").run(String(row?.["session"]), Number(row?.["seq"]));
  db.prepare("UPDATE sessions SET head_seq = ?, writer = NULL, lease_until = 0").run(Number(row?.["seq"]));
  db.close();
}
