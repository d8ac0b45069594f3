/** The binary at a real terminal, in tmux. */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { READING_MS } from "../../src/cli/terminal.ts";
import { BIN, binaryEnv } from "./binary.ts";
import type { Journey } from "./journey.ts";

/** No tmux here: what needs a terminal is skipped. */
export const missing = spawnSync("tmux", ["-V"]).status !== 0;
if (missing && process.env["CI"] === "true") throw new Error("tmux is missing: apt-get install tmux");

export interface Terminal extends Disposable {
  /** Presses keys by their names, or types words. */
  send(...keys: string[]): void;
  /** Types text as it stands. */
  type(text: string): void;
  /** Presses keys when the question on the screen could have been read: sooner they would allow nothing. */
  answer(...keys: string[]): Promise<void>;
  resize(columns: number, rows: number): void;
  /** The screen and what scrolled out of it, now. */
  screen(): Promise<string>;
  /** Process id of what runs in the window. */
  pid(): number;
  /** Waits until the screen shows `pattern` and returns it. */
  shows(pattern: RegExp): Promise<string>;
}

/** The binary in a tmux window of its own; when it ends the pane shows `exit=<code>`. */
export function terminal(
  setting: Journey,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { columns = 80, rows = 24 }: { readonly columns?: number; readonly rows?: number } = {},
): Terminal {
  const socket = `${setting.home}/tmux`;
  const tmux = (...args: string[]) => execFileSync("tmux", ["-S", socket, ...args], { encoding: "utf8" });
  const quoted = [process.execPath, BIN, ...setting.model, ...words]
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
    .join(" ");
  const path = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
  execFileSync(
    "tmux",
    [
      "-S",
      socket,
      "-f",
      "/dev/null",
      "new-session",
      "-d",
      "-x",
      String(columns),
      "-y",
      String(rows),
      "-c",
      setting.folder,
      `trap : INT; ${quoted}; echo exit=$?; exec sleep 60`,
    ],
    {
      env: {
        ...binaryEnv({ home: setting.home, env: { PATH: path, ...env } }),
        TERM: "xterm-256color",
        SHELL: "/bin/sh",
      },
    },
  );
  // A capture can meet tmux busy; the next one tells.
  const screen = async () => {
    const capture = promisify(execFile)("tmux", ["-S", socket, "capture-pane", "-p", "-S", "-"]);
    return capture.then(
      ({ stdout }) => stdout,
      () => "",
    );
  };
  return {
    send: (...keys) => void tmux("send-keys", ...keys),
    type: (text) => void tmux("send-keys", "-l", text),
    async answer(...keys) {
      await new Promise((resolve) => setTimeout(resolve, READING_MS + 100));
      tmux("send-keys", ...keys);
    },
    resize: (width, height) => void tmux("resize-window", "-x", String(width), "-y", String(height)),
    screen,
    pid: () => Number(tmux("display-message", "-p", "#{pane_pid}")),
    async shows(pattern) {
      const end = performance.now() + 45_000;
      for (;;) {
        const now = await screen();
        if (pattern.test(now)) return now;
        if (performance.now() > end) throw new Error(`the screen never showed ${pattern}:\n${now}`);
        await new Promise((resolve) => setTimeout(resolve, 120));
      }
    },
    [Symbol.dispose]: () => void spawnSync("tmux", ["-S", socket, "kill-server"]),
  };
}
