/** All foreign servers of a session: their tools by name and by search, their prompts, their state. */
import { CrucibleError } from "../../base/error.ts";
import { plural } from "../../base/text.ts";
import { EXTERNAL_LABEL } from "../../core/label.ts";
import type {
  Foreign,
  ForeignHands,
  McpEntry,
  McpPrompt,
  McpReport,
  McpServerStatus,
  McpToolView,
} from "../../core/ports/mcp.ts";
import type { Tool } from "../../core/tool.ts";
import { textOf } from "./faults.ts";
import { serverOf } from "./names.ts";
import type { PinBook } from "./pins.ts";
import { type Part, partsOf } from "./results.ts";
import { createSlot, type Live, type Slot, type SlotParts, type SlotTool } from "./slot.ts";
import { foreignTool, lackingTool, resourcesTool } from "./tools.ts";

export interface Pool extends Foreign {
  servers(): readonly McpServerStatus[];
  /** One line per server that is on: its name and what is found there. */
  index(): string | undefined;
  prompts(hands: ForeignHands, signal: AbortSignal): Promise<readonly McpPrompt[]>;
  runPrompt(
    wanted: { readonly server: string; readonly name: string; readonly args: Readonly<Record<string, string>> },
    hands: ForeignHands,
    signal: AbortSignal,
  ): Promise<readonly Part[]>;
  /** Starts one and tells all it has. */
  report(server: string, pin: boolean, hands: ForeignHands, signal: AbortSignal): Promise<McpReport>;
  rootsChanged(): void;
  close(): Promise<void>;
}

/** Bytes of one line of the index. */
const INDEX_LINE = 160;
const PROMPT_MS = 30_000;

export function createPool(entries: readonly McpEntry[], parts: SlotParts): Pool {
  const slots = new Map(entries.map((entry) => [entry.name, createSlot(entry, parts)]));
  const on = () => [...slots.values()].filter(({ entry }) => entry.enabled);
  const slotOf = (server: string): Slot => {
    const slot = slots.get(server);
    if (slot) return slot;
    throw new CrucibleError("usage", `there is no MCP server ${server}`, {
      hint: `there are: ${[...slots.keys()].join(", ") || "none"}`,
    });
  };
  const known = (slot: Slot): Tool[] => [
    ...(slot.tools() ?? []).map((tool) => foreignTool(slot, tool)),
    ...(slot.resources() ? [resourcesTool(slot)] : []),
  ];
  const named = (slot: Slot, name: string) => known(slot).find((tool) => tool.name === name);
  const ownerOf = (name: string) => slots.get(serverOf(name) ?? "");
  return {
    owns: (name) => ownerOf(name)?.entry.enabled ?? false,
    pinned: (name) => {
      const slot = ownerOf(name);
      return slot && named(slot, name);
    },
    find: async (name, hands, signal) => {
      const slot = ownerOf(name);
      if (!slot) return undefined;
      try {
        await slot.live(hands, signal);
      } catch (error) {
        signal.throwIfAborted();
        return lackingTool(slot.entry, name, error);
      }
      return named(slot, name);
    },
    all: async (hands, signal) => {
      const unseen = on().filter((slot) => slot.tools() === undefined);
      await Promise.all(
        unseen.map((slot) =>
          slot.live(hands, signal).catch((error: unknown) => parts.note(slot.entry.name, textOf(error))),
        ),
      );
      signal.throwIfAborted();
      return on().flatMap(known);
    },
    servers: () => [...slots.values()].map((slot) => slot.status()),
    index: () => indexOf(on()),
    prompts: async (hands, signal) => {
      const all = await Promise.all(
        on().map((slot) =>
          slot.live(hands, signal).then(
            ({ prompts }) => prompts,
            () => [] as readonly McpPrompt[],
          ),
        ),
      );
      return all.flat();
    },
    runPrompt: async ({ server, name, args }, hands, signal) => {
      const { connection } = await slotOf(server).live(hands, signal);
      const options = { signal, timeout: PROMPT_MS };
      const found = await connection.client
        .getPrompt({ name, arguments: { ...args } }, options)
        .catch((error: unknown) => {
          throw new CrucibleError("tool-failed", `MCP server ${server}, prompt ${name}: ${textOf(error)}`, {
            cause: error,
          });
        });
      return found.messages
        .flatMap(({ content }) => partsOf([content]))
        .map((part) => (part.type === "text" ? { ...part, label: EXTERNAL_LABEL } : part));
    },
    report: (server, pin, hands, signal) => reportOf(slotOf(server), { pins: parts.pins, pin }, hands, signal),
    rootsChanged: () => {
      for (const slot of slots.values()) slot.rootsChanged();
    },
    close: async () => {
      await Promise.all([...slots.values()].map((slot) => slot.close()));
    },
  };
}

/** Names only: a description is the server's word, and is read when it is searched for. */
function indexOf(slots: readonly Slot[]): string | undefined {
  if (slots.length === 0) return undefined;
  const lines = slots.map((slot) => {
    const tools = slot.tools();
    const names = tools?.map(({ fullName }) => fullName.replace(/^mcp__.+?__/, "")).join(", ");
    const about = tools === undefined ? "not yet started" : `${plural(tools.length, "tool")}: ${names}`;
    const line = `${slot.entry.name}: ${about}`;
    return line.length <= INDEX_LINE ? line : `${line.slice(0, INDEX_LINE - 1)}…`;
  });
  return `MCP servers (their tools are found by tool_search):\n${lines.join("\n")}`;
}

async function reportOf(
  slot: Slot,
  { pins, pin }: { readonly pins: PinBook; readonly pin: boolean },
  hands: ForeignHands,
  signal: AbortSignal,
): Promise<McpReport> {
  const live = await slot.live(hands, signal);
  const tools = viewOf(slot.tools() ?? [], pins.get(slot.entry)?.tools.map(({ original }) => original) ?? []);
  if (pin) slot.acceptAll(live);
  const { connection } = live;
  return {
    server: slot.entry.name,
    startMs: slot.status().startMs ?? 0,
    version: connection.version,
    protocol: connection.protocol,
    tools,
    resources: await resourcesOf(live),
    prompts: live.prompts.map(({ name }) => name),
    log: connection.lastWords(),
  };
}

async function resourcesOf({ connection, resources }: Live): Promise<readonly string[]> {
  if (!resources) return [];
  const listed = await connection.client.listResources();
  return listed.resources.map(({ uri }) => uri);
}

/** Tools as a page of the command line shows them. */
export function viewOf(tools: readonly SlotTool[], pinned: readonly string[]): readonly McpToolView[] {
  const there = new Set(tools.map(({ shown }) => shown.original));
  const gone = pinned.filter((name) => !there.has(name));
  return [
    ...tools.map(
      ({ fullName, shown, now, changed }) =>
        ({
          name: fullName,
          original: shown.original,
          description: (now ?? shown).description,
          pin: (now ?? shown).pin,
          state: changed.length === 0 ? "pinned" : pinned.includes(shown.original) ? "changed" : "new",
        }) as const,
    ),
    ...gone.map((name) => ({ name, original: name, description: "", pin: "", state: "gone" }) as const),
  ];
}
