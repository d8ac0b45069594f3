/** Our client as the conformance suite starts it: `node client-driver.ts <server-url>`; the person is one who agrees to everything. */
import { systemClock } from "../../src/base/clock.ts";
import { toFault } from "../../src/base/error.ts";
import type { Document, ForeignHands, HttpEntry } from "../../src/core/ports/mcp.ts";
import { loginNeeded } from "../../src/mcp/client/faults.ts";
import { login } from "../../src/mcp/client/login.ts";
import { oauthBook } from "../../src/mcp/client/oauth.ts";
import { pinBook } from "../../src/mcp/client/pins.ts";
import { createPool, type Pool } from "../../src/mcp/client/pool.ts";
import { createDialler } from "../../src/sandbox/dialler.ts";

const scenario = process.env["MCP_CONFORMANCE_SCENARIO"] ?? "";
const context = JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}") as Record<string, string | undefined>;
const CALLBACK = "http://127.0.0.1:33418/callback";
/** Logins that one run may take. */
const ATTEMPTS = 3;

const signal = AbortSignal.timeout(25_000);
const fetch = createDialler({ hosts: () => true, reachable: () => true, closed: [], dialling: undefined, signal });

function memory(): Document {
  let value: unknown;
  return {
    read: () => value,
    write: (next) => {
      value = next;
    },
  };
}

const { client_id: clientId, client_secret: clientSecret } = context;
const entry: HttpEntry = {
  ...{ name: "suite", origin: "the suite", scope: "user", enabled: true, transport: "http", secrets: [], headers: {} },
  ...{ url: process.argv.at(-1) ?? "", tools: { allow: [], deny: [] }, approve: ["*"], timeoutMs: 20_000 },
  sampling: "deny",
  oauth: {
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
    // The address that the suite's authorization server knows (its README, "basic-cimd").
    ...(scenario === "auth/basic-cimd"
      ? { clientMetadataUrl: "https://conformance-test.local/client-metadata.json" }
      : {}),
  },
};
const human = {
  present: true,
  approve: async () => "yes" as const,
  ask: async (text: string) => (text.startsWith("MCP server") ? "answer" : ""),
};
const oauth = oauthBook(memory(), Date.now);
const pins = pinBook(memory());
const parts = {
  ...{ version: "0", oauth, pins, clock: systemClock, offline: false, lifetime: signal },
  answers: { human, consent: async () => true },
  roots: () => [],
  note: (_server: string, text: string) => void process.stderr.write(`${text}\n`),
};
const hands: ForeignHands = {
  serve: () => Promise.reject(new Error("no processes here")),
  dial: async () => fetch,
  progress: () => undefined,
  spill: () => "",
};

/** The browser: goes where it is sent, and says where it is sent to from there. */
async function visit(url: URL): Promise<URLSearchParams> {
  const answer = await fetch(url);
  await answer.body?.cancel();
  const location = answer.headers.get("location");
  if (location === null) throw new Error(`${url.href} sends nobody back (${answer.status})`);
  return new URL(location, url).searchParams;
}

/** Every tool is called once with numbers where numbers are due. */
async function use(pool: Pool): Promise<void> {
  const names = (await pool.all(hands, signal)).map(({ name }) => name).filter((name) => name.startsWith("mcp__"));
  const [status] = pool.servers();
  if (status?.state === "login needed") throw loginNeeded("suite");
  if (names.length === 0 && status?.state !== "ready") throw new Error(status?.problem ?? "not ready");
  for (const name of names) {
    const tool = await pool.find(name, hands, signal);
    const result = await tool?.run({ a: 2, b: 3 }, { foreign: hands }, signal);
    if (result?.details?.["code"] === "authentication") throw loginNeeded("suite");
    const [part] = result?.parts ?? [];
    process.stdout.write(`${name}: ${part?.type === "text" ? part.text : part?.type}\n`);
  }
}

for (let attempt = 1; ; attempt++) {
  const pool = createPool([entry], parts);
  try {
    await use(pool);
    break;
  } catch (error) {
    if (toFault(error).code !== "authentication" || attempt > ATTEMPTS) throw error;
    const order = { entry, fetch, redirectUrl: CALLBACK, visit };
    await login(order, { ...parts, note: () => undefined, changed: () => undefined }, signal);
  } finally {
    await pool.close();
  }
}
process.exit(0);
