/** `crucible commit`: the message is shown, the commit is made through the gate, and nothing else is touched. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { call, databaseOf, type Journey, journey, lastText } from "../kit/journey.ts";

const MESSAGE = "```\nCount what's in the basket\n\nIt summed prices alone.\n```";

function git(setting: Journey, ...words: string[]): string {
  const identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
  return execFileSync("git", [...identity, ...words], {
    cwd: setting.folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", HOME: setting.home },
  });
}

async function repository(script: Parameters<typeof journey>[0]["script"]): Promise<Journey> {
  const setting = await journey({ script, files: { "a.ts": "export const a = 1;\n", "b.ts": "b\n" } });
  git(setting, "init", "-q", "-b", "main");
  git(setting, "config", "user.name", "A");
  git(setting, "config", "user.email", "a@example.org");
  git(setting, "add", "-A");
  git(setting, "commit", "-q", "-m", "Begin");
  writeFileSync(join(setting.folder, "a.ts"), "export const a = 2;\n");
  writeFileSync(join(setting.folder, "b.ts"), "something else\n");
  return setting;
}

const commit = (setting: Journey, ...words: string[]) => setting.run(["commit", ...setting.model, ...words]);

describe.concurrent("crucible commit", () => {
  test("commits what is staged and no more, with the message that it shows", async () => {
    await using setting = await repository([{ text: MESSAGE }]);
    git(setting, "add", "a.ts");
    const run = await commit(setting, "--yes");
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/^ {2}Count what's in the basket\n {2}\n {2}It summed prices alone\.\n/);
    expect(git(setting, "log", "-1", "--format=%B").trim()).toBe(
      "Count what's in the basket\n\nIt summed prices alone.",
    );
    expect(git(setting, "status", "--porcelain")).toBe(" M b.ts\n");
    const prompt = lastText(setting.server.chats[0] ?? { body: {} });
    expect(prompt).toMatch(/<subjects>\nBegin\n<\/subjects>[\s\S]*-export const a = 1;\n\+export const a = 2;/);
    expect(prompt).not.toContain("something else");
    expect(setting.audit().some((record) => JSON.stringify(record).includes("git commit -m"))).toBe(true);
    expect(existsSync(databaseOf(setting.home))).toBe(false);
  });

  test("only shows with --dry-run; refuses where nothing is staged; -a stages what git knows", async () => {
    await using setting = await repository([{ text: "One" }, { text: "Two" }]);
    const none = await commit(setting, "--yes");
    expect(none).toMatchObject({ code: 2, stderr: expect.stringMatching(/nothing is staged.*it add.*commit -a/) });
    git(setting, "add", "a.ts");
    expect(await commit(setting, "--dry-run")).toMatchObject({ code: 0, stdout: "  One\n" });
    expect(git(setting, "log", "--format=%s")).toBe("Begin\n");
    const nobody = await commit(setting, "-a");
    expect(nobody).toMatchObject({ code: 1, stdout: expect.stringContaining("nothing was committed") });
  });

  test("does not pass by the repository's pre-commit, and lets no model use a tool", async () => {
    await using setting = await repository([call("shell", { command: "touch used.txt" }), { text: "One" }]);
    git(setting, "add", "a.ts");
    const hook = join(setting.folder, ".git/hooks/pre-commit");
    mkdirSync(join(setting.folder, ".git/hooks"), { recursive: true });
    writeFileSync(hook, "#!/bin/sh\necho 'lint is red'; exit 1\n");
    chmodSync(hook, 0o755);
    const run = await commit(setting, "--yes");
    expect(run.code).toBe(1);
    // It is a program of the repository: a person has to say yes to it.
    expect(run.stdout).toMatch(/nobody is here to ask[\s\S]*the pre-commit hook could not run: nothing was committed/);
    expect(git(setting, "log", "--format=%s")).toBe("Begin\n");
    expect(git(setting, "status", "--porcelain")).not.toContain("used.txt");
  });

  test("outside a repository, and without changes: says so", async () => {
    await using setting = await journey({ script: [], files: { "a.ts": "" } });
    expect(await commit(setting, "--yes")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no git repository/),
    });
    git(setting, "init", "-q");
    git(setting, "add", "-A");
    git(setting, "commit", "-q", "-m", "Begin");
    expect(await commit(setting, "--yes")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/nothing to commit/),
    });
  });
});
