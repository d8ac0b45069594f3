/** `crucible mcp add|list|get|test|login|logout|remove|serve`: foreign servers and their pinned tools; this program as a server. */
import type { Command } from "commander";
import type { Json } from "../../base/canonical-json.ts";
import { CrucibleError } from "../../base/error.ts";
import { oneLine, plural } from "../../base/text.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import type { McpDetails, McpReport, McpServerStatus, McpToolView, McpView } from "../../core/ports/mcp.ts";
import { workFolder } from "../files.ts";
import { declareServe } from "../mcp-serve.ts";
import { harmless } from "../output.ts";
import { table } from "../table.ts";

type Finish = (code: number) => void;
type Open = () => Promise<McpView>;
interface Form {
  readonly outputFormat?: string;
  readonly json?: boolean;
}

const FORM_FLAG = ["-o, --output-format <form>", "text or json"] as const;
const JSON_FLAG = ["--json", "for programs: the same as -o json"] as const;

export default function mcp(command: Command, context: CommandContext, finish: Finish): void {
  const open: Open = async () =>
    (await context.makeApp({ workspace: workFolder(undefined), bare: false, flags: new Map() })).mcp();
  declareAdd(command, open, finish);
  declareLook(command, open, finish);
  declareTest(command, open, finish);
  declareLogin(command, open, finish);
  declareServe(command, context, finish);
  command
    .command("remove <name>")
    .description("take a server out, with its pins and its login")
    .option("-s, --scope <scope>", "user or project; the first that has it")
    .action(async (name: string, { scope }: { scope?: string }) => {
      const file = await (await open()).remove(name, scope === undefined ? undefined : scopeOf(scope));
      process.stdout.write(`${name} removed from ${file}\n`);
      finish(0);
    });
}

interface AddOptions {
  readonly scope: string;
  readonly transport?: string;
  readonly env: string[];
  readonly header: string[];
  readonly host: string[];
  readonly read: string[];
  readonly sandbox?: string;
}

function declareAdd(command: Command, open: Open, finish: Finish): void {
  const gather = (value: string, list: string[]) => [...list, value];
  command
    .command("add <name> [target] [args...]")
    .description("add a server: a command after --, or an address")
    .option("-s, --scope <scope>", "user (your mcp.json) or project (.mcp.json)", "user")
    .option("--transport <kind>", "stdio or http; told by the target when absent")
    .option("--env <K=V>", "a variable of its process", gather, [])
    .option("--header <K: V>", "a header of every request", gather, [])
    .option("--host <host>", "a host that its process may reach", gather, [])
    .option("--read <path>", "a path outside the workspace that its process may read", gather, [])
    .option("--sandbox <profile>", "none, workspace-read (the default) or workspace-write")
    .action(async (name: string, target: string | undefined, args: string[], options: AddOptions) => {
      if (target === undefined)
        throw new CrucibleError("usage", `what is ${name}?`, {
          hint: `crucible mcp add ${name} -- command args, or an address`,
        });
      const scope = scopeOf(options.scope);
      const entry = entryOf(target, args, options);
      const file = await (await open()).add(scope, name, entry);
      const runs = "url" in entry ? String(entry["url"]) : [target, ...args].join(" ");
      process.stdout.write(`${name} added to ${file}: ${harmless(runs)}\n`);
      process.stdout.write(
        scope === "project" ? "it works after: crucible trust\n" : `try it: crucible mcp test ${name}\n`,
      );
      finish(0);
    });
}

function entryOf(target: string, args: readonly string[], options: AddOptions): Readonly<Record<string, Json>> {
  const remote = options.transport === undefined ? /^https?:\/\//i.test(target) : options.transport === "http";
  if (options.transport !== undefined && !/^(?:stdio|http)$/.test(options.transport))
    throw new CrucibleError("usage", `--transport ${options.transport}: stdio or http`);
  const wrong = remote ? [...options.env, ...options.host, ...options.read, ...args] : options.header;
  if (wrong[0] !== undefined)
    throw new CrucibleError("usage", `${wrong[0]} means nothing for ${remote ? "an address" : "a command"}`, {
      hint: "see: crucible mcp add --help",
    });
  if (remote) return { url: target, ...(options.header.length > 0 ? { headers: pairs(options.header, ":") } : {}) };
  return {
    command: target,
    ...(args.length > 0 ? { args: [...args] } : {}),
    ...(options.env.length > 0 ? { env: pairs(options.env, "=") } : {}),
    ...(options.host.length > 0 ? { hosts: options.host } : {}),
    ...(options.read.length > 0 ? { read: options.read } : {}),
    ...(options.sandbox === undefined ? {} : { sandbox: options.sandbox }),
  };
}

function pairs(texts: readonly string[], mark: string): { [name: string]: string } {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(mark);
      if (at < 1) throw new CrucibleError("usage", `${text} is no ${mark === "=" ? "NAME=value" : "Name: value"}`);
      return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    }),
  );
}

function scopeOf(text: string): "user" | "project" {
  if (text === "user" || text === "project") return text;
  throw new CrucibleError("usage", `-s ${text}: user or project`);
}

function declareLook(command: Command, open: Open, finish: Finish): void {
  command
    .command("list", { isDefault: true })
    .description("the servers of this folder; none is started")
    .option(...FORM_FLAG)
    .option(...JSON_FLAG)
    .action(async (form: Form) => {
      const view = await open();
      const list = await view.list();
      if (asJson(form)) process.stdout.write(`${JSON.stringify({ servers: list, notes: view.notes })}\n`);
      else {
        process.stdout.write(list.length === 0 ? "no MCP servers: crucible mcp add\n" : table(list.map(rowOf)));
        for (const note of view.notes) process.stdout.write(`note: ${harmless(note)}\n`);
      }
      finish(0);
    });
  command
    .command("get <name>")
    .description("one server: its entry, its pinned tools, its login")
    .option(...FORM_FLAG)
    .option(...JSON_FLAG)
    .action(async (name: string, form: Form) => {
      const details = await (await open()).get(name);
      process.stdout.write(asJson(form) ? `${JSON.stringify(details)}\n` : detailsText(details));
      finish(0);
    });
}

function rowOf({ name, target, state, tools, scope, origin }: McpServerStatus): string[] {
  const known = tools === undefined ? "never seen" : plural(tools, "pinned tool");
  return [name, harmless(oneLine(target, 60)), state, known, `${scope}: ${harmless(origin)}`];
}

function detailsText({ name, target, origin, scope, state, entry, pins, login }: McpDetails): string {
  const rows = [
    ["runs", target],
    ["from", `${scope}: ${origin}`],
    ["state", state],
    ...entryRows(entry as Readonly<Record<string, Json>>),
    ...(login
      ? [["login", `since ${new Date(login.since).toISOString()}${login.scope ? `, ${login.scope}` : ""}`]]
      : []),
  ].map(([key, value]) => [`${key ?? ""}:`, harmless(value ?? "")]);
  const known = pins.length === 0 ? `no pins yet: crucible mcp test ${name}\n` : `\n${table(pins.map(toolRow))}`;
  return `${name}\n${table(rows)}${known}`;
}

/** What is told in another row, or is so for every server that says nothing else. */
const UNTOLD = new Set(["name", "origin", "scope", "transport", "command", "args", "url", "enabled"]);

/** One row for each thing that the entry says. */
function entryRows(entry: Readonly<Record<string, Json>>): string[][] {
  return Object.entries(entry).flatMap(([key, value]) => {
    const text = UNTOLD.has(key) ? "" : plainly(value);
    return text === "" ? [] : [[key === "timeoutMs" ? "longest call" : key, key === "timeoutMs" ? `${text} ms` : text]];
  });
}

/** Lists with commas, fields as `name value`; empty when there is nothing in it. */
function plainly(value: Json | undefined): string {
  if (Array.isArray(value)) return value.map(plainly).join(", ");
  if (typeof value !== "object" || value === null) return String(value ?? "");
  return Object.entries(value)
    .map(([key, inner]) => [key, plainly(inner)] as const)
    .filter(([, text]) => text !== "")
    .map(([key, text]) => (text === "…" ? key : `${key} ${text}`))
    .join(", ");
}

function toolRow({ name, state, pin, description }: McpToolView): string[] {
  return [harmless(name), state, pin.slice(0, 12), harmless(oneLine(description, 60))];
}

function declareTest(command: Command, open: Open, finish: Finish): void {
  command
    .command("test <name>")
    .description("start it in its sandbox and list what it has")
    .option("--pin", "take its tools as they are now")
    .option(...FORM_FLAG)
    .option(...JSON_FLAG)
    .action(async (name: string, options: Form & { pin?: boolean }) => {
      const report = await interruptible(async (signal) =>
        (await open()).test(name, { pin: options.pin ?? false }, signal),
      );
      process.stdout.write(asJson(options) ? `${JSON.stringify(report)}\n` : reportText(report));
      finish(!options.pin && report.tools.some(({ state }) => state === "changed" || state === "new") ? 3 : 0);
    });
}

function reportText({ server, version, protocol, startMs, tools, resources, prompts }: McpReport): string {
  const counts = [plural(tools.length, "tool"), plural(resources.length, "resource"), plural(prompts.length, "prompt")];
  const moved = tools.filter(({ state }) => state === "changed" || state === "new");
  const hint =
    moved.length === 0 ? "" : `${plural(moved.length, "tool")} not as pinned: crucible mcp test ${server} --pin\n`;
  return `${server}: ${harmless(version)}, protocol ${protocol}, ready in ${startMs} ms: ${counts.join(", ")}\n${table(tools.map(toolRow))}${hint}`;
}

function declareLogin(command: Command, open: Open, finish: Finish): void {
  command
    .command("login <name>")
    .description("log in at an HTTP server (OAuth); you open the address yourself")
    .action(async (name: string) => {
      const show = (url: string) => process.stdout.write(`open this address in a browser:\n${harmless(url)}\n`);
      await interruptible(async (signal) => (await open()).login(name, show, signal));
      process.stdout.write(`logged in at ${name}\n`);
      finish(0);
    });
  command
    .command("logout <name>")
    .description("forget the login")
    .action(async (name: string) => {
      const was = await (await open()).logout(name);
      process.stdout.write(was ? `logged out of ${name}\n` : `there was no login at ${name}\n`);
      finish(0);
    });
}

/** Ctrl+C ends the work, and what it started. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const end = () => stop.abort(new CrucibleError("aborted", "cancelled"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, end);
  }
}

function asJson(form: Form): boolean {
  if (form.json) return true;
  if (form.outputFormat === undefined || form.outputFormat === "text") return false;
  if (form.outputFormat === "json") return true;
  throw new CrucibleError("usage", `-o ${form.outputFormat}: text or json`);
}
