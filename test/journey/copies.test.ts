/** A live session lends throw-away copies: what is done in one is on record, what is accepted goes through the session's gate. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { binaryEnv } from "../kit/binary.ts";
import { journey } from "../kit/journey.ts";
import { TYPESCRIPT, TYPESCRIPT_FIX } from "../kit/repositories.ts";
import { lacking } from "../sandbox/machine.ts";

const root = resolve(import.meta.dirname, "../..");

/** Fixes the repository in one of two copies, has its own suite say so, and accepts that one. */
const PROGRAM = `
import { createApp } from ${JSON.stringify(join(root, "src/app.ts"))};
const [workspace, baseUrl] = process.argv.slice(1);
const app = await createApp({ version: "0", workspace, flags: new Map(), bare: false });
const nobody = { present: false, approve: async () => "no", ask: async () => undefined };
const live = await app.open({
  model: { model: "scripted:latest", localProvider: "ollama", baseUrl }, human: nobody, mode: "default",
  sandbox: "workspace-write", sandboxRequired: false, addDirs: [], allowedTools: [], disallowedTools: [],
  appendSystemPrompt: "", bare: false, offline: true, cache: false, fork: false, persist: true, title: "t",
  onEvent: () => undefined,
});
const { signal } = new AbortController();
const port = await live.copies();
const check = port.checks().find(({ kind }) => kind === "test");
const edit = ${JSON.stringify({ path: TYPESCRIPT_FIX.path, find: TYPESCRIPT_FIX.old, replace: TYPESCRIPT_FIX.new })};
const [good, base] = await Promise.all([port.copy(signal), port.copy(signal)]);
const edited = await good.edit([edit], signal);
const run = (copy) => copy.run(check.command, { timeoutMs: 60000 }, signal);
const [passed, failed] = await Promise.all([run(good), run(base)]);
const accepted = await port.accept(good, signal);
const report = { edited, passed: passed.outcome, failed: failed.outcome, diff: await good.diff(), accepted };
await live.close();
process.stdout.write(JSON.stringify(report));
`;

test.skipIf(lacking())("a session's copies", async () => {
  await using setting = await journey({ script: () => ({ text: "unused" }), files: TYPESCRIPT });
  const env = binaryEnv({
    home: setting.home,
    env: { PATH: `${join(process.execPath, "..")}:${process.env["PATH"]}` },
  });
  const words = ["--input-type=module", "-e", PROGRAM, setting.folder, setting.server.url];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: setting.folder, env });
  const report = JSON.parse(stdout) as Record<string, unknown>;
  expect(report).toMatchObject({ edited: {}, passed: "pass", failed: "fail", accepted: [TYPESCRIPT_FIX.path] });
  expect(report["diff"]).toContain(`+++ b/${TYPESCRIPT_FIX.path}`);
  const before = TYPESCRIPT[TYPESCRIPT_FIX.path] ?? "";
  expect(setting.read(TYPESCRIPT_FIX.path)).toBe(before.replace(TYPESCRIPT_FIX.old, TYPESCRIPT_FIX.new));
  const events = setting.journal();
  expect(events.filter(({ kind }) => kind === "file-changed")).toHaveLength(1);
  const ends = events.filter(({ kind }) => kind === "tool-end");
  expect(ends.map((event) => [event.voice, event.kind === "tool-end" && event.details?.["copy"] === true])).toEqual([
    ["council", true],
    ["council", true],
    ["council", true],
    ["council", true],
    ["council", false],
    ["council", false],
  ]);
  const decisions = setting.audit().filter(({ action }) => action === "tool-decision");
  expect(decisions).toHaveLength(ends.length);
  const copies = readdirSync(setting.home, { recursive: true })
    .map(String)
    .filter((name) => /copy_/.test(name));
  expect(copies).toEqual([]);
  expect(existsSync(join(setting.folder, "node_modules"))).toBe(false);
  expect(readFileSync(join(setting.folder, "package.json"), "utf8")).toBe(TYPESCRIPT["package.json"]);
});
