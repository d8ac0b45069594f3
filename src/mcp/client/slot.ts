/** One server of the configuration over a session: started when needed, listed, pinned, started once more when it dies. */
import { abortable, delay } from "../../base/async.ts";
import type { Clock } from "../../base/clock.ts";
import { CrucibleError, toFault } from "../../base/error.ts";
import { oneLine } from "../../base/text.ts";
import type { ForeignHands, McpEntry, McpPrompt, McpServerStatus, McpState } from "../../core/ports/mcp.ts";
import { type Connection, type ConnectParts, connect, isUnauthorized } from "./connect.ts";
import { loginNeeded, textOf } from "./faults.ts";
import { matches, toolNames } from "./names.ts";
import { changesOf, MAX_TOOLS, type PinBook, type PinnedServer, type PinnedTool, pinTool } from "./pins.ts";

/** Before a server that ended is started again (milliseconds). */
const BACK_OFF_MS = 500;
/** A server that failed twice is left alone for this long (milliseconds). */
const REST_MS = 60_000;

/** What a server has now. */
export interface Live {
  readonly connection: Connection;
  readonly tools: readonly PinnedTool[];
  readonly resources: boolean;
  readonly prompts: readonly McpPrompt[];
}

/** A tool that may be called, as pinned and as it is. */
export interface SlotTool {
  readonly fullName: string;
  /** What the model is shown. */
  readonly shown: PinnedTool;
  /** What is called; absent when the server was not asked. */
  readonly now?: PinnedTool;
  readonly changed: readonly string[];
}

export interface Slot {
  readonly entry: McpEntry;
  /** Its tools: live when it runs, else as pinned; undefined when it was never seen. */
  tools(): readonly SlotTool[] | undefined;
  resources(): boolean;
  live(hands: ForeignHands, signal: AbortSignal): Promise<Live>;
  /** The person has seen how this tool is now. */
  accept(tool: PinnedTool): void;
  /** Takes the whole list as it is now. */
  acceptAll(live: Live): void;
  status(): McpServerStatus;
  rootsChanged(): void;
  close(): Promise<void>;
}

export interface SlotParts extends Omit<ConnectParts, "changed" | "note"> {
  readonly pins: PinBook;
  readonly clock: Clock;
  /** Nothing that reaches a network is started. */
  readonly offline: boolean;
  /** Ends with the session. */
  readonly lifetime: AbortSignal;
  note(server: string, text: string): void;
}

export function createSlot(entry: McpEntry, parts: SlotParts): Slot {
  const { pins, clock } = parts;
  const note = (text: string) => parts.note(entry.name, text);
  let state: McpState = entry.enabled ? "not started" : "off";
  let problem: string | undefined;
  let opening: Promise<Live> | undefined;
  let current: Live | undefined;
  let stale = false;
  let deaths = 0;
  let failedAt: number | undefined;
  let fault: unknown;
  let startMs: number | undefined;

  const lost = (live: Live) => {
    if (current !== live) return;
    current = undefined;
    opening = undefined;
    if (parts.lifetime.aborted) return;
    deaths++;
    state = "ended";
    problem = oneLine(live.connection.lastWords(), 200) || "it ended by itself";
    note(`it ended: ${problem}`);
    if (deaths < 2) return;
    const words = `MCP server ${entry.name} ended ${deaths} times`;
    fail(new CrucibleError("tool-failed", `${words}: ${problem}`, { hint: `crucible mcp test ${entry.name}` }));
  };
  const fail = (error: unknown) => {
    fault = error;
    failedAt = clock.monotonic();
    state = toFault(error).code === "authentication" ? "login needed" : "failed";
    problem = textOf(error);
  };
  const begin = async (hands: ForeignHands): Promise<Live> => {
    state = "starting";
    const begun = clock.monotonic();
    const connection = await connect(
      entry,
      hands,
      {
        ...parts,
        note,
        changed: () => {
          stale = true;
        },
      },
      parts.lifetime,
    );
    const live = await list(entry, connection).catch(async (error: unknown) => {
      await connection.close();
      if (isUnauthorized(error)) throw loginNeeded(entry.name, error);
      const why = `MCP server ${entry.name} gave no list: ${textOf(error)}`;
      throw new CrucibleError("tool-failed", why, { cause: error });
    });
    startMs = Math.round(clock.monotonic() - begun);
    if (!pins.get(entry)) pins.set(entry, pinnedOf(live, clock.now()));
    current = live;
    state = "ready";
    problem = undefined;
    connection.closed.then(
      () => lost(live),
      () => undefined,
    );
    return live;
  };
  /** A start that failed, or one after a death, is tried once more after a pause. */
  const open = async (hands: ForeignHands): Promise<Live> => {
    try {
      if (deaths > 0) await delay(BACK_OFF_MS, parts.lifetime);
      return await begin(hands).catch(async (error: unknown) => {
        if (deaths > 0 || toFault(error).code !== "tool-failed" || parts.lifetime.aborted) throw error;
        await delay(BACK_OFF_MS, parts.lifetime);
        return begin(hands);
      });
    } catch (error) {
      fail(error);
      opening = undefined;
      throw error;
    }
  };
  const refreshed = async (live: Live): Promise<Live> => {
    stale = false;
    const fresh = await list(entry, live.connection);
    if (current === live) {
      current = fresh;
      opening = Promise.resolve(fresh);
      fresh.connection.closed.then(
        () => lost(fresh),
        () => undefined,
      );
    }
    return fresh;
  };
  return {
    entry,
    live: async (hands, signal) => {
      refuse(entry, parts.offline);
      if (failedAt !== undefined) {
        if (clock.monotonic() - failedAt < REST_MS && state !== "login needed") throw fault;
        failedAt = undefined;
        deaths = 0;
      }
      opening ??= open(hands);
      const live = await abortable(opening, signal);
      return stale ? refreshed(live) : live;
    },
    tools: () => toolsOf(entry, pins.get(entry), current),
    resources: () => current?.resources ?? pins.get(entry)?.resources ?? false,
    accept: (tool) => {
      const pinned = pins.get(entry);
      if (!pinned) return;
      pins.set(entry, { ...pinned, tools: [...pinned.tools.filter((each) => each.original !== tool.original), tool] });
    },
    acceptAll: (live) => pins.set(entry, pinnedOf(live, clock.now())),
    status: () => ({
      ...{ name: entry.name, origin: entry.origin, scope: entry.scope, transport: entry.transport },
      target: entry.transport === "http" ? entry.url : [entry.command, ...entry.args].join(" "),
      state,
      ...(problem === undefined ? {} : { problem }),
      ...counted(toolsOf(entry, pins.get(entry), current)),
      ...(startMs === undefined ? {} : { startMs }),
    }),
    rootsChanged: () => {
      current?.connection.client.sendRootsListChanged().catch((error: unknown) => note(textOf(error)));
    },
    close: async () => {
      const live = current ?? (await opening?.catch(() => undefined));
      await live?.connection.close();
    },
  };
}

function refuse(entry: McpEntry, offline: boolean): void {
  if (!entry.enabled)
    throw new CrucibleError("denied", `MCP server ${entry.name} is switched off`, {
      hint: `"enabled" in ${entry.origin}`,
    });
  if (offline && (entry.transport === "http" || entry.hosts.length > 0))
    throw new CrucibleError("denied", `MCP server ${entry.name} needs a network, and --offline closes it`);
}

function counted(tools: readonly SlotTool[] | undefined): Pick<McpServerStatus, "tools" | "changed"> {
  const changed = (tools ?? []).filter((tool) => tool.changed.length > 0).map(({ fullName }) => fullName);
  return { ...(tools === undefined ? {} : { tools: tools.length }), changed };
}

function pinnedOf({ connection, tools, resources, prompts }: Live, at: number): PinnedServer {
  return { version: connection.version, at, resources, prompts: prompts.length > 0, tools };
}

async function list(entry: McpEntry, connection: Connection): Promise<Live> {
  const { client } = connection;
  const can = client.getServerCapabilities() ?? {};
  const { tools } = can.tools ? await client.listTools() : { tools: [] };
  const { prompts } = can.prompts ? await client.listPrompts() : { prompts: [] };
  const { allow, deny } = entry.tools;
  const open = tools.filter(({ name }) => (allow.length === 0 || matches(allow, name)) && !matches(deny, name));
  return {
    connection,
    tools: open.slice(0, MAX_TOOLS).map(pinTool),
    resources: can.resources !== undefined,
    prompts: prompts.slice(0, MAX_TOOLS).map((prompt) => ({
      server: entry.name,
      name: oneLine(prompt.name, 100),
      description: oneLine(prompt.description ?? "", 300),
      arguments: (prompt.arguments ?? []).map(({ name, description = "", required = false }) => ({
        name,
        description: oneLine(description, 200),
        required,
      })),
    })),
  };
}

/** A changed tool is shown as it was pinned until the person has seen the change. */
function toolsOf(
  entry: McpEntry,
  pinned: PinnedServer | undefined,
  live: Live | undefined,
): readonly SlotTool[] | undefined {
  const now = live?.tools ?? pinned?.tools;
  if (!now) return undefined;
  const names = toolNames(
    entry.name,
    now.map(({ original }) => original),
  );
  return now.map((tool) => {
    const before = pinned?.tools.find(({ original }) => original === tool.original);
    return {
      fullName: names.get(tool.original) ?? tool.original,
      shown: before ?? tool,
      ...(live ? { now: tool } : {}),
      changed: live ? changesOf(before, tool) : [],
    };
  });
}
