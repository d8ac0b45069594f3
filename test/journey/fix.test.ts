/** The main job on both wire formats: a failing test is found, mended and proved, byte for byte. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { call, journey, lastText, messagesOf, resultOf, streamLines, WIRES } from "../kit/journey.ts";
import type { Reply } from "../kit/model-server.ts";
import { PYTHON, PYTHON_FIX, TYPESCRIPT, TYPESCRIPT_FIX } from "../kit/repositories.ts";

const REPOSITORIES = [
  { name: "TypeScript", files: TYPESCRIPT, fix: TYPESCRIPT_FIX },
  { name: "Python", files: PYTHON, fix: PYTHON_FIX },
] as const;

function fixScript(fix: (typeof REPOSITORIES)[number]["fix"]): Reply[] {
  return [
    call("shell", { command: fix.test }, "Running the tests."),
    call("read", { path: fix.path }),
    call("edit", { path: fix.path, edits: [{ old: fix.old, new: fix.new }] }),
    call("shell", { command: fix.test }),
    { text: "Mended and tested." },
  ];
}

describe.concurrent.each(WIRES)("%s", (wire) => {
  test.each(REPOSITORIES)("$name: failing test, read, edit, passing test", async ({ files, fix }) => {
    await using setting = await journey({ wire, files, script: fixScript(fix) });
    const run = await setting.ask(["-o", "stream-json", "fix the failing test"]);
    expect(run.stderr).toBe("");
    expect(run.code).toBe(0);
    const before = (files as Record<string, string>)[fix.path] ?? "";
    expect(readFileSync(join(setting.folder, fix.path))).toEqual(Buffer.from(before.replace(fix.old, fix.new)));
    const result = resultOf(run);
    expect(result["verification"]).toMatchObject({
      status: "passed",
      text: `verified since the last edit: \`${fix.test}\` exit 0`,
      runs: [{ check: "test", command: fix.test, exit_code: 0 }],
    });
    const checks = streamLines(run.stdout).filter((line) => line["subtype"] === "check_run");
    expect(checks.map((line) => line["exit_code"])).toEqual([1, 0]);
  });

  test("what the model reads is what the machine did", async () => {
    await using setting = await journey({ wire, script: fixScript(TYPESCRIPT_FIX) });
    await setting.ask(["-p", "fix the failing test"]);
    const [first, afterTest, afterRead, afterEdit, last] = setting.server.chats;
    expect(lastText(first ?? { body: {} })).toContain("fix the failing test");
    expect(lastText(afterTest ?? { body: {} })).toMatch(/250 !== 750[\s\S]*exit code 1/);
    expect(lastText(afterRead ?? { body: {} })).toContain("sum + line.price, 0");
    expect(lastText(afterEdit ?? { body: {} })).toContain("1 edit, +1 -1");
    expect(lastText(last ?? { body: {} })).toMatch(/pass 2[\s\S]*fail 0/);
  });

  test("an edit without a later check is called not verified, and done all the same", async () => {
    const { path, old, new: next } = TYPESCRIPT_FIX;
    await using setting = await journey({
      wire,
      script: [call("read", { path }), call("edit", { path, edits: [{ old, new: next }] }), { text: "Should work." }],
    });
    const run = await setting.ask(["-p", "fix it"]);
    expect(run).toMatchObject({ code: 0, stdout: "Should work.\n\n[not verified since the last edit]\n" });
  });

  test("checks that fail after the last edit are exit 1", async () => {
    const { path, old, test: command } = TYPESCRIPT_FIX;
    await using setting = await journey({
      wire,
      script: [
        call("read", { path }),
        call("edit", { path, edits: [{ old, new: "sum - line.price, 0" }] }),
        call("shell", { command }),
        { text: "All tests pass." },
      ],
    });
    const run = await setting.ask(["-p", "fix it"]);
    expect(run.code).toBe(1);
    expect(run.stdout).toContain("[checks failed since the last edit: `node --test` exit 1]");
  });

  test("the head of every request is the same and the thread only grows", async () => {
    await using setting = await journey({ wire, script: fixScript(TYPESCRIPT_FIX) });
    await setting.ask(["-p", "fix it"]);
    const bodies = setting.server.chats.map((chat) => chat.body);
    const [first] = bodies;
    for (const [index, body] of bodies.entries()) {
      expect(body["tools"]).toEqual(first?.["tools"]);
      const earlier = bodies[index - 1];
      if (!earlier) continue;
      const head = JSON.stringify(messagesOf({ body: earlier })).slice(0, -1);
      expect(JSON.stringify(messagesOf({ body })).startsWith(head)).toBe(true);
    }
  });
});
