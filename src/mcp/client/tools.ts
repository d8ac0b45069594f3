/** Tools of a foreign server in the form of ours: the gate judges them by their facts, the body only carries the call. */
import { CrucibleError, toFault } from "../../base/error.ts";
import { withoutHidden } from "../../base/invisible.ts";
import { checkSchema } from "../../base/json-schema.ts";
import { plural } from "../../base/text.ts";
import { EXTERNAL_LABEL } from "../../core/label.ts";
import type { ForeignFacts, ForeignHands, McpEntry } from "../../core/ports/mcp.ts";
import { type Effect, failedResult, type Tool, type ToolResult } from "../../core/tool.ts";
import { type Connection, isUnauthorized } from "./connect.ts";
import { endedWhile, loginNeeded, textOf } from "./faults.ts";
import { matches, resourceTool } from "./names.ts";
import { boundedText, resourceResult, toolResult } from "./results.ts";
import type { Slot, SlotTool } from "./slot.ts";

/** One tool of a server. */
export function foreignTool(slot: Slot, { fullName, shown, now, changed }: SlotTool): Tool {
  const { entry } = slot;
  const { original, parameters } = now ?? shown;
  const about = `${shown.description || original}${changed.length > 0 ? " (it has changed since it was pinned)" : ""}`;
  return toolOf(
    entry,
    { name: fullName, summary: about, parameters },
    {
      approved: entry.scope === "user" && matches(entry.approve, original, fullName),
      pin: (now ?? shown).pin,
      changed,
      accept: () => {
        if (now) slot.accept(now);
      },
    },
    async (input, hands, signal) => {
      const { connection, tools } = await slot.live(hands, signal);
      // What was judged is what is called: it may have started anew while the person was asked.
      if (!tools.some((each) => each.original === original && each.pin === (now ?? shown).pin))
        return failedResult(`${fullName} is another tool than a moment ago: call it again to have it judged`);
      const options = { signal, timeout: entry.timeoutMs + 1_000, onprogress: progressOf(hands) };
      return answered(entry, connection, signal, async () =>
        toolResult(await connection.client.callTool({ name: original, arguments: input }, options), hands.spill),
      );
    },
  );
}

/** Lists what a server offers to read, or reads one of it. */
export function resourcesTool(slot: Slot): Tool {
  const { entry } = slot;
  const parameters = { type: "object", properties: { uri: { type: "string" } }, additionalProperties: false };
  const summary = `Read a resource of MCP server ${entry.name} by its uri; without one: list them.`;
  const approved = entry.scope === "user" && matches(entry.approve, "resources", resourceTool(entry.name));
  const facts = { approved, pin: "", changed: [], accept: () => undefined };
  return toolOf(entry, { name: resourceTool(entry.name), summary, parameters }, facts, async (input, hands, signal) => {
    const { connection } = await slot.live(hands, signal);
    const { client } = connection;
    const { uri } = input;
    const options = { signal, timeout: entry.timeoutMs + 1_000 };
    return answered(entry, connection, signal, async () =>
      typeof uri === "string"
        ? resourceResult(await client.readResource({ uri }, options), hands.spill)
        : boundedText(await listing(connection, options), hands.spill),
    );
  });
}

async function listing({ client }: Connection, options: { signal: AbortSignal; timeout: number }): Promise<string> {
  const [{ resources }, { resourceTemplates }] = await Promise.all([
    client.listResources(undefined, options),
    client.listResourceTemplates(undefined, options).catch(() => ({ resourceTemplates: [] })),
  ]);
  const named = resources.map(({ uri, name, description = "" }) => `${uri} ${name} ${description}`.trimEnd());
  const forms = resourceTemplates.map(({ uriTemplate, name }) => `${uriTemplate} ${name} (template)`);
  return [...named, ...forms].map((line) => line.replace(/\s+/g, " ")).join("\n") || "(none)";
}

/** A tool whose server cannot be had: it says why when it is run, and nothing is run. */
export function lackingTool(entry: McpEntry, name: string, error: unknown): Tool {
  const { code, message, hint } = toFault(error);
  const text = hint === undefined ? message : `${message} (${hint})`;
  const parameters = { type: "object" };
  const facts = { approved: true, pin: "", changed: [], accept: () => undefined };
  const body = async () => failedResult(text, { code });
  return { ...toolOf(entry, { name, summary: text, parameters }, facts, body), effects: [] };
}

type Body = (input: Record<string, unknown>, hands: ForeignHands, signal: AbortSignal) => Promise<ToolResult>;

function toolOf(
  entry: McpEntry,
  declared: { readonly name: string; readonly summary: string; readonly parameters: Readonly<Record<string, unknown>> },
  facts: Pick<ForeignFacts, "approved" | "pin" | "changed" | "accept">,
  body: Body,
): Tool {
  const { name, summary, parameters } = declared;
  const writes = entry.transport === "stdio" && entry.profile === "workspace-write";
  const online = entry.transport === "http" || entry.hosts.length > 0;
  const effects: Effect[] = [
    ...(writes ? (["write", "exec"] as const) : (["read"] as const)),
    ...(online ? (["net"] as const) : []),
  ];
  return {
    name,
    summary,
    effects,
    parallel: false,
    timeoutMs: entry.timeoutMs,
    input: { safeParse: (value) => parsed(parameters, value) },
    foreign: { ...facts, server: entry.name, parameters, online, writes, about: aboutOf(entry) },
    run: async (input, { foreign }, signal) => {
      if (!foreign) throw new CrucibleError("internal", `${name} was given no way to its server`);
      return body(input, foreign, signal);
    },
  };
}

function aboutOf(entry: McpEntry): readonly string[] {
  if (entry.transport === "http") return [`server: ${entry.name} at ${entry.url} (${entry.origin})`];
  const sees = {
    none: "sees no files",
    "workspace-read": "may read the workspace",
    "workspace-write": "may change the workspace",
  };
  const beside = entry.read.length === 0 ? "" : ` and read ${entry.read.join(", ")}`;
  const net = entry.hosts.length === 0 ? "no network" : `network: ${entry.hosts.join(", ")}`;
  const command = [entry.command, ...entry.args].join(" ");
  return [`server: ${entry.name}: ${command} (${entry.origin})`, `confined: ${sees[entry.profile]}${beside}, ${net}`];
}

function parsed(parameters: Readonly<Record<string, unknown>>, value: unknown): ReturnType<Tool["input"]["safeParse"]> {
  const issue = (message: string) => ({ success: false as const, error: { issues: [{ path: [], message }] } });
  try {
    const { value: bent, problems } = checkSchema(parameters, value);
    if (problems[0] !== undefined) return issue(problems[0]);
    return { success: true, data: bent as Record<string, unknown> };
  } catch (error) {
    return issue(`its schema cannot be applied: ${textOf(error)}`);
  }
}

function progressOf(hands: ForeignHands) {
  return ({
    progress,
    total,
    message,
  }: {
    progress: number;
    total?: number | undefined;
    message?: string | undefined;
  }) => {
    const of = total === undefined ? "" : `/${total}`;
    hands.progress(`${progress}${of}${message === undefined ? "" : ` ${withoutHidden(message).slice(0, 300)}`}\n`);
  };
}

/** What the server says is wrong is a result of its own; an end of it, of the time or of the turn is a fault. */
async function answered(
  entry: McpEntry,
  connection: Connection,
  signal: AbortSignal,
  ask: () => Promise<ToolResult>,
): Promise<ToolResult> {
  let over = false;
  const closed = connection.closed.then(() => {
    over = true;
  });
  try {
    return await ask();
  } catch (error) {
    if (signal.aborted) {
      const seconds = plural(Math.round(entry.timeoutMs / 1000), "second");
      throw new CrucibleError("tool-failed", `MCP server ${entry.name} gave no answer in ${seconds}`, { cause: error });
    }
    await Promise.race([closed, Promise.resolve()]);
    if (over) throw endedWhile(entry.name, connection.lastWords());
    if (isUnauthorized(error)) throw loginNeeded(entry.name, error);
    if (CrucibleError.isInstance(error)) throw error;
    return { ...failedResult(`${entry.name}: ${textOf(error)}`), label: EXTERNAL_LABEL };
  }
}
