/** `crucible models`: every model of every server that answers, with the source of each number. */
import type { Command } from "commander";
import type { ModelInfo } from "../../core/model.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import type { OpenModel, ServerStatus } from "../../core/ports/models.ts";
import { workFolder } from "../files.ts";
import { faultLine } from "../render/renderer.ts";
import { table } from "../table.ts";

export default function models(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .command("list", { isDefault: true })
    .description("every model of every server that answers")
    .option("--json", "machine-readable")
    .option("--base-url <url>", "look at this server only")
    .option("--local-provider <name>", "ollama, lmstudio or llamacpp")
    .action(
      async (options: { json?: boolean; baseUrl?: string; localProvider?: "ollama" | "lmstudio" | "llamacpp" }) => {
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
      },
    );
  command
    .command("probe <model>")
    .description("ask a model for one tool call and remember what its server needs")
    .option("--base-url <url>", "on this server")
    .option("--local-provider <name>", "ollama, lmstudio or llamacpp")
    .action(
      async (model: string, options: { baseUrl?: string; localProvider?: "ollama" | "lmstudio" | "llamacpp" }) => {
        const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
        const opened = await (await app.models()).open({ model, ...options }, AbortSignal.timeout(PROBE_MS));
        process.stdout.write(`sending one request to ${opened.ref.provider}/${opened.ref.model} …\n`);
        finish(await probe(opened));
      },
    );
}

/** Longest wait for a model that has to be loaded and to answer (milliseconds). */
const PROBE_MS = 660_000;

const ECHO = {
  name: "echo",
  description: "Gives the text back.",
  parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
};

/** One tool call, as an agent would need it; what the server turned out to need is learned on the way. */
async function probe(model: OpenModel): Promise<number> {
  const text = 'Call the tool echo with the text "ready". Do nothing else.';
  const messages = [{ role: "user" as const, parts: [{ type: "text" as const, text }] }];
  const request = { system: "You act through tools.", messages, tools: [ECHO], sampling: {} };
  const found = { call: "", text: "", problem: "" };
  for await (const part of model.generate(request, AbortSignal.timeout(PROBE_MS))) {
    if (part.type === "tool-call") {
      found.call = part.repaired.length === 0 ? "native" : `after repair (${part.repaired.join(", ")})`;
    }
    if (part.type === "text") found.text += part.text;
    if (part.type === "note") process.stdout.write(`${part.text}\n`);
    if (part.type === "failure") found.problem = faultLine(part.fault);
  }
  const window = `window ${model.window.tokens} (${model.window.source})`;
  const problem = found.problem || `it answered without calling the tool: ${JSON.stringify(found.text.slice(0, 80))}`;
  process.stdout.write(found.call ? `fit: tool calls ${found.call}; ${window}\n` : `unfit: ${problem}; ${window}\n`);
  return found.call ? 0 : 3;
}

function plain(model: ModelInfo): object {
  const { ref, ...rest } = model;
  return { provider: ref.provider, model: ref.model, digest: ref.digest ?? null, ...rest };
}

function show(models: readonly ModelInfo[], servers: readonly ServerStatus[]): void {
  const rows = models.map((model) => [
    `${model.ref.provider}/${model.ref.model}`,
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
      `${server.provider} at ${server.url}: ${server.problem ?? "no answer"}${server.hint ? `; ${server.hint}` : ""}\n`,
    );
  }
}

function windowText(window: { tokens: number; source: string } | undefined): string {
  return window ? `${window.tokens} (${window.source})` : "-";
}
