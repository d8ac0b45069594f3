/** What goes wrong between us and the server: dying streams, refused connections, full windows. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { call, databaseOf, journey, messagesOf, resultOf, streamLines, WIRES } from "../kit/journey.ts";
import { TYPESCRIPT, TYPESCRIPT_FIX } from "../kit/repositories.ts";
import { fill, mounts, tinyDisk } from "../kit/tiny-disk.ts";

const lines = (text: string) => text.split("\n").filter((line) => line !== "");
const LONG = "I am thinking about this problem and will say a lot of words before the end comes. ".repeat(5);

describe.concurrent.each(WIRES)("%s", (wire) => {
  test("a server that dies in the middle: one line, exit 1, and -c finishes the work", async () => {
    const { path, old, new: next, test: command } = TYPESCRIPT_FIX;
    await using setting = await journey({
      wire,
      script: [
        call("read", { path }),
        { text: LONG, dieAfterBytes: 2000 },
        call("edit", { path, edits: [{ old, new: next }] }),
        call("shell", { command }),
        { text: "Done now." },
      ],
    });
    const broken = await setting.ask(["-p", "fix it"]);
    expect(broken.code).toBe(1);
    expect(lines(broken.stderr)).toHaveLength(1);
    expect(broken.stderr).toContain(setting.server.url);
    const cut = setting
      .journal()
      .filter((event) => event.kind === "model-end")
      .at(-1);
    expect(cut).toMatchObject({ message: { stop: "aborted" } });
    const again = await setting.run(["-c", "-p", "go on"]);
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(again.stdout).toContain("verified since the last edit");
  });

  test("the server's own overflow error is exit 61 with the remedy", async () => {
    const error =
      wire === "ollama"
        ? { error: "the input length exceeds the context length" }
        : {
            error: {
              message:
                "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
              type: "invalid_request_error",
              code: "context_length_exceeded",
            },
          };
    await using setting = await journey({ wire, script: [{ status: 400, error }] });
    const run = await setting.ask(["-p", "hello"]);
    expect(run).toMatchObject({ code: 61, stdout: "" });
    expect(lines(run.stderr).filter((line) => line.startsWith("crucible:"))).toHaveLength(1);
    expect(run.stderr).toContain("--context");
  });

  test("a long history is compacted, announced, and the work goes on", async () => {
    const big = Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`part${n}.txt`, `line of part ${n}\n`.repeat(260)]));
    const reads = Object.keys(big).map((path) => call("read", { path }, `Reading ${path}.`));
    await using setting = await journey({
      wire,
      files: { ...TYPESCRIPT, ...big },
      server: { window: 8192, maxWindow: 8192 },
      script: (request, index) => {
        const messages = messagesOf(request);
        if (JSON.stringify(messages.at(-1)).includes("Write a summary")) return { text: "SUMMARY: read some parts." };
        return index < 9 ? (reads[index % reads.length] ?? { text: "x" }) : { text: "All read." };
      },
    });
    const run = await setting.ask(["-o", "stream-json", "--context", "8192", "read all parts"]);
    const compacted = streamLines(run.stdout).filter((line) => line["subtype"] === "context_compacted");
    expect(run.stderr).toBe("");
    expect(compacted.length).toBeGreaterThan(0);
    expect(resultOf(run)).toMatchObject({ exit_code: 0, result: "All read." });
    const view = setting.server.chats.find((chat) => JSON.stringify(chat.body).includes("summary-of-earlier-work"));
    expect(JSON.stringify(view?.body)).toContain("SUMMARY: read some parts.");
  });
});

describe.concurrent("a disk that does not serve", () => {
  test("a journal that is no database: one line, kept as it is, told by doctor; a run without it works", async () => {
    await using setting = await journey({ script: () => ({ text: "Hello." }) });
    mkdirSync(dirname(databaseOf(setting.home)), { recursive: true });
    const garbage = "no database at all ".repeat(100);
    writeFileSync(databaseOf(setting.home), garbage);
    const run = await setting.ask(["-p", "hello"]);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(/journal\.db: file is not a database\. Move that file away.*\n$/);
    expect(readFileSync(databaseOf(setting.home), "utf8")).toBe(garbage);
    expect((await setting.run(["doctor"])).stdout).toMatch(/PROBLEM {2}journal/);
    expect((await setting.ask(["-p", "--no-session-persistence", "hello"])).code).toBe(0);
  });

  test("a place that cannot be made: one line", async () => {
    await using setting = await journey({ script: () => ({ text: "Hello." }) });
    const file = join(setting.home, "file");
    writeFileSync(file, "a file where a folder is due");
    const run = await setting.ask(["-p", "hello"], { env: { CODECRUCIBLE_HOME: join(file, "x") } });
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(lines(run.stderr)).toHaveLength(1);
    expect(run.stderr).toContain("set CODECRUCIBLE_HOME");
  });

  // Making folders below /proc never ends: Node retries the missing parent for ever.
  test.each(["/dev/null/x", "/proc/x"])("%s is no place to keep files in: one line", async (place) => {
    await using setting = await journey({ script: () => ({ text: "Hello." }) });
    const run = await setting.ask(["-p", "hello"], { env: { CODECRUCIBLE_HOME: place } });
    expect(run).toMatchObject({ code: 52, stdout: "" });
    expect(lines(run.stderr)).toHaveLength(1);
    expect(run.stderr).toContain("is no place to keep files in");
  });

  test("no audit record, no action", async () => {
    await using setting = await journey({
      script: [call("write", { path: "new.txt", content: "x" }), { text: "Written." }],
    });
    mkdirSync(join(setting.home, "crucible/state"), { recursive: true });
    writeFileSync(join(setting.home, "crucible/state/audit"), "a file where a folder is due");
    const run = await setting.ask(["-p", "write"]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain("the audit log");
    expect(existsSync(join(setting.folder, "new.txt"))).toBe(false);
  });
});

describe.skipIf(!mounts())("a full disk under the audit log (needs root and mount)", () => {
  test("no tool runs, in one line; with room again the work goes on and the log verifies", async () => {
    const script = (_request: unknown, index: number) =>
      index % 2 ? { text: "Written." } : call("write", { path: `new${index}.txt`, content: "x" });
    await using setting = await journey({ script });
    const folder = join(setting.home, "crucible/state/audit");
    mkdirSync(folder, { recursive: true });
    using _disk = tinyDisk(folder, 256);
    expect((await setting.ask(["-p", "write"])).code).toBe(0);
    expect(existsSync(join(setting.folder, "new0.txt"))).toBe(true);
    const filler = fill(folder);
    const full = await setting.ask(["-p", "write"]);
    expect(full).toMatchObject({ code: 1 });
    expect(lines(full.stderr)).toHaveLength(1);
    expect(full.stderr).toContain(`the audit log in ${folder} cannot be written`);
    expect(existsSync(join(setting.folder, "new2.txt"))).toBe(false);
    rmSync(filler);
    await setting.ask(["-p", "write"]);
    expect(await setting.run(["audit", "verify"])).toMatchObject({ code: 0, stderr: "" });
  });
});

describe.concurrent("a server that is not there", () => {
  test.each([
    ["ollama", ["--local-provider", "ollama", "--base-url", "http://127.0.0.1:1"], "ollama serve"],
    ["generic", ["--base-url", "http://127.0.0.1:1/v1", "-m", "some"], "127.0.0.1:1"],
    ["LM Studio", ["--local-provider", "lmstudio", "--base-url", "http://127.0.0.1:1"], "lms server start"],
    ["llama.cpp", ["--local-provider", "llamacpp", "--base-url", "http://127.0.0.1:1"], "llama-server"],
  ])("%s: exit 60 with one line that names the address and the command", async (_name, flags, hint) => {
    await using setting = await journey({ script: [] });
    const run = await setting.run([...flags, "-p", "hello"]);
    expect(run).toMatchObject({ code: 60, stdout: "" });
    expect(lines(run.stderr)).toHaveLength(1);
    expect(run.stderr).toContain("127.0.0.1:1");
    expect(run.stderr).toContain(hint);
  });

  test("a model that is not there is exit 61 and the nearest is named", async () => {
    await using setting = await journey({ script: [] });
    const run = await setting.run([
      "--local-provider",
      "ollama",
      "--base-url",
      setting.server.url,
      "-m",
      "scriptde",
      "-p",
      "x",
    ]);
    expect(run).toMatchObject({ code: 61, stdout: "" });
    expect(run.stderr).toContain("Did you mean scripted?");
    expect(lines(run.stderr)).toHaveLength(1);
  });

  test("wrong credentials are exit 41", async () => {
    await using setting = await journey({ wire: "openai", script: [{ status: 401, error: "invalid api key" }] });
    const run = await setting.ask(["-p", "x"]);
    expect(run).toMatchObject({ code: 41, stdout: "" });
  });
});
