/** A review of a change by scripted voices: what a test shows is confirmed, what one model says alone fails no gate. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ReviewReport } from "../../src/core/review.ts";
import { askedIn, council, type Says } from "../kit/council.ts";
import type { Journey } from "../kit/journey.ts";

const GOOD = "export function half(n) {\n  return n / 2;\n}\n";
const BAD = "export function half(n) {\n  return Math.floor(n / 2);\n}\n";
const FILES = { "src/half.mjs": GOOD, "package.json": '{ "name": "half", "type": "module" }\n' };
const check = (expected: number) => ({
  path: "check.mjs",
  content: `import { half } from './src/half.mjs';\nprocess.exit(half(5) === ${expected} ? 0 : 1);\n`,
  command: "node check.mjs",
});
const none = { path: "", content: "", command: "" };
const defect = (more: object = {}) => ({
  subject: "half of an odd number",
  problem: "it is cut down to a whole number",
  file: "src/half.mjs",
  line: 2,
  severity: "high",
  check: none,
  ...more,
});

async function changed(says: Readonly<Record<string, Says>>, edit: (setting: Journey) => void): Promise<Journey> {
  const setting = await council(says, { files: FILES, others: () => ({ defects: [] }) });
  const git = (...words: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...words], { cwd: setting.folder });
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-qm", "first");
  edit(setting);
  return setting;
}

const spoil = ({ folder }: Journey) => writeFileSync(join(folder, "src/half.mjs"), BAD);

async function review(setting: Journey, words: readonly string[]) {
  const run = await setting.run(["review", ...setting.model, "-o", "json", ...words]);
  const result = JSON.parse(run.stdout.trimEnd().split("\n").at(-1) || "{}") as {
    review?: ReviewReport;
    error?: { message: string };
  };
  return { run, report: result.review as ReviewReport, error: result.error };
}

describe.concurrent("a review", () => {
  test("confirms what a test shows that passed before the change, and fails the gate for it", async () => {
    await using setting = await changed({ Analyzer: () => ({ defects: [defect({ check: check(2.5) })] }) }, spoil);
    const { run, report } = await review(setting, ["--fail-on", "high"]);
    expect(run.code, run.stderr).toBe(3);
    expect(report.findings).toMatchObject([
      { file: "src/half.mjs", line: 2, severity: "high", status: "confirmed", voices: ["analyzer"] },
    ]);
    expect(report.checks).toMatchObject([{ command: "node check.mjs", base: "pass" }]);
    expect(setting.read("src/half.mjs")).toBe(BAD);
    const asked = setting.server.chats.map((chat) => askedIn(chat));
    expect(asked.every(({ stage, head }) => stage === "review" && head.includes("+  return Math.floor(n / 2);"))).toBe(
      true,
    );
    // A lower bar: nothing of it is critical.
    expect((await review(setting, ["--fail-on", "critical"])).run.code).toBe(0);
  });

  test("a test that fails before the change too shows nothing: the finding stays unconfirmed and fails no gate", async () => {
    await using setting = await changed(
      {
        Analyzer: () => ({ defects: [defect({ check: check(99), severity: "critical" })] }),
        Security: () => ({ defects: [defect()] }),
      },
      spoil,
    );
    const { run, report } = await review(setting, ["--fail-on", "low"]);
    expect(run.code, run.stderr).toBe(0);
    // Two voices of one model are one model.
    expect(report.findings).toMatchObject([
      { status: "unconfirmed", voices: ["analyzer", "security"], forPerson: true },
    ]);
    expect(report.checks).toMatchObject([{ base: "fail", dropped: "it did not pass before the change" }]);
    const text = await setting.run(["review", ...setting.model]);
    expect(text.stdout).toContain("CRITICAL src/half.mjs:2  half of an odd number");
    expect(text.stdout).toContain("one model read this");
  });

  test("reads new files, a commit, or all since a branch; and says when there is nothing", async () => {
    await using setting = await changed({}, () => undefined);
    const empty = await review(setting, []);
    expect(empty.run.code).toBe(2);
    expect(empty.error?.message).toContain("nothing to review");
    writeFileSync(join(setting.folder, "new.mjs"), "export const added = 1;\n");
    expect((await review(setting, [])).report.files).toEqual(["new.mjs"]);
    execFileSync("git", ["add", "-A"], { cwd: setting.folder });
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "second"], {
      cwd: setting.folder,
    });
    const commit = await review(setting, ["--commit", "HEAD"]);
    expect([commit.report.change, commit.report.files]).toEqual(["changes of commit HEAD", ["new.mjs"]]);
    expect((await review(setting, ["--base", "HEAD~1"])).report.files).toEqual(["new.mjs"]);
    const refused = await review(setting, ["--base", "--output=x"]);
    expect(refused.run.code).toBe(2);
    const unknown = await review(setting, ["--base", "nowhere"]);
    expect(unknown.error?.message).toContain("git does not know changes nowhere...HEAD");
  });

  test("gives SARIF that a scanner takes", async () => {
    await using setting = await changed({ Security: () => ({ defects: [defect({ check: check(2.5) })] }) }, spoil);
    const run = await setting.run(["review", ...setting.model, "--sarif", "--voices", "security,analyzer"]);
    const sarif = JSON.parse(run.stdout) as { version: string; runs: { results: Record<string, unknown>[] }[] };
    expect(sarif.version).toBe("2.1.0");
    expect(sarif.runs[0]?.results).toMatchObject([
      {
        level: "error",
        locations: [{ physicalLocation: { artifactLocation: { uri: "src/half.mjs" }, region: { startLine: 2 } } }],
        properties: { status: "confirmed" },
      },
    ]);
    expect(setting.server.chats).toHaveLength(2);
  });
});
