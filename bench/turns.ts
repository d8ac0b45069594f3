/** Many turns: what the program adds between an answer and the next request, with files and with the shell; what it sends. */
import { DatabaseSync } from "node:sqlite";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import {
  type ModelServer,
  makePlace,
  median,
  type Place,
  quantile,
  type Row,
  runNode,
  runProgram,
  startServer,
} from "./kit.ts";

const TURNS = 50;
/** A model takes its time; meanwhile the next sandbox gets ready. */
const THINK_MS = 80;
const prompt = ["-p", "-m", "ollama/bench", "--max-turns", "100", "go on"];

/** Bare Node that runs one command after each answer and asks again. */
const BARE_SHELL = `const http = process.getBuiltinModule("node:http"), { spawn } = process.getBuiltinModule("node:child_process");
const agent = new http.Agent({ keepAlive: true }); const messages = [];
const ask = () => { const r = http.request(process.env.URL + "/api/chat", { method: "POST", agent }, (s) => {
  let text = ""; s.setEncoding("utf8"); s.on("data", (d) => { text += d; });
  s.on("end", () => { messages.push({ role: "assistant" }); if (!text.includes("tool_calls")) return agent.destroy();
    const c = spawn("/bin/bash", ["-c", "echo " + messages.length]); c.stdout.resume(); c.on("close", ask); }); });
  r.end(JSON.stringify({ messages })); }; ask()`;

export async function turns(): Promise<Row[]> {
  const reads = await fiftyReads();
  const shell = await fiftyCommands();
  return [...reads, ...shell, ...(await elsewhere())];
}

/** Milliseconds from the end of each answer to the arrival of the next request. */
function gaps(server: ModelServer): number[] {
  const found: number[] = [];
  let answered: bigint | undefined;
  for (const { kind, place, at } of server.told) {
    if (place !== "/api/chat") continue;
    if (kind === "answered") answered = BigInt(at);
    else if (answered !== undefined) found.push(Number(BigInt(at) - answered) / 1e6);
  }
  return found;
}

const bodies = (server: ModelServer): string[] => server.told.flatMap(({ body }) => (body === undefined ? [] : [body]));

async function fiftyReads(): Promise<Row[]> {
  using place = makePlace();
  const calls = Array.from({ length: TURNS }, (_, n) => ({
    name: "read",
    arguments: { path: "readme.md", offset: n + 1 },
  }));
  const server = await startServer({ kind: "calls", count: TURNS, calls, delayMs: 0 });
  try {
    await runProgram(prompt, { place, env: { OLLAMA_HOST: server.url } });
    const sent = bodies(server);
    const first = JSON.parse(sent[0] ?? "{}") as { messages: { content: string }[]; tools: unknown[] };
    const tokens = countTokens(`${first.messages[0]?.content ?? ""}${JSON.stringify(first.tools)}`);
    const stable = sent.slice(1).filter((body, at) => body.startsWith((sent[at] ?? "").slice(0, -2))).length;
    return [
      {
        item: `${TURNS}-turn loop, added per turn (read)`,
        value: median(gaps(server)),
        unit: "ms",
        note: "answer -> next request",
      },
      { item: `${TURNS}-turn loop, p95`, value: quantile(gaps(server), 0.95), unit: "ms" },
      {
        item: "requests that begin with the whole one before",
        value: (stable / (sent.length - 1)) * 100,
        unit: "%",
        budget: { least: 100 },
      },
      {
        item: "first request: system text + tools array",
        value: tokens,
        unit: "tokens",
        budget: { most: 1200 },
        note: "o200k_base",
      },
      {
        item: "hidden model requests",
        value: sent.length - toldOf(place),
        unit: "",
        budget: { most: 0 },
        note: `${sent.length} received`,
      },
    ];
  } finally {
    server.stop();
  }
}

/** Model requests that the journal knows of. */
function toldOf(place: Place): number {
  const db = new DatabaseSync(`${place.env["CODECRUCIBLE_HOME"]}/data/journal.db`, { readOnly: true });
  try {
    return Number(db.prepare("SELECT count(*) AS n FROM events WHERE kind = 'model-end'").get()?.["n"]);
  } finally {
    db.close();
  }
}

async function fiftyCommands(): Promise<Row[]> {
  using place = makePlace();
  const calls = Array.from({ length: TURNS }, (_, n) => ({ name: "shell", arguments: { command: `echo ${n}` } }));
  const server = await startServer({ kind: "calls", count: TURNS, calls, delayMs: THINK_MS });
  const [own, bare]: [number[], number[]] = [[], []];
  try {
    for (let run = 0; run < 3; run++) {
      server.told.length = 0;
      await runProgram(prompt, { place, env: { OLLAMA_HOST: server.url } });
      // The first command finds no spare yet.
      own.push(...gaps(server).slice(1));
      server.told.length = 0;
      await runNode(["-e", BARE_SHELL], { place, env: { URL: server.url } });
      bare.push(...gaps(server).slice(1));
    }
  } finally {
    server.stop();
  }
  return [
    {
      item: "shell turn, sandboxed and audited",
      value: median(own),
      unit: "ms",
      floor: median(bare),
      budget: { most: 12 },
      note: "echo; floor: bare Node and bash",
    },
    { item: "shell turn, p95", value: quantile(own, 0.95), unit: "ms", floor: quantile(bare, 0.95) },
  ];
}

/** How much of all before the last user message another folder sends alike. */
async function elsewhere(): Promise<Row[]> {
  using one = makePlace("first-project");
  using two = makePlace("quite-another-place");
  const server = await startServer({ kind: "text", text: "hello" });
  try {
    for (const place of [one, two]) await runProgram(prompt, { place, env: { OLLAMA_HOST: server.url } });
    const [a = "", b = ""] = bodies(server).map((body) => body.slice(0, body.lastIndexOf('{"role":"user"')));
    let same = 0;
    while (same < a.length && a[same] === b[same]) same++;
    return [
      { item: "prefix another folder repeats", value: (same / a.length) * 100, unit: "%", budget: { least: 99 } },
    ];
  } finally {
    server.stop();
  }
}
