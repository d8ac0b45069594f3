import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { createPool } from "../../src/workers/pool.ts";

const never = new AbortController().signal;
const say = (text: string) => new TextEncoder().encode(text);
const options = { signal: never, timeoutMs: 30_000 };

describe("the workers of this program", () => {
  test("hash, compare, split into words and scan bytes", async () => {
    const pool = createPool({ size: 1 });
    const [hash] = await pool.run("hash", [say("abc")], options);
    expect(hash).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const diff = await pool.run("diff", { before: say("a\nb\n"), after: say("a\nc\n") }, options);
    expect(diff).toMatchObject({ added: 1, removed: 1, diff: expect.stringContaining("-b\n+c") as string });
    expect(await pool.run("tokenise", say("parseHTTPRequest(parse_2)"), options)).toEqual([
      ["parse", 2],
      ["http", 1],
      ["request", 1],
      ["2", 1],
    ]);
    const scan = { bytes: say("one\r\ntwo\nthree"), pattern: "^T", flags: "i", limit: 1 };
    expect(await pool.run("scan", scan, options)).toEqual([{ line: 2, text: "two" }]);
    expect(pool.metrics()).toMatchObject({ size: 1, running: 0, waiting: 0, crashes: 0 });
    expect(pool.metrics().jobs.hash).toMatchObject({ done: 1, failed: 0 });
    await pool.close();
  });

  test("a job that fails says why and leaves its worker alone", async () => {
    const pool = createPool({ size: 1 });
    const bad = { bytes: say(""), pattern: "(", flags: "", limit: 1 };
    await expect(pool.run("scan", bad, options)).rejects.toMatchObject({
      fault: {
        code: "worker-failed",
        retryable: false,
        message: expect.stringMatching(/^a job of kind scan failed: Invalid/) as string,
      },
    });
    expect(await pool.run("hash", [], options)).toEqual([]);
    expect(pool.metrics()).toMatchObject({ crashes: 0, jobs: { scan: { failed: 1 } } });
    await pool.close();
  });

  test("a pattern that never ends is ended, and the pool goes on", async () => {
    const pool = createPool({ size: 1 });
    const endless = { bytes: say("a".repeat(60)), pattern: "^(a|a)*$b", flags: "", limit: 1 };
    await expect(pool.run("scan", endless, { signal: never, timeoutMs: 300 })).rejects.toMatchObject({
      fault: {
        code: "worker-failed",
        retryable: true,
        message: "a job of kind scan failed: it took longer than 300 ms",
      },
    });
    expect(await pool.run("hash", [], options)).toEqual([]);
    expect(pool.metrics()).toMatchObject({ timeouts: 1 });
    await pool.close();
  });

  test("an idle pool does not hold the process", () => {
    const pool = pathToFileURL(resolve(import.meta.dirname, "../../src/workers/pool.ts")).href;
    const text = `import { createPool } from ${JSON.stringify(pool)};
      const pool = createPool({ size: 2 });
      console.log((await pool.run("hash", [new Uint8Array()], { signal: AbortSignal.timeout(50_000), timeoutMs: 60_000 })).length);`;
    const told = execFileSync(process.execPath, ["--input-type=module", "--eval", text], {
      encoding: "utf8",
      timeout: 40_000,
    });
    expect(told).toBe("1\n");
  });
});

describe("workers that misbehave", () => {
  const program = pathToFileURL(join(import.meta.dirname, "../kit/misbehaving-worker.mjs"));
  const open = (size = 1, queue = 10) => createPool({ size, queue, program });
  const thread = async (pool: ReturnType<typeof open>) => (await pool.run("tokenise", say("thread"), options))[0]?.[1];

  test.each(["exit", "throw"])("%s: the job fails with a fault, the next one finds a new worker", async (how) => {
    const pool = open();
    const first = await thread(pool);
    const fault = {
      code: "worker-failed",
      retryable: true,
      message: "a job of kind tokenise failed: its worker broke down",
    };
    await expect(pool.run("tokenise", say(how), options)).rejects.toMatchObject({ fault });
    expect(await thread(pool)).not.toBe(first);
    expect(pool.metrics()).toMatchObject({ crashes: 1, running: 0, jobs: { tokenise: { done: 2, failed: 1 } } });
    await pool.close();
  });

  test("a signal ends the job that runs and the one that waits", async () => {
    const pool = open();
    const given = ["running", "waiting"].map(() => new AbortController());
    const jobs = given.map(({ signal }) => pool.run("tokenise", say("silence"), { signal, timeoutMs: 60_000 }));
    expect(pool.metrics()).toMatchObject({ running: 1, waiting: 1 });
    for (const [index, each] of given.entries()) each.abort(new Error(`enough of ${index}`));
    for (const [index, job] of jobs.entries()) await expect(job).rejects.toThrow(`enough of ${index}`);
    await vi.waitFor(() => expect(pool.metrics()).toMatchObject({ running: 0, waiting: 0, aborted: 2, crashes: 0 }));
    await expect(
      pool.run("hash", [], { signal: AbortSignal.abort(new Error("before")), timeoutMs: 1 }),
    ).rejects.toThrow("before");
    expect(await thread(pool)).toBeTypeOf("number");
    await pool.close();
  });

  test("the queue has an end, and so has the pool", async () => {
    const pool = open(1, 2);
    const jobs = ["silence", "silence", "silence"].map((what) => pool.run("tokenise", say(what), options));
    for (const job of jobs) job.catch(() => undefined);
    await expect(pool.run("tokenise", say("thread"), options)).rejects.toMatchObject({
      fault: { code: "worker-failed", retryable: true, message: "a job of kind tokenise failed: 2 jobs wait already" },
    });
    await pool.close();
    for (const job of jobs) await expect(job).rejects.toMatchObject({ fault: { code: "worker-failed" } });
    await expect(pool.run("tokenise", say("thread"), options)).rejects.toMatchObject({
      fault: { message: "a job of kind tokenise failed: the pool is closed" },
    });
  });

  test("as many run at a time as there are threads", async () => {
    const pool = open(2);
    const jobs = Array.from({ length: 5 }, () => pool.run("tokenise", say("silence"), options));
    for (const job of jobs) job.catch(() => undefined);
    expect(pool.metrics()).toMatchObject({ running: 2, waiting: 3 });
    await pool.close();
  });
});
