/** A terminal in memory: what pi-tui writes goes through a real emulator, scrollback included. */
import type { Terminal as PiTerminal } from "@earendil-works/pi-tui";
import xterm from "@xterm/headless";

export interface VirtualTerminal extends PiTerminal {
  /** Everything that was written, write by write. */
  readonly writes: readonly string[];
  /** Keys, as they arrive from a terminal. */
  press(data: string): void;
  resize(columns: number, rows: number): void;
  /** Every line from the top of the scrollback on, without the empty end. */
  lines(): Promise<string[]>;
  /** The rows that are seen now. */
  screen(): Promise<string[]>;
}

export function virtualTerminal(columns = 80, rows = 24, scrollback = 5_000): VirtualTerminal {
  const screen = new xterm.Terminal({ cols: columns, rows, scrollback, allowProposedApi: true });
  const writes: string[] = [];
  let input: (data: string) => void = () => undefined;
  let resized: () => void = () => undefined;
  const write = (data: string) => {
    writes.push(data);
    screen.write(data);
  };
  const row = (at: number) => screen.buffer.active.getLine(at)?.translateToString(true) ?? "";
  return {
    writes,
    start(onInput, onResize) {
      input = onInput;
      resized = onResize;
    },
    stop: () => undefined,
    drainInput: async () => undefined,
    write,
    get columns() {
      return screen.cols;
    },
    get rows() {
      return screen.rows;
    },
    kittyProtocolActive: false,
    moveBy: (count) => write(count > 0 ? `\u001b[${count}B` : count < 0 ? `\u001b[${-count}A` : ""),
    hideCursor: () => write("\u001b[?25l"),
    showCursor: () => write("\u001b[?25h"),
    clearLine: () => write("\u001b[2K"),
    clearFromCursor: () => write("\u001b[J"),
    clearScreen: () => write("\u001b[2J\u001b[H"),
    setTitle: () => undefined,
    setProgress: () => undefined,
    press: (data) => input(data),
    resize(width, height) {
      screen.resize(width, height);
      resized();
    },
    async lines() {
      await new Promise<void>((resolve) => screen.write("", resolve));
      const all = Array.from({ length: screen.buffer.active.length }, (_, at) => row(at));
      while (all.at(-1) === "") all.pop();
      return all;
    },
    async screen() {
      await new Promise<void>((resolve) => screen.write("", resolve));
      return Array.from({ length: screen.rows }, (_, at) => row(screen.buffer.active.baseY + at));
    },
  };
}
