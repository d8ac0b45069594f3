/** Several models through the real binary: tiers, a server that dies, what is shown, what is kept. */
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { journey } from "../kit/journey.ts";
import { startModelServer } from "../kit/model-server.ts";

const config = (servers: Readonly<Record<string, string>>) =>
  JSON.stringify(Object.entries(servers).map(([name, url]) => ({ name, kind: "openai-compatible", url })));

test("light prompts go to the fast model, hard ones to the quality model; explain and status say so", async () => {
  await using large = await startModelServer({
    wire: "openai",
    model: "large",
    script: () => ({ text: "from large" }),
  });
  await using work = await journey({
    wire: "openai",
    server: { model: "small" },
    script: () => ({ text: "from small" }),
    // Words of the project's instructions do not make a prompt hard.
    files: { "AGENTS.md": "Every change gets a security review of its architecture.\n" },
  });
  const set = async (key: string, value: string) =>
    expect((await work.run(["config", "set", key, value])).code).toBe(0);
  await set("servers", config({ a: work.server.url, b: large.url }));
  await set("tiers.fast", "a/small");
  await set("tiers.quality", "b/large");
  expect((await work.run(["-p", "format this file"])).stdout).toBe("from small\n");
  expect((await work.run(["-p", "review the design"])).stdout).toBe("from large\n");
  const decisions = work.journal().filter((event) => event.kind === "route-decided");
  expect(decisions).toMatchObject([
    { model: "a/small", strategy: "cost", complexity: 0.1 },
    { model: "b/large", strategy: "cost", complexity: 1 },
  ]);
  const explained = await work.run(["route", "explain", "format this file"]);
  expect(explained.stdout).toMatch(/^a\/small \(fast\) answers: the cheapest that is good enough \(cost\)\n/);
  const json = JSON.parse(
    (await work.run(["route", "explain", "format this", "--json", "-m", "b/large"])).stdout,
  ) as object;
  expect(json).toMatchObject({ model: "b/large", strategy: "override" });
  const status = JSON.parse((await work.run(["status", "--json"])).stdout) as {
    models: { name: string; rates: object }[];
    uses: object;
  };
  expect(status.uses).toMatchObject({ "tiers.fast": "a/small", "tiers.quality": "b/large" });
  expect(status.models.find(({ name }) => name === "a/small")?.rates).toMatchObject({ answers: 1 });
  expect((await work.run(["status"])).stdout).toMatch(/a\/small +(loaded|unknown) .* closed/);
});

test("a server that dies in mid-answer: the shown part is closed, the fallback answers the same prompt", async () => {
  await using spare = await startModelServer({
    wire: "openai",
    model: "spare",
    script: () => ({ text: "the whole answer" }),
  });
  await using work = await journey({
    wire: "openai",
    server: { model: "main" },
    script: () => ({ text: "one two three four five six", dieAfterBytes: 700 }),
  });
  expect((await work.run(["config", "set", "servers", config({ m: work.server.url, s: spare.url })])).code).toBe(0);
  const run = await work.run(["-m", "m/main", "--fallback-model", "s/spare", "go on", "-o", "stream-json"]);
  expect(run.code).toBe(0);
  const events = work.journal();
  const ends = events.flatMap((event) => (event.kind === "model-end" ? [event.message] : []));
  expect(ends.map(({ stop, model }) => [stop, model.model])).toEqual([
    ["aborted", "main"],
    ["stop", "spare"],
  ]);
  const sent = JSON.parse(spare.chats[0]?.raw.toString() ?? "{}") as { messages: { role: string }[] };
  expect(sent.messages.map(({ role }) => role)).toEqual(["system", "user"]);
  expect(events.findLast((event) => event.kind === "model-note")).toMatchObject({
    code: "model-changed",
    text: expect.stringMatching(
      /^m\/main failed .*the answer above is cut off and does not count; s\/spare answers now$/,
    ),
  });
  expect(events.findLast((event) => event.kind === "turn-end")).toMatchObject({
    outcome: { text: "the whole answer" },
  });
  // Go on with what answered last: the thread is with it.
  expect((await work.run(["-c", "-p", "more"])).stdout).toBe("the whole answer\n");
});

test("a server that is down from the start costs nothing but a note; without a fallback it is one typed fault", async () => {
  await using work = await journey({ wire: "openai", server: { model: "spare" }, script: () => ({ text: "here" }) });
  const gone = "http://127.0.0.1:9";
  expect((await work.run(["config", "set", "servers", config({ m: gone, s: work.server.url })])).code).toBe(0);
  const run = await work.run(["-m", "m/main", "--fallback-model", "s/spare", "-p", "hello"]);
  expect([run.code, run.stdout]).toEqual([0, "here\n"]);
  expect(run.stderr).toMatch(/m\/main is not used: no model server answers/);
  const alone = await work.run(["-m", "m/main", "-p", "hello"]);
  expect([alone.code, alone.stdout]).toEqual([60, ""]);
});

test("an invalid tool call that cannot be repaired, or a cut answer, raises the thread to the quality model", async () => {
  await using large = await startModelServer({
    wire: "openai",
    model: "large",
    script: () => ({ text: "done by large" }),
  });
  const broken = { toolCalls: [{ name: "read", arguments: '{"path": 5, "wrong"' }] };
  await using work = await journey({ wire: "openai", server: { model: "small" }, script: () => broken });
  const set = async (key: string, value: string) =>
    expect((await work.run(["config", "set", key, value])).code).toBe(0);
  await set("servers", config({ a: work.server.url, b: large.url }));
  await set("tiers.fast", "a/small");
  await set("tiers.quality", "b/large");
  const run = await work.run(["-p", "format this file"]);
  expect([run.code, run.stdout]).toEqual([0, "done by large\n"]);
  expect(run.stderr).toMatch(/b\/large answers now: an invalid tool call/);
});

test("stats fold what the sessions of this folder took", async () => {
  await using work = await journey({
    script: [{ toolCalls: [{ name: "read", arguments: { path: "package.json" } }] }, { text: "read it" }],
  });
  expect((await work.run(["stats"])).stdout).toBe("no sessions in the last 30 days\n");
  await work.ask(["-p", "read the manifest"]);
  const report = JSON.parse((await work.run(["stats", "--json"])).stdout) as Record<string, unknown>;
  expect(report).toMatchObject({
    sessions: 1,
    turnMs: { count: 1 },
    answerMs: { count: 2 },
    tools: [{ name: "read", count: 1, failed: 0 }],
  });
  expect(report["resources"]).toMatchObject({ rssMiB: expect.any(Number) as number });
  const shown = (await work.run(["stats", "--all", "--days", "1"])).stdout;
  expect(shown).toMatch(/^1 sessions, \d+ tokens read/);
  expect(shown).toMatch(/\nread +1 +0 +0 /);
  expect((await work.run(["stats", "--days", "soon"])).code).toBe(2);
});

test("a resumed thread stays with the model it was raised to; a stand-in named by a flag gives way again", async () => {
  let up = false;
  await using large = await startModelServer({
    wire: "ollama",
    model: "large:latest",
    script: () => ({ text: "from large" }),
  });
  await using work = await journey({
    server: { model: "small:latest" },
    script: () => (up ? { text: "from small" } : { text: "", dieAfterBytes: 0 }),
  });
  const set = async (key: string, value: string) =>
    expect((await work.run(["config", "set", key, value])).code).toBe(0);
  const servers = [
    { name: "a", kind: "ollama", url: work.server.url },
    { name: "b", kind: "ollama", url: large.url },
  ];
  await set("servers", JSON.stringify(servers));
  await set("model", "a/small");
  const standIn = ["--fallback-model", "b/large"];
  expect((await work.run([...standIn, "-p", "format this file"])).stdout).toBe("from large\n");
  up = true;
  expect((await work.run(["-c", ...standIn, "-p", "format this file"])).stdout).toBe("from small\n");
  const config = `${work.home}/crucible/config/config.jsonc`;
  writeFileSync(config, JSON.stringify({ servers, tiers: { fast: "a/small", quality: "b/large" } }));
  expect((await work.run(["-p", "review the design"])).stdout).toBe("from large\n");
  expect((await work.run(["-c", "-p", "format this file"])).stdout).toBe("from large\n");
  expect((await work.run(["-p", "format this file"])).stdout).toBe("from small\n");
});
