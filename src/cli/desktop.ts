/** The programs around a terminal: the person's editor, notices, the clipboard, the pager, and this program's own commands. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CrucibleError } from "../base/error.ts";
import { userPath } from "../base/user-path.ts";
import type { ImagePart } from "../core/message.ts";
import { lineOf } from "./output.ts";

type Env = Readonly<Record<string, string>>;

/** Without the folders that npm (npx, npm run) put before the person's: what lies there is the workspace's. */
const ownEnv = (env: Env): Env => ({ ...env, PATH: userPath(env["PATH"]) });

/** Opens `text` in $VISUAL or $EDITOR and gives it back as it was left. The terminal must be free. Throws `usage`. */
export function editText(text: string, env: Env): string {
  const editor = env["VISUAL"] || env["EDITOR"] || "vi";
  const folder = mkdtempSync(join(tmpdir(), "crucible-prompt-"));
  const file = join(folder, "prompt.md");
  try {
    writeFileSync(file, text, { mode: 0o600 });
    // As git does it: the setting may hold arguments, so a shell splits it.
    const { status, error } = spawnSync("/bin/sh", ["-c", `${editor} "$1"`, "sh", file], {
      stdio: "inherit",
      env: ownEnv(env),
    });
    if (error || status !== 0)
      throw new CrucibleError("usage", `${editor} did not end well${status === null ? "" : ` (exit ${status})`}`, {
        hint: "set VISUAL or EDITOR to an editor of yours",
      });
    return readFileSync(file, "utf8").replace(/\n$/, "");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ways to read an image from the clipboard, the first that is there and has one. */
const CLIPBOARDS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  linux: [
    ["wl-paste", "--no-newline", "--type", "image/png"],
    ["xclip", "-selection", "clipboard", "-target", "image/png", "-out"],
  ],
  darwin: [["pngpaste", "-"]],
};

const MOST_IMAGE = 20 * 1024 * 1024;

/** The image in the clipboard, or undefined when it holds none. Throws `usage` when nothing here can tell. */
export function clipboardImage(env: Env): ImagePart | undefined {
  const ways = CLIPBOARDS[process.platform] ?? [];
  let found = false;
  for (const [program = "", ...words] of ways) {
    const { error, status, stdout } = spawnSync(program, words, {
      maxBuffer: MOST_IMAGE,
      stdio: ["ignore", "pipe", "ignore"],
      env: ownEnv(env),
    });
    if (error) continue;
    found = true;
    if (status === 0 && stdout.length > 0)
      return { type: "image", mediaType: "image/png", data: stdout.toString("base64") };
  }
  if (found) return undefined;
  throw new CrucibleError("usage", "nothing here can read the clipboard", {
    hint: process.platform === "darwin" ? "brew install pngpaste" : "apt-get install wl-clipboard xclip",
  });
}

/** Characters of a notice. */
const MOST_SAID = 200;

/** Shows a notice of the desktop; nothing happens where there is none. Many desktops take marks in it for markup. */
export function desktopNotice(title: string, said: string, env: Env): void {
  const text = lineOf(said).replaceAll(/[<>&]/g, " ").slice(0, MOST_SAID);
  const [program, ...words] =
    process.platform === "darwin"
      ? ["osascript", "-e", `display notification ${JSON.stringify(text)} with title ${JSON.stringify(title)}`]
      : ["notify-send", "--app-name=crucible", "--", title, text];
  const child = spawn(program ?? "", words, { stdio: "ignore", detached: true, env: ownEnv(env) });
  child.on("error", () => undefined);
  child.unref();
}

/** Runs a command of this very program and hands on every line of it as it comes; resolves with the exit code. */
export function ownProgram(
  words: readonly string[],
  options: {
    readonly cwd: string;
    readonly color: boolean;
    readonly columns: number;
    readonly env: Env;
    readonly signal: AbortSignal;
    readonly onLine: (line: string) => void;
  },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(process.execPath, [process.argv[1] ?? "", ...words], {
    cwd: options.cwd,
    signal: options.signal,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...options.env,
      COLUMNS: String(options.columns),
      ...(options.color ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" }),
    },
  });
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", options.onLine);
  child.on("error", reject);
  child.on("close", (code) => resolve(code ?? 1));
  return promise;
}
