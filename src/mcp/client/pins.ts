/** What each server's tools were when they were first seen: a later change is noticed, told and asked about. */
import type { Tool as WireTool } from "@modelcontextprotocol/client";
import { canonicalJson, type Json } from "../../base/canonical-json.ts";
import { sha256 } from "../../base/hash.ts";
import { withoutHidden } from "../../base/invisible.ts";
import { isFields } from "../../base/json-schema.ts";
import type { Document, McpEntry } from "../../core/ports/mcp.ts";

export interface PinnedTool {
  readonly original: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly pin: string;
}

export interface PinnedServer {
  /** What the server calls itself. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly resources: boolean;
  readonly prompts: boolean;
  readonly tools: readonly PinnedTool[];
}

/** The pins of all servers, in one document. */
export interface PinBook {
  get(entry: McpEntry): PinnedServer | undefined;
  set(entry: McpEntry, server: PinnedServer): void;
  forget(entry: McpEntry): void;
}

const MAX_DESCRIPTION = 2_000;
const MAX_SCHEMA = 20_000;
export const MAX_TOOLS = 512;

export function pinBook(document: Document): PinBook {
  const read = (): Record<string, PinnedServer> => {
    const value = document.read();
    return isFields(value) ? (value as Record<string, PinnedServer>) : {};
  };
  return {
    get: (entry) => {
      const all = read();
      const key = entryKey(entry);
      return Object.hasOwn(all, key) ? all[key] : undefined;
    },
    set: (entry, server) => document.write({ ...read(), [entryKey(entry)]: server } as unknown as Json),
    forget: (entry) => {
      const { [entryKey(entry)]: _gone, ...rest } = read();
      document.write(rest as unknown as Json);
    },
  };
}

/** Another command or address is another server, whatever its name. */
export function entryKey(entry: McpEntry): string {
  const what = entry.transport === "stdio" ? [entry.command, ...entry.args] : [entry.url];
  return `${entry.name} ${sha256(canonicalJson(what)).slice(0, 16)}`;
}

/** A tool as the server tells it now. The pin covers every word of it; what is shown and sent is cleaned and bounded. */
export function pinTool(tool: WireTool): PinnedTool {
  const { name, title, description = "", inputSchema, outputSchema, annotations } = tool;
  const whole = { name, title, description, inputSchema, outputSchema, annotations };
  const pin = sha256(canonicalJson(JSON.parse(JSON.stringify(whole)) as Json));
  const small = JSON.stringify(inputSchema).length <= MAX_SCHEMA;
  const parameters: Readonly<Record<string, unknown>> = small ? inputSchema : { type: "object" };
  return { original: name, description: withoutHidden(description).slice(0, MAX_DESCRIPTION), parameters, pin };
}

/** Lines that say what of `now` is not as in `pinned`; empty when it is the same. */
export function changesOf(pinned: PinnedTool | undefined, now: PinnedTool): readonly string[] {
  if (!pinned) return ["new: it was not there when the list was pinned", ...lines("+", now.description)];
  if (pinned.pin === now.pin) return [];
  const found: string[] = [];
  if (pinned.description !== now.description)
    found.push("the description changed", ...lines("-", pinned.description), ...lines("+", now.description));
  const [before, after] = [JSON.stringify(pinned.parameters), JSON.stringify(now.parameters)];
  if (before !== after) found.push("the input changed", ...lines("-", before), ...lines("+", after));
  return found.length > 0 ? found : ["its title, hints or output changed"];
}

function lines(sign: string, text: string): string[] {
  return text.split("\n").map((line) => `${sign} ${line}`);
}
