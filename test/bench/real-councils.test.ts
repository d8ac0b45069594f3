import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { readTasks } from "../../bench/council/task.ts";
import { CLAMP, patch, type Says, voicesScript } from "../kit/council.ts";
import { startModelServer } from "../kit/model-server.ts";
import { type Files, writeFiles } from "../kit/repositories.ts";
import { tempFolder } from "../kit/temp.ts";

const BENCH = resolve(import.meta.dirname, "../../bench/council/tasks.ts");

/** The benchmark as a person starts it. */
async function bench(words: readonly string[]) {
  const child = spawn(process.execPath, [BENCH, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
    });
  const { promise, resolve: done } = Promise.withResolvers<number | null>();
  child.on("close", done);
  return { code: await promise, ...text };
}

const server = (others: Says) =>
  startModelServer({ wire: "openai", flavour: "llamacpp", window: 16_384, script: voicesScript({}, others) });

describe("councils of a model, through the program", () => {
  it("are scored by the hidden checks: a right change solves its task, a tempting one does not", async () => {
    const [first, second] = readTasks();
    await using model = await server(({ head }) => {
      const task = head.includes(first?.path ?? "") ? first : second;
      const replace = task === first ? task?.reference : task?.mutants.get("misreading");
      const edits = [{ path: task?.path, find: "", replace }];
      return { approach: "a", position: "It does the task.", edits, confidence: 0.9 };
    });
    const url = ["--model", "scripted", "--base-url", `${model.url}/v1`];
    const { code, stdout, stderr } = await bench([...url, "--tasks", "2", "--size", "2"]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`${first?.name}: solved`);
    expect(stderr).toContain(`${second?.name}: wrong`);
    const cells = stdout
      .trimEnd()
      .split("\n")
      .at(-1)
      ?.split("|")
      .map((cell) => cell.trim());
    expect(cells?.slice(1, 7)).toEqual(["scripted", "council of 2", "50", "0", "0", "2"]);
  });

  it("write predictions in the form of SWE-bench, name what is not there, and go on where they stopped", async () => {
    using temp = tempFolder();
    const checkout = join(temp.path, "checkouts/one");
    const commit = repository(checkout, { ...CLAMP.files, ...CLAMP.test });
    const files = { dataset: join(temp.path, "dataset.jsonl"), out: join(temp.path, "predictions.jsonl") };
    const row = { repo: "people/clamp", base_commit: commit, problem_statement: CLAMP.task };
    const rows = [
      { instance_id: "gone", ...row },
      { instance_id: "one", ...row },
    ];
    writeFileSync(files.dataset, rows.map((each) => `${JSON.stringify(each)}\n`).join(""));
    await using model = await server(() => patch(CLAMP.right));
    const words = ["--swe-bench", files.dataset, "--out", files.out, "--checkouts", join(temp.path, "checkouts")];
    const order = [...words, "--model", "scripted", "--base-url", `${model.url}/v1`, "--size", "1"];
    const first = await bench(order);
    expect(first.code).toBe(1);
    expect(first.stderr).toContain(
      `gone: there is no checkout ${join(temp.path, "checkouts/gone")}: clone people/clamp`,
    );
    const lines = readFileSync(files.out, "utf8").trimEnd().split("\n");
    const [prediction] = lines.map((line) => JSON.parse(line) as Record<string, string>);
    expect(lines).toHaveLength(1);
    expect(prediction).toMatchObject({ instance_id: "one", model_name_or_path: "codecrucible+scripted" });
    expect(readFileSync(join(checkout, "src/clamp.mjs"), "utf8")).toBe(CLAMP.files["src/clamp.mjs"]);
    writeFileSync(join(temp.path, "model.patch"), prediction?.["model_patch"] ?? "");
    execFileSync("git", ["-C", checkout, "apply", join(temp.path, "model.patch")]);
    expect(readFileSync(join(checkout, "src/clamp.mjs"), "utf8")).toContain(CLAMP.right);

    const calls = model.chats.length;
    const again = await bench(order);
    expect(again.stderr).toContain("0 predictions");
    expect(model.chats).toHaveLength(calls);
    expect(existsSync(join(checkout, "test"))).toBe(true);
  });
});

/** A git repository with one commit; its id. */
function repository(folder: string, files: Files): string {
  mkdirSync(folder, { recursive: true });
  writeFiles(folder, files);
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.c", ...words], { encoding: "utf8" });
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "-m", "first");
  return git("rev-parse", "HEAD").trim();
}
