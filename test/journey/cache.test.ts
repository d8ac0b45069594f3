/** Kept answers through the real binary: given with their age, passed by one flag, on record, and never for work. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { journey } from "../kit/journey.ts";
import { startModelServer } from "../kit/model-server.ts";

test("the same question is answered from the cache, labelled and audited; --no-cache asks; a changed context asks", async () => {
  let answers = 0;
  await using work = await journey({ script: () => ({ text: `answer ${++answers}` }) });
  expect((await work.run(["config", "set", "temperature", "0"])).code).toBe(0);
  const ask = (...words: string[]) => work.ask(["-p", ...words]);
  expect((await ask("What is a monad?")).stdout).toBe("answer 1\n");
  const again = await ask("What is a monad?");
  expect(again.stdout).toBe("answer 1\n");
  expect(again.stderr).toMatch(/from cache \(\d+ s old, similarity 1\.00, sqlite\); --no-cache asks the model/);
  expect((await ask("--no-cache", "What is a monad?")).stdout).toBe("answer 2\n");
  expect((await ask("What is a monoid?")).stdout).toBe("answer 3\n");
  expect((await ask("--append-system-prompt", "Be brief.", "What is a monad?")).stdout).toBe("answer 4\n");
  expect(work.server.chats).toHaveLength(4);
  const hits = work.journal().filter((event) => event.kind === "cache-looked" && event.hit);
  expect(hits).toMatchObject([{ tier: "sqlite", similarity: 1 }]);
  expect(work.audit().filter((record) => record["action"] === "cache-hit")).toHaveLength(1);
  const stats = JSON.parse((await work.run(["cache", "stats", "--json"])).stdout) as {
    tiers: { name: string; entries: number }[];
  };
  expect(stats.tiers.find(({ name }) => name === "sqlite")?.entries).toBe(3);
  expect((await work.run(["cache", "explain", "What is a monad?"])).stdout).toMatch(/What is a monad\?/);
  expect((await work.run(["stats", "--json"])).stdout).toMatch(/"answerCache":\{"hits":1,"misses":3\}/);
  expect((await work.run(["cache", "clear"])).stdout).toMatch(/^removed: memory 0, sqlite 3, semantic 3\n/);
  expect((await ask("What is a monad?")).stdout).toBe("answer 5\n");
});

test("answers that came with work are not kept; without temperature 0 nothing of the cache is there", async () => {
  const read = { toolCalls: [{ name: "read", arguments: { path: "package.json" } }] };
  await using work = await journey({ script: (_, index) => (index % 2 === 0 ? read : { text: "done" }) });
  await work.ask(["-p", "What does this package do?"]);
  expect((await work.run(["cache", "stats"])).stdout).toMatch(/sqlite +up +0 /);
  expect((await work.run(["config", "set", "temperature", "0"])).code).toBe(0);
  await work.ask(["-p", "What does this package do?"]);
  await work.ask(["-p", "What does this package do?"]);
  expect(work.server.chats).toHaveLength(6);
  expect((await work.run(["cache", "stats"])).stdout).toMatch(/sqlite +up +0 /);
});

test("a conversation goes on after an answer from the cache", async () => {
  await using work = await journey({
    script: (request) => ({ text: `seen ${(request.body["messages"] as unknown[]).length}` }),
  });
  expect((await work.run(["config", "set", "temperature", "0"])).code).toBe(0);
  await work.ask(["-p", "What is a functor?"]);
  await work.ask(["-p", "What is a functor?"]);
  expect((await work.ask(["-c", "-p", "And an applicative?"])).stdout).toBe("seen 4\n");
});

test("what a fallback answered is not given as the answer of the model that failed", async () => {
  await using spare = await startModelServer({
    wire: "ollama",
    model: "spare:1",
    digest: "ab".repeat(32),
    script: () => ({ text: "from spare" }),
  });
  let up = false;
  await using work = await journey({
    server: { model: "main:1" },
    script: () => (up ? { text: "from main" } : { text: "", dieAfterBytes: 0 }),
  });
  const servers = [
    { name: "m", kind: "ollama", url: work.server.url },
    { name: "s", kind: "ollama", url: spare.url },
  ];
  await work.run(["config", "set", "servers", JSON.stringify(servers)]);
  await work.run(["config", "set", "temperature", "0"]);
  const ask = () => work.run(["-m", "m/main:1", "--fallback-model", "s/spare:1", "-p", "What is a monad?"]);
  expect((await ask()).stdout).toBe("from spare\n");
  up = true;
  expect((await ask()).stdout).toBe("from main\n");
});

test("a cache that cannot be opened is told and costs nothing else", async () => {
  await using work = await journey({ script: () => ({ text: "answered" }) });
  await work.run(["config", "set", "temperature", "0"]);
  for (const name of ["answers.db", "cache.db", "cache.key"])
    mkdirSync(join(work.home, "crucible/data", name), { recursive: true });
  const run = await work.ask(["-p", "What is a monad?"]);
  expect([run.code, run.stdout]).toEqual([0, "answered\n"]);
  expect(run.stderr).toMatch(/no answer is kept or taken from the cache: .*cache/);
  const stats = await work.run(["cache", "stats"]);
  expect(stats.code).not.toBe(0);
  expect(stats.stderr).toMatch(/storage|cannot/);
});
