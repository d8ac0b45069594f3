/** Standard output and error as two plain writers that know about colour, width and closed pipes. */
import { stripVTControlCharacters } from "node:util";
import { withoutHidden } from "../base/invisible.ts";

export interface Style {
  dim(text: string): string;
  bold(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

export interface Output {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly style: Style;
  out(text: string): void;
  err(text: string): void;
  /** Waits until everything written has left this process. */
  drained(): Promise<void>;
}

const CODES = {
  dim: [2, 22],
  bold: [1, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** Colour by `NO_COLOR`, `FORCE_COLOR`, `TERM=dumb`, `CI` and the setting. */
export function wantsColor(setting: string, isTTY: boolean, env: Readonly<Record<string, string>>): boolean {
  if (setting !== "auto") return setting === "always";
  if (env["NO_COLOR"]) return false;
  if (env["FORCE_COLOR"] && env["FORCE_COLOR"] !== "0") return true;
  return isTTY && env["TERM"] !== "dumb" && !env["CI"];
}

function styleOf(color: boolean): Style {
  const paint = (name: keyof typeof CODES) => (text: string) =>
    color && text !== "" ? `\u001b[${CODES[name][0]}m${text}\u001b[${CODES[name][1]}m` : text;
  return {
    dim: paint("dim"),
    bold: paint("bold"),
    red: paint("red"),
    green: paint("green"),
    yellow: paint("yellow"),
    cyan: paint("cyan"),
  };
}

/** A reader that went away is not an error. */
export function allowClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listenerCount("error") === 0)
      stream.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "EPIPE") throw error;
      });
  }
}

/** The process's own streams. */
export function processOutput(setting: string, env: Readonly<Record<string, string>>): Output {
  const { stdout, stderr } = process;
  allowClosedPipes();
  const drain = (stream: NodeJS.WriteStream) =>
    stream.writableLength === 0 ? Promise.resolve() : new Promise<void>((resolve) => stream.write("", () => resolve()));
  return {
    isTTY: Boolean(stdout.isTTY),
    columns: stdout.columns ?? 80,
    style: styleOf(wantsColor(setting, Boolean(stdout.isTTY), env)),
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    drained: async () => void (await Promise.all([drain(stdout), drain(stderr)])),
  };
}

/** Text from models and tools without anything that could steer a terminal: only printable characters, line feed and tab. */
export function harmless(text: string): string {
  // Whole sequences first: what a terminal would not show is not left behind as text.
  return withoutHidden(stripVTControlCharacters(text));
}

/** One line of the screen: nothing in it can look like the next one. */
export const lineOf = (text: string) => harmless(text).replaceAll("\n", "\\n");
