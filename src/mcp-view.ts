/** Foreign servers without a session: for `crucible mcp` and `doctor`. */
import { auditOptions } from "./audit-view.ts";
import type { Json } from "./base/canonical-json.ts";
import { systemClock } from "./base/clock.ts";
import { CrucibleError, toFault } from "./base/error.ts";
import { nearest } from "./base/text.ts";
import { projectMcpFile, userMcpFile } from "./config/mcp-places.ts";
import { openSandbox } from "./confined.ts";
import { LOCAL_USER } from "./core/actor.ts";
import { NOBODY } from "./core/ports/human.ts";
import type { ForeignHands, HttpEntry, McpDetails, McpEntry, McpReport, McpView } from "./core/ports/mcp.ts";
import { mcpBooks } from "./foreign-servers.ts";
import { foreignHands } from "./guard/foreign.ts";
import { createRedactor } from "./guard/redact.ts";
import type { House } from "./house.ts";
import { mayBeNear } from "./mcp/client/connect.ts";
import { login } from "./mcp/client/login.ts";
import { createPool, type Pool, viewOf } from "./mcp/client/pool.ts";
import { mcpEntries, mcpSecrets } from "./mcp-entries.ts";
import { openAudit } from "./observe/audit.ts";
import { knownSecrets } from "./redaction.ts";
import { callLimits, modelServers } from "./rules.ts";
import { createDialler } from "./sandbox/dialler.ts";
import { openLoopback } from "./sandbox/loopback.ts";

/** Throws `bad-config` with file:line. */
export async function mcpView(house: House): Promise<McpView> {
  const servers = await mcpEntries(house, undefined, house.options.bare);
  const { entries, notes } = servers;
  const { pins, oauth } = mcpBooks(house);
  const entryOf = (name: string): McpEntry => {
    const entry = entries.find((each) => each.name === name);
    if (entry) return entry;
    const near = nearest(
      name,
      entries.map((each) => each.name),
    );
    throw new CrucibleError("usage", `there is no MCP server ${name}`, {
      hint: near ? `did you mean ${near}?` : "crucible mcp list, crucible mcp add",
    });
  };
  const redactor = createRedactor("mcp", [...knownSecrets(house), ...mcpSecrets(servers)]);
  const statuses = async () => {
    const end = AbortSignal.abort();
    return poolOf(house, entries, end)
      .servers()
      .map((status) => ({ ...status, target: redactor.text(status.target) }));
  };
  return {
    notes,
    list: statuses,
    get: async (name) => {
      const entry = entryOf(name);
      const status = (await statuses()).find((each) => each.name === name);
      const pinned = pins.get(entry)?.tools ?? [];
      const tools = pinned.map((tool) => ({ fullName: `mcp__${name}__${tool.original}`, shown: tool, changed: [] }));
      const kept = entry.transport === "http" ? oauth.get(entry) : undefined;
      return {
        ...status,
        entry: redactor.deep(shownEntry(entry)),
        pins: viewOf(
          tools,
          pinned.map(({ original }) => original),
        ),
        prompts: [],
        ...(kept?.tokens ? { login: loginOf(kept) } : {}),
      } as McpDetails;
    },
    test: async (name, { pin }, signal) => {
      const entry = entryOf(name);
      return inSandbox(house, [entry], signal, (pool, hands, limit) =>
        pool.report(name, pin, hands, limit).catch(elseTry(name)),
      );
    },
    add: async (scope, name, entry) => {
      const file = fileOf(house, scope);
      const { writeMcpEntry } = await import("./config/mcp-files.ts");
      await checkEntry(name, entry, scope);
      await record(house, { server: name, file });
      await writeMcpEntry(file, name, entry);
      return file;
    },
    remove: async (name, scope) => {
      const { writeMcpEntry } = await import("./config/mcp-files.ts");
      const found = entries.find((each) => each.name === name);
      for (const each of scope ? [scope] : (["user", "project"] as const)) {
        const file = fileOf(house, each);
        if (!(await writeMcpEntry(file, name, undefined))) continue;
        if (found) pins.forget(found);
        if (found?.transport === "http") oauth.forget(found);
        await record(house, { removed: name, file });
        return file;
      }
      throw new CrucibleError("usage", `no MCP server ${name} stands in a file of yours`, {
        hint: "crucible mcp list",
      });
    },
    login: async (name, show, signal) => {
      const entry = httpOnly(entryOf(name));
      await record(house, { login: name });
      await loginAt(house, entry, show, signal);
    },
    logout: async (name) => {
      const entry = httpOnly(entryOf(name));
      await record(house, { logout: name });
      return oauth.forget(entry);
    },
  };
}

/** A test that failed is not what to try next. */
function elseTry(name: string): (error: unknown) => never {
  const test = `crucible mcp test ${name}`;
  return (error) => {
    const { code, message, hint } = toFault(error);
    if (hint !== test) throw error;
    throw new CrucibleError(code, message, { hint: `its entry: crucible mcp get ${name}`, cause: error });
  };
}

function fileOf(house: House, scope: "user" | "project"): string {
  return scope === "user" ? userMcpFile(house.config.places) : projectMcpFile(house.workspace);
}

function httpOnly(entry: McpEntry): HttpEntry {
  if (entry.transport === "http") return entry;
  throw new CrucibleError("usage", `MCP server ${entry.name} is a command: it has no login`, {
    hint: "give it its credentials with --env",
  });
}

/** What would be refused when it is read is refused when it is written. */
async function checkEntry(
  name: string,
  entry: Readonly<Record<string, Json>>,
  scope: "user" | "project",
): Promise<void> {
  const [{ parseJsonText }, { readEntry }] = await Promise.all([
    import("./config/json-file.ts"),
    import("./config/mcp-entry.ts"),
  ]);
  const file = await parseJsonText("the new entry", JSON.stringify(entry), "");
  if (file.root) readEntry(name, file.root, { scope, place: () => "the new entry", variable: () => "" });
}

async function record(house: House, details: { readonly [key: string]: Json }): Promise<void> {
  const audit = openAudit(auditOptions(house.config, (value) => value));
  try {
    await audit.append({
      session: "",
      actor: LOCAL_USER,
      action: "config-change",
      details: { key: "mcpServers", ...details },
    });
  } finally {
    audit.close();
  }
}

function partsOf(house: House, lifetime: AbortSignal) {
  return {
    ...mcpBooks(house),
    version: house.options.version,
    // Some servers show tools only to clients that can do this: the list is to be that of a session.
    answers: { human: NOBODY, consent: async () => false, sample: noModel },
    roots: () => [house.workspace],
    clock: systemClock,
    offline: false,
    lifetime,
    note: () => undefined,
  };
}

async function noModel(): Promise<never> {
  throw new CrucibleError("denied", "there is no model outside a session");
}

function poolOf(house: House, entries: readonly McpEntry[], lifetime: AbortSignal): Pool {
  return createPool(entries, partsOf(house, lifetime));
}

/** A pool over a sandbox of its own; everything it started has ended when this settles. */
async function inSandbox(
  house: House,
  entries: readonly McpEntry[],
  signal: AbortSignal,
  work: (pool: Pool, hands: ForeignHands, signal: AbortSignal) => Promise<McpReport>,
): Promise<McpReport> {
  const stop = new AbortController();
  const limit = AbortSignal.any([signal, stop.signal]);
  await using opened = openSandbox(house);
  const { sandbox, mint, session } = opened;
  const redactor = createRedactor(session, [...knownSecrets(house), ...mcpSecrets({ entries, notes: [] })]);
  const audit = openAudit(auditOptions(house.config, redactor.deep));
  const room = {
    ...{ audit, sandbox, mint, redactor, clock: systemClock, lifetime: limit },
    journal: { session },
    policy: { limits: callLimits(house.config) },
    emit: () => {
      throw new CrucibleError("internal", "there is no session to tell");
    },
  };
  const hands = foreignHands(room, { actor: LOCAL_USER, callId: "", readOnly: false, where: {} });
  const pool = poolOf(house, entries, limit);
  try {
    return redactor.deep(await work(pool, hands, limit));
  } finally {
    stop.abort();
    await pool.close();
    audit.close();
  }
}

/** Where a login goes is only known on the way: public addresses, and of this machine's what the entry itself names. */
async function loginAt(
  house: House,
  entry: HttpEntry,
  show: (url: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const parts = partsOf(house, signal);
  const went = new Set<string>();
  const fetch = createDialler({
    hosts: (pair) => went.add(pair).has(pair),
    reachable: (pair) => mayBeNear(entry, pair),
    closed: modelServers(house.config),
    dialling: undefined,
    signal,
  });
  const loopback = await openLoopback(entry.oauth.callbackPort ?? 0, signal);
  try {
    const visit = (url: URL) => {
      const answer = loopback.answer(url.searchParams.get("state") ?? "");
      show(url.href);
      return answer;
    };
    const order = { entry, fetch, redirectUrl: loopback.url, visit };
    const noted = { ...parts, note: () => undefined, changed: () => undefined };
    if (!(await login(order, noted, signal)))
      throw new CrucibleError("usage", `MCP server ${entry.name} wants no login`, {
        hint: `crucible mcp test ${entry.name}`,
      });
    parts.oauth.merge(entry, { hosts: [...went] });
  } finally {
    loopback.close();
  }
}

function loginOf({ at = 0, tokens }: NonNullable<ReturnType<ReturnType<typeof mcpBooks>["oauth"]["get"]>>) {
  return {
    since: at,
    ...(tokens?.expires_in === undefined ? {} : { expiresAt: at + tokens.expires_in * 1000 }),
    ...(tokens?.scope === undefined ? {} : { scope: tokens.scope }),
  };
}

/** The entry without the values of variables and headers. */
function shownEntry(entry: McpEntry): Json {
  const { secrets: _secrets, ...rest } = entry;
  const hidden = (values: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.keys(values).map((name) => [name, "…"]));
  if (rest.transport === "stdio") return { ...rest, env: hidden(rest.env) } as unknown as Json;
  const { clientSecret, ...oauth } = rest.oauth;
  return {
    ...rest,
    headers: hidden(rest.headers),
    oauth: { ...oauth, ...(clientSecret ? { clientSecret: "…" } : {}) },
  } as unknown as Json;
}
