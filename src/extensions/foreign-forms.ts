/** Reads how other agents write down MCP servers, and writes them our way, without their secrets. Pure. */
import { parse } from "yaml";

export interface ForeignServer {
  readonly name: string;
  readonly entry: Readonly<Record<string, unknown>>;
  /** Variables that the person has to set. */
  readonly variables: readonly string[];
  /** It names variables of the environment itself. */
  readonly takes: boolean;
}

/** True for a text that must not be copied. */
export type IsSecret = (text: string) => boolean;

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/** The servers in a parsed settings file of any of them. */
export function serversIn(settings: unknown, secret: IsSecret): readonly ForeignServer[] {
  const all = fields(settings);
  const found = [all["mcpServers"], all["mcp_servers"], all["mcp"], all["servers"]].flatMap((table) => {
    if (Array.isArray(table))
      return table.map((each): [string, Fields] => [String(fields(each)["name"]), fields(each)]);
    return Object.entries(fields(table)).map(([name, each]): [string, Fields] => [name, fields(each)]);
  });
  return found.flatMap(([name, entry]) => serverOf(name, entry, secret) ?? []);
}

function serverOf(given: string, entry: Fields, secret: IsSecret): ForeignServer | undefined {
  const name = given
    .replaceAll(/[^A-Za-z0-9-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 32);
  if (name === "" || entry["enabled"] === false || entry["disabled"] === true) return undefined;
  const variables: string[] = [];
  const takes = /\$\{?\w|\{env:/.test(JSON.stringify(entry));
  const hidden = (variable: string) => {
    const upper = variable.toUpperCase().replaceAll(/[^A-Z0-9]+/g, "_");
    variables.push(upper);
    return `\${${upper}}`;
  };
  const kept = (text: string, variable: string) => (secret(text) ? hidden(variable) : text);
  const table = (value: unknown, prefix: string) =>
    Object.fromEntries(
      Object.entries(fields(value)).map(([key, text]) => [
        key,
        harmless(String(text)) ? text : hidden(`${prefix}${key}`),
      ]),
    );
  const url = entry["url"] ?? entry["httpUrl"] ?? entry["serverUrl"];
  if (typeof url === "string") {
    const headers = table(entry["headers"] ?? entry["http_headers"], `${name}_`);
    const own = { type: "http", url: kept(url, `${name}_URL`) };
    return { name, entry: Object.keys(headers).length > 0 ? { ...own, headers } : own, variables, takes };
  }
  const words = Array.isArray(entry["command"]) ? entry["command"] : [entry["command"], ...listOf(entry["args"])];
  const [command, ...args] = words.map(String);
  if (command === undefined || command === "undefined" || command === "") return undefined;
  const env = table(entry["env"] ?? entry["environment"], "");
  return {
    name,
    entry: {
      command,
      ...(args.length > 0 ? { args: args.map((arg, index) => kept(arg, `${name}_ARG_${index + 1}`)) } : {}),
      ...(Object.keys(env).length > 0 ? { env } : {}),
    },
    ...{ variables, takes },
  };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A variable's name, a switch, a small number, a path: everything else may be a secret. */
function harmless(text: string): boolean {
  return /^(?:\$\{\w+\}|true|false|\d{1,6}|(?:~|\.{1,2})?\/[\w./~-]*|)$/i.test(text);
}

export function readYaml(text: string): unknown {
  return parse(text, { maxAliasCount: 0, logLevel: "error" });
}

/** The tables of servers in a TOML file; of TOML only what such a table can hold. */
export function readTomlServers(text: string): unknown {
  const servers: Record<string, Record<string, unknown>> = {};
  let at: Record<string, unknown> | undefined;
  for (const line of joinedLines(text)) {
    const table = /^\[\s*(.+?)\s*\]$/.exec(line)?.[1];
    if (table !== undefined) {
      const [root, name, ...rest] = [...table.matchAll(/"([^"]*)"|([^.\s"]+)/g)].map(([, a, b]) => a ?? b ?? "");
      at = undefined;
      if (root !== "mcp_servers" || name === undefined || rest.length > 1) continue;
      const server = servers[name] ?? {};
      servers[name] = server;
      const [inner] = rest;
      at = inner === undefined ? server : { ...fields(server[inner]) };
      if (inner !== undefined) server[inner] = at;
      continue;
    }
    const [, key, value] = /^"?([\w-]+)"?\s*=\s*(.+)$/.exec(line) ?? [];
    if (at && key !== undefined && value !== undefined) at[key] = tomlValue(value);
  }
  return { mcp_servers: servers };
}

/** Lines without comments; an array over several lines is one. */
function joinedLines(text: string): readonly string[] {
  const lines: string[] = [];
  let open = "";
  for (const raw of text.split("\n")) {
    const line = `${open}${raw.replace(/^((?:"[^"]*"|'[^']*'|[^"'#])*)#.*$/, "$1").trim()}`;
    const bare = line.replaceAll(/"(?:\\.|[^"\\])*"|'[^']*'/g, "");
    const waits = /=/.test(bare) && (bare.match(/\[/g) ?? []).length > (bare.match(/\]/g) ?? []).length;
    open = waits ? `${line} ` : "";
    if (!waits && line !== "") lines.push(line);
  }
  return lines;
}

function tomlValue(text: string): unknown {
  const value = text.trim();
  if (value.startsWith("'")) return value.replaceAll("'", "");
  if (value.startsWith("["))
    return [...value.matchAll(/"((?:\\.|[^"\\])*)"|'([^']*)'/g)].map(([, a, b]) => plainText(a, b));
  if (value.startsWith("{"))
    return Object.fromEntries(
      [...value.matchAll(/"?([\w-]+)"?\s*=\s*(?:"((?:\\.|[^"\\])*)"|'([^']*)')/g)].map(([, key, a, b]) => [
        key ?? "",
        plainText(a, b),
      ]),
    );
  if (value.startsWith('"')) return plainText(/^"((?:\\.|[^"\\])*)"/.exec(value)?.[1], undefined);
  return value === "true" ? true : value === "false" ? false : Number.isNaN(Number(value)) ? value : Number(value);
}

function plainText(escaped: string | undefined, plain: string | undefined): string {
  if (escaped === undefined) return plain ?? "";
  try {
    return String(JSON.parse(`"${escaped}"`));
  } catch {
    return escaped;
  }
}
