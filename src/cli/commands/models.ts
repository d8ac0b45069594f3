/** `crucible models`: every model of every server that answers, with the source of each number. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import { nameOf } from "../../core/message.ts";
import type { ModelInfo } from "../../core/model.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import {
  LOCAL_PROVIDERS,
  type LocalProvider,
  type Models,
  type OpenModel,
  type PullStep,
  type ServerStatus,
} from "../../core/ports/models.ts";
import { workFolder } from "../files.ts";
import { harmless, lineOf } from "../output.ts";
import { table } from "../table.ts";

export default function models(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .command("list", { isDefault: true })
    .description("every model of every server that answers")
    .option("--json", "machine-readable")
    .option("--base-url <url>", "look at this server only")
    .option("--local-provider <name>", LOCAL_PROVIDERS.join(", "))
    .action(async (options: { json?: boolean; baseUrl?: string; localProvider?: LocalProvider }) => {
      const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
      const { baseUrl, localProvider } = options;
      const choice = {
        ...(baseUrl === undefined ? {} : { baseUrl }),
        ...(localProvider === undefined ? {} : { localProvider }),
      };
      const found = await (await app.models()).list(choice, AbortSignal.timeout(30_000));
      if (options.json)
        process.stdout.write(`${JSON.stringify({ models: found.models.map(plain), servers: found.servers })}\n`);
      else show(found.models, found.servers);
      finish(found.servers.some((server) => server.reachable) ? 0 : 60);
    });
  const onServer = (text: string) =>
    command
      .command(text)
      .option("--base-url <url>", "on this server")
      .option("--local-provider <name>", LOCAL_PROVIDERS.join(", "));
  const modelsOf = async () =>
    (await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() })).models();
  onServer("probe <model>")
    .description("try a model: up to four requests, about a minute; ends with fit or unfit")
    .action(async (model: string, options: ServerOptions) => {
      const known = await modelsOf();
      const opened = await known.open({ model, fallback: [], ...options }, AbortSignal.timeout(LOAD_MS));
      finish(await probe(known, opened));
    });
  onServer("pull <model>")
    .description("let the server fetch a model")
    .action(async (model: string, options: ServerOptions) => {
      const stop = new AbortController();
      process.once("SIGINT", () => stop.abort());
      await showPull((await modelsOf()).pull({ model, ...options }, stop.signal));
      process.stdout.write(`${model} is there\n`);
      finish(0);
    });
  onServer("load <model>")
    .description("let the server load a model, in the window it would be used with")
    .option("--context <tokens>", "with this window")
    .option("--keep-alive <time>", "how long the server keeps it: 30m, 24h, -1 = for ever (Ollama)")
    .action(async (model: string, options: ServerOptions & { context?: string; keepAlive?: string }) => {
      const { context: tokens, keepAlive, ...rest } = options;
      const choice = { model, ...rest, ...(tokens === undefined ? {} : { context: windowOf(tokens) }) };
      const started = performance.now();
      process.stderr.write(`loading ${model} …\n`);
      const opened = await (await modelsOf()).load(choice, AbortSignal.timeout(LOAD_MS), keepAlive);
      const took = ((performance.now() - started) / 1_000).toFixed(1);
      process.stdout.write(
        `${nameOf(opened.ref)} is loaded with a window of ${opened.window.tokens} tokens (${took} s)\n`,
      );
      finish(0);
    });
  command
    .command("add <file>")
    .description("make a GGUF file known as embedded/<name>: the embedded engine runs it")
    .option("--name <name>", "under this name instead of the file's")
    .action(async (file: string, { name }: { name?: string }) => {
      process.stderr.write(`reading ${harmless(file)} …\n`);
      const info = await (await modelsOf()).add(resolve(file), name);
      show([info], []);
      finish(0);
    });
  command
    .command("remove <model>")
    .description("forget an added model; its file stays")
    .action(async (model: string) => {
      await (await modelsOf()).remove(model.replace(/^embedded\//, ""));
      process.stdout.write(`${harmless(model)} is forgotten\n`);
      finish(0);
    });
  onServer("unload <model>")
    .description("let the server drop a model from its memory")
    .action(async (model: string, options: ServerOptions) => {
      const info = await (await modelsOf()).unload({ model, ...options }, AbortSignal.timeout(LOAD_MS));
      process.stdout.write(`${nameOf(info.ref)} is unloaded\n`);
      finish(0);
    });
}

interface ServerOptions {
  readonly baseUrl?: string;
  readonly localProvider?: LocalProvider;
}

/** Longest wait for a model that has to be loaded and to answer (milliseconds). */
const LOAD_MS = 660_000;

function windowOf(text: string): number {
  const tokens = Number(text);
  if (Number.isSafeInteger(tokens) && tokens > 0) return tokens;
  throw new CrucibleError("usage", `--context ${text} is no number of tokens`, {
    hint: "write it like --context 32768",
  });
}

async function probe(models: Models, model: OpenModel): Promise<number> {
  process.stdout.write(`sending up to four requests to ${nameOf(model.ref)}, about a minute …\n`);
  let unfit = "";
  for await (const { name, ok, needed, text } of models.trial(model, AbortSignal.timeout(LOAD_MS))) {
    process.stdout.write(`${ok ? "ok  " : needed ? "FAIL" : "note"}  ${name.padEnd(11)}  ${lineOf(text)}\n`);
    if (!ok && needed && unfit === "") unfit = `${name}: ${text}`;
  }
  const { ttftMs, prefillPerSecond, decodePerSecond } = model.rates;
  const speeds = [
    ttftMs === undefined ? "" : `first token ${(ttftMs / 1_000).toFixed(2)} s`,
    prefillPerSecond === undefined ? "" : `${Math.round(prefillPerSecond)} tokens/s read`,
    decodePerSecond === undefined ? "" : `${decodePerSecond.toFixed(1)} tokens/s written`,
  ].filter(Boolean);
  const window = `window ${model.window.tokens} (${model.window.source})`;
  process.stdout.write(`${unfit === "" ? "fit" : `unfit: ${lineOf(unfit)}`}; ${[window, ...speeds].join(", ")}\n`);
  return unfit === "" ? 0 : 3;
}

/** One line that changes on a terminal, a line for each new state elsewhere. */
async function showPull(steps: AsyncIterable<PullStep>): Promise<void> {
  const { isTTY } = process.stderr;
  let before = "";
  for await (const { status, done, total } of steps) {
    const part =
      done !== undefined && total
        ? ` ${Math.floor((done / total) * 100)} % of ${(total / 2 ** 30).toFixed(1)} GiB`
        : "";
    const line = harmless(isTTY ? `${status}${part}` : status);
    if (line === before) continue;
    process.stderr.write(isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
    before = line;
  }
  if (isTTY) process.stderr.write("\r\u001b[2K");
}

function plain(model: ModelInfo): object {
  const { ref, ...rest } = model;
  return { provider: ref.provider, model: ref.model, digest: ref.digest ?? null, ...rest };
}

function show(models: readonly ModelInfo[], servers: readonly ServerStatus[]): void {
  const rows = models.map((model) => [
    nameOf(model.ref),
    model.ref.digest?.slice(0, 12) ?? "-",
    model.sizeBytes === undefined ? "-" : `${(model.sizeBytes / 2 ** 30).toFixed(1)} GiB`,
    model.state,
    windowText(model.loadedWindow),
    windowText(model.maxWindow),
    model.tools,
    model.thinking,
  ]);
  if (rows.length > 0)
    process.stdout.write(
      table([["MODEL", "DIGEST", "SIZE", "STATE", "LOADED WINDOW", "MAX WINDOW", "TOOLS", "THINKING"], ...rows]),
    );
  for (const server of servers.filter((entry) => !entry.reachable || entry.problem)) {
    process.stderr.write(
      `${lineOf(`${server.provider} at ${server.url}: ${server.problem ?? "no answer"}${server.hint ? `; ${server.hint}` : ""}`)}\n`,
    );
  }
}

function windowText(window: { tokens: number; source: string } | undefined): string {
  return window ? `${window.tokens} (${window.source})` : "-";
}
