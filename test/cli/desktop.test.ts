/** The programs around a terminal are the person's own, wherever crucible was started from. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { clipboardImage, desktopNotice, editText } from "../../src/cli/desktop.ts";
import { tempFolder } from "../kit/temp.ts";

function programs(folder: string, names: readonly string[], text: string): string {
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

const NAMES = ["ed1t", "notify-send", "osascript", "wl-paste", "xclip", "pngpaste"];

test("none of a workspace's that npm put first is started", async () => {
  using temp = tempFolder();
  const marks = join(temp.path, "marks");
  const theirs = programs(join(temp.path, "work/node_modules/.bin"), NAMES, `echo theirs >> ${marks}`);
  const own = programs(join(temp.path, "own"), NAMES, `echo own >> ${marks}; printf x`);
  const env = { EDITOR: "ed1t", PATH: `${theirs}:${own}:${process.env["PATH"] ?? ""}` };
  expect(editText("words", env)).toBe("words");
  clipboardImage(env);
  desktopNotice("a", "b", env);
  await vi.waitFor(() => expect(readFileSync(marks, "utf8")).toBe("own\nown\nown\n"));
});

test("a notice is one line of text: no markup, no control characters", async () => {
  using temp = tempFolder();
  const marks = join(temp.path, "marks");
  const own = programs(join(temp.path, "own"), NAMES, `printf '%s\\n' "$@" > ${marks}.new; mv ${marks}.new ${marks}`);
  const env = { PATH: `${own}:${process.env["PATH"] ?? ""}` };
  desktopNotice("crucible", `asks: <a href="http://evil.example">yes</a>\u001b]0;x\u0007\n${"x".repeat(900)}`, env);
  await vi.waitFor(() => expect(existsSync(marks)).toBe(true));
  const said = readFileSync(marks, "utf8");
  expect(said).toContain("asks:");
  expect(said).not.toMatch(/[<>\u001b\u0007]/);
  expect(said.length).toBeLessThan(500);
});
