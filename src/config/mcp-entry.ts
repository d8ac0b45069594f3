/** One entry of `mcpServers`: which keys there are, what they may hold, and what `${NAME}` in them stands for. */
import type { Node } from "jsonc-parser";
import * as z from "zod/mini";
import { issueText } from "../base/issue-text.ts";
import { nearest } from "../base/text.ts";
import type { HttpEntry, McpEntry, StdioEntry } from "../core/ports/mcp.ts";
import { badConfig, plainValue } from "./json-file.ts";

/** Where an entry stands and what it may take. */
export interface EntryGround {
  readonly scope: "user" | "project";
  /** `file:line` of an offset. */
  readonly place: (offset: number) => string;
  /** The value of a variable that may be taken; undefined when it may not, or is not set. */
  readonly variable: (name: string) => string | undefined;
}

const strings = z.array(z.string());
const texts = z.record(z.string(), z.string());
const host = z.string().check(z.regex(/^[A-Za-z0-9.-]+(?::\d{1,5})?$/, "write a host, or host:port"));
const hostAndPort = z.string().check(z.regex(/^[a-z0-9.-]+:\d{1,5}$/, "write host:port"));
const COMMON = {
  type: z.enum(["stdio", "http", "streamable-http", "sse"]),
  enabled: z.boolean(),
  disabled: z.boolean(),
  tools: z.strictObject({ allow: z.optional(strings), deny: z.optional(strings) }),
  approve: strings,
  timeoutMs: z.number().check(z.int(), z.minimum(100), z.maximum(3_600_000)),
  sampling: z.enum(["ask", "allow", "deny"]),
};
const STDIO = {
  ...COMMON,
  command: z.string().check(z.minLength(1)),
  args: strings,
  env: texts,
  cwd: z.string(),
  hosts: z.array(host),
  read: strings,
  sandbox: z.enum(["none", "workspace-read", "workspace-write"]),
};
const HTTP = {
  ...COMMON,
  url: z.string(),
  headers: texts,
  oauth: z.strictObject({
    clientId: z.optional(z.string()),
    clientSecret: z.optional(z.string()),
    clientMetadataUrl: z.optional(z.string().check(z.regex(/^https:\/\//, "an https address"))),
    scope: z.optional(z.string()),
    hosts: z.optional(z.array(hostAndPort)),
    callbackPort: z.optional(z.number().check(z.int(), z.minimum(1), z.maximum(65_535))),
  }),
};
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]|_(?=[A-Za-z0-9-])){0,31}$/;
/** Only the person may widen. */
const OWN_ONLY: Readonly<Record<string, (value: unknown) => boolean>> = {
  approve: (value) => Array.isArray(value) && value.length > 0,
  sampling: (value) => value === "allow",
  read: (value) => Array.isArray(value) && value.length > 0,
  oauth: (value) => ((value as HttpEntry["oauth"]).hosts ?? []).length > 0,
};
const TIMEOUT_MS = 60_000;

export type ReadEntry =
  | { readonly entry: McpEntry }
  /** It names a variable that is not there. */
  | { readonly name: string; readonly lacks: string; readonly origin: string };

/** Throws `bad-config` with file:line and the nearest known key. */
export function readEntry(name: string, node: Node, ground: EntryGround): ReadEntry {
  const origin = ground.place(node.offset);
  if (!NAME.test(name))
    throw badConfig(
      `${origin}: ${JSON.stringify(name)} is no name of a server`,
      "letters, digits, - and single _ between them, at most 32",
    );
  if (node.type !== "object")
    throw badConfig(`${origin}: server ${name} is not an object`, '{"command": …} or {"url": …}');
  const raw = plainValue(node) as Record<string, unknown>;
  const remote = "url" in raw;
  if (remote === "command" in raw)
    throw badConfig(`${origin}: server ${name} needs either command or url`, '{"command": …} or {"url": …}');
  checkKeys(name, node, remote ? HTTP : STDIO, ground);
  if (raw["type"] === "sse")
    throw badConfig(`${origin}: server ${name}: sse is not spoken any more`, 'use "type": "http"');
  if (raw["type"] !== undefined && (raw["type"] === "stdio") === remote)
    throw badConfig(
      `${origin}: server ${name}: type ${String(raw["type"])} does not go with ${remote ? "url" : "command"}`,
      "leave type away",
    );
  const taken: string[] = [];
  const missing: string[] = [];
  const value = expand(raw, (variable, needed) => {
    const found = ground.variable(variable);
    if (found !== undefined) taken.push(found);
    else if (needed) missing.push(variable);
    return found;
  }) as Record<string, unknown>;
  if (missing[0] !== undefined) return { name, lacks: missing[0], origin };
  const base = { name, origin, scope: ground.scope, secrets: [...taken, ...secretValues(value)], ...commonOf(value) };
  return { entry: remote ? httpOf(value, base) : stdioOf(value, base) };
}

function checkKeys(
  name: string,
  node: Node,
  known: Readonly<Record<string, z.ZodMiniType>>,
  ground: EntryGround,
): void {
  for (const property of node.children ?? []) {
    const [keyNode, valueNode] = property.children ?? [];
    const key = String(keyNode?.value);
    const place = ground.place(property.offset);
    const schema = Object.hasOwn(known, key) ? known[key] : undefined;
    if (!schema) {
      const near = nearest(key, Object.keys(known));
      throw badConfig(
        `${place}: unknown key ${key} of server ${name}`,
        near ? `did you mean ${near}?` : `there are: ${Object.keys(known).join(", ")}`,
      );
    }
    const value = valueNode ? plainValue(valueNode) : undefined;
    const result = z.safeParse(schema, value);
    const issue = result.success ? undefined : result.error.issues[0];
    if (issue) throw badConfig(`${place}: ${key} of server ${name}: ${issueText(issue)}`, "see docs/mcp.md");
    if (ground.scope === "project" && OWN_ONLY[key]?.(value))
      throw badConfig(`${place}: ${key} cannot be set by a project`, "set it in your own mcp.json");
  }
}

function commonOf(value: Record<string, unknown>) {
  const { enabled = true, disabled = false, tools, approve = [], timeoutMs = TIMEOUT_MS, sampling = "ask" } = value;
  const { allow = [], deny = [] } = (tools ?? {}) as { allow?: string[]; deny?: string[] };
  return {
    enabled: enabled === true && disabled === false,
    tools: { allow, deny },
    approve: approve as string[],
    timeoutMs: Number(timeoutMs),
    sampling: sampling as McpEntry["sampling"],
  };
}

type Base = Omit<StdioEntry, "transport" | "command" | "args" | "env" | "hosts" | "read" | "profile">;

function stdioOf(value: Record<string, unknown>, base: Base): StdioEntry {
  const { command, args = [], env = {}, cwd, hosts = [], read = [], sandbox = "workspace-read" } = value;
  return {
    ...base,
    transport: "stdio",
    command: String(command),
    args: args as string[],
    env: env as Record<string, string>,
    hosts: (hosts as string[]).map((each) => each.toLowerCase()),
    read: read as string[],
    profile: sandbox as StdioEntry["profile"],
    ...(cwd === undefined ? {} : { cwd: String(cwd) }),
  };
}

function httpOf(value: Record<string, unknown>, base: Base): HttpEntry {
  const { url, headers = {}, oauth = {} } = value;
  const parsed = URL.parse(String(url));
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username !== "" || parsed.password !== "")
    throw badConfig(
      `${base.origin}: url of server ${base.name} is not a plain http or https address`,
      "https://host/path",
    );
  return {
    ...base,
    transport: "http",
    url: parsed.href,
    headers: headers as Record<string, string>,
    oauth: oauth as HttpEntry["oauth"],
  };
}

/** `${NAME}` and `${NAME:-otherwise}` in every text. */
function expand(value: unknown, variable: (name: string, needed: boolean) => string | undefined): unknown {
  if (typeof value === "string")
    return value.replace(
      /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
      (_whole, name: string, otherwise?: string) => variable(name, otherwise === undefined) ?? otherwise ?? "",
    );
  if (Array.isArray(value)) return value.map((each) => expand(each, variable));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, expand(each, variable)]));
}

const secretName = /KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH/i;

/** What stands in the entry itself and is named like a secret. */
function secretValues(value: Record<string, unknown>): string[] {
  const named = [
    ...Object.entries((value["env"] ?? {}) as object),
    ...Object.entries((value["headers"] ?? {}) as object),
  ];
  const plain = named.flatMap(([name, text]) => (secretName.test(name) ? [String(text)] : []));
  const { clientSecret } = (value["oauth"] ?? {}) as { clientSecret?: string };
  return [...plain, ...plain.map((text) => text.replace(/^Bearer\s+/i, "")), ...(clientSecret ? [clientSecret] : [])];
}
