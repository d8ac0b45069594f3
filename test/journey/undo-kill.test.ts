/** kill -9 in the middle of looking at the workspace, of a command and of a restore: nothing is lost, the next start ends it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { call, type Journey, journey, messagesOf } from "../kit/journey.ts";
import { treeOf } from "../kit/undo.ts";

const FILES = 300;
const LONG = Boolean(process.env["CRUCIBLE_TEST_LONG"]);
const name = (n: number) => `dir-${n % 7}/f-${String(n).padStart(3, "0")}`;
const MESS = `import fs from "node:fs";
for (const dir of fs.readdirSync(".").filter((name) => name.startsWith("dir-")))
  for (const file of fs.readdirSync(dir)) fs.writeFileSync(dir + "/" + file, file + " changed");
fs.rmSync("dir-3", { recursive: true });
fs.mkdirSync("new/empty", { recursive: true });
fs.symlinkSync("new", "link");
`;

function setting(): Promise<Journey> {
  const files: Record<string, string> = Object.fromEntries(
    Array.from({ length: FILES }, (_, n) => [name(n), `old ${n}`]),
  );
  files["mess.mjs"] = MESS;
  return journey({
    files,
    script: (request) => {
      const messages = messagesOf(request);
      const since = messages.slice(messages.findLastIndex((message) => message["role"] === "user"));
      const done = since.filter((message) => message["role"] === "assistant").length;
      return (
        [call("shell", { command: "node mess.mjs" }), call("write", { path: "note", content: "n" })][done] ?? {
          text: "done",
        }
      );
    },
  });
}

const changed = (own: Journey, n: number) => {
  try {
    return readFileSync(join(own.folder, name(n)), "utf8").endsWith("changed");
  } catch {
    return true;
  }
};

/** Kills the process once `due` holds, looking as often as it can. */
function killWhen(due: () => boolean) {
  return (child: { kill(signal: NodeJS.Signals): void }) => {
    const watch = setInterval(() => {
      if (!due()) return;
      clearInterval(watch);
      child.kill("SIGKILL");
    }, 1);
    watch.unref();
  };
}

const env = { NODE_V8_COVERAGE: "" };

describe("a restore that is killed", () => {
  // Of the 258 files that come back in order of their paths.
  const points = LONG ? [0, 1, 7, 20, 50, 90, 130, 170, 210, 250] : [0, 60, 200];
  test.each(points)("after file %i is ended by the next start", { timeout: 60_000 }, async (point) => {
    await using own = await setting();
    mkdirSync(join(own.folder, "hollow"));
    const before = treeOf(own.folder);
    await own.ask(["-p", "go"]);
    const order = Array.from({ length: FILES }, (_, n) => n).sort((a, b) => (name(a) < name(b) ? -1 : 1));
    const probe = order[point] ?? 0;
    const killed = await own.run(["undo"], { env, running: killWhen(() => !changed(own, probe)) });
    expect(killed.signal).toBe("SIGKILL");
    expect(treeOf(own.folder)).not.toEqual(before);
    writeFileSync(join(own.folder, "mine"), "mine");
    const next = point % 2 === 0 ? await own.run(["undo", "--list"]) : await own.ask(["-p", "-c", "go"]);
    expect(next.stderr).toMatch(/finished an undo that was cut off: \d+ files/);
    if (point % 2 === 1) expect((await own.run(["undo"])).code).toBe(0);
    else expect(next.stdout).toContain("(undone) go");
    expect(treeOf(own.folder)).toEqual({ ...before, mine: expect.stringContaining("mine") });
    expect((await own.run(["undo", "--list"])).stderr).toBe("");
    expect((await own.run(["audit", "verify"])).code).toBe(0);
  });
});

describe("a turn that is killed", () => {
  const points = LONG ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] : [0, 3, 6, 9];
  test.each(points)("at point %i can be taken back", { timeout: 60_000 }, async (point) => {
    await using own = await setting();
    const before = treeOf(own.folder);
    const delay = [0, 3, 6, 10, 15, 22, 30, 40][(point * 5) % 8] ?? 0;
    const file = [0, 100, 299][point % 3] ?? 0;
    let due = 0;
    const requested = () => own.server.chats.length > (point % 4 === 3 ? 1 : 0);
    const running = killWhen(() => {
      if (due === 0 && (point % 2 === 0 ? requested() : changed(own, file))) due = performance.now() + delay;
      return due > 0 && performance.now() >= due;
    });
    const killed = await own.ask(["-p", "go"], { env, running });
    expect([null, 0]).toContain(killed.code);
    writeFileSync(join(own.folder, "mine"), "mine");
    const undone = await own.run(["undo", "-o", "json"]);
    // Killed before anything was on record, there is nothing to take back.
    if (undone.code !== 0) expect([1, 2, 42], undone.stdout + undone.stderr).toContain(undone.code);
    expect(own.read("mine")).toBe("mine");
    rmSync(join(own.folder, "mine"));
    // What the command did after its last sign of life is taken back on wish.
    if (undone.code === 1) expect((await own.run(["undo", "--doubtful"])).code).toBe(0);
    expect(treeOf(own.folder), undone.stdout.slice(0, 2000)).toEqual(before);
  });
});
