import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { openCopies } from "../../src/sandbox/copies.ts";
import { dropOldCopies, ownerMark } from "../../src/sandbox/copy-sweep.ts";
import { type TempFolder, tempFolder } from "../kit/temp.ts";

const DAY_MS = 24 * 3_600_000;

function place(temp: TempFolder) {
  const [workspace, stateDir] = [join(temp.path, "ws"), join(temp.path, "state")];
  mkdirSync(workspace);
  mkdirSync(stateDir);
  writeFileSync(join(workspace, "a.txt"), "one\n");
  return { workspace, stateDir, addDirs: [], session: "s1", folder: join(stateDir, "sandbox", "copies") };
}

test("copies of a process that was killed are removed by the next one, those of a living one stay", async () => {
  using temp = tempFolder();
  const { folder, ...where } = place(temp);
  const code = `import { openCopies } from ${JSON.stringify(resolve("src/sandbox/copies.ts"))};
    await openCopies(${JSON.stringify({ ...where, session: "killed" })}).make(new AbortController().signal);
    process.stdout.write("made"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  // However this ends, the process does.
  using _killed = { [Symbol.dispose]: () => void child.kill("SIGKILL") };
  await once(child.stdout, "data");
  await dropOldCopies(folder, Date.now());
  expect(readdirSync(join(folder, "killed"))).toHaveLength(1);
  child.kill("SIGKILL");
  await once(child, "exit");
  const living = openCopies(where);
  const copy = await living.make(new AbortController().signal);
  await dropOldCopies(folder, Date.now());
  expect(readdirSync(folder)).toEqual(["s1"]);
  expect(existsSync(join(copy.place.files, "a.txt"))).toBe(true);
  await living.close();
  await dropOldCopies(folder, Date.now());
  expect(readdirSync(folder)).toEqual([]);
});

test("a process of another container cannot be seen: its copies stay for a day", async () => {
  using temp = tempFolder();
  const path = join(temp.path, "s1", `${ownerMark().replace(/\d+$/, "1")}-c_1`);
  mkdirSync(path, { recursive: true });
  await dropOldCopies(temp.path, Date.now());
  expect(existsSync(path)).toBe(true);
  const old = new Date(Date.now() - DAY_MS - 60_000);
  utimesSync(path, old, old);
  await dropOldCopies(temp.path, Date.now());
  expect(existsSync(path)).toBe(false);
});

test("a copy that is cancelled while it is made leaves nothing", async () => {
  using temp = tempFolder();
  const { folder, ...where } = place(temp);
  const copies = openCopies(where);
  await expect(copies.make(AbortSignal.abort(new Error("enough")))).rejects.toThrow();
  const left = readdirSync(folder, { recursive: true }).map(String);
  expect(left.filter((name) => name.includes("copy_"))).toEqual([]);
  await copies.close();
});
