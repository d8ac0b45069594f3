/** The screen of the interactive mode: settled lines are written once and scroll away, only the live part below is drawn again. */
import { type Terminal, TuiMainScreen, visibleWidth } from "@earendil-works/pi-tui";

/**
 * Nothing above the live part is ever touched, so the terminal's own scrollback stays whole, also after a resize.
 * Every frame is one write between the marks of synchronized output.
 */
export class InlineScreen extends TuiMainScreen {
  /** Lines that wait to be written above the live part. */
  #waiting: string[] = [];
  #shown: readonly string[] = [];
  #width = 0;
  #height = 0;
  /** Row of the terminal's cursor, counted from the first live line. */
  #row = 0;
  #column = 0;

  constructor(terminal: Terminal) {
    super(terminal);
  }

  /** Writes `lines` above the live part, for good. */
  settle(lines: readonly string[]): void {
    if (lines.length === 0) return;
    for (const line of lines) this.#waiting.push(line);
    this.requestRender();
  }

  /** An empty screen: what stood above the live part scrolls into the scrollback, each line once. */
  redraw(): void {
    this.clearLive();
    // From row r this scrolls exactly the r rows above; erasing the screen would make some terminals keep the live part too.
    this.terminal.write(`${"\n".repeat(this.terminal.rows - 1)}\u001b[H`);
    this.requestRender();
  }

  /** Takes the live part away; what is settled stays. Called before the terminal goes to somebody else. */
  clearLive(): void {
    this.#write([], []);
    this.#forget();
  }

  protected override resetRenderState(): void {
    this.#forget();
  }

  protected override beforeTerminalStop(): void {
    this.clearLive();
  }

  protected override doRender(): void {
    if (this.stopped) return;
    const { columns, rows } = this.terminal;
    const live = this.render(columns).slice(-Math.max(1, rows - 1));
    const cursor = this.extractCursorPosition(live, rows);
    const lines = this.applyLineResets(live);
    const waiting = this.#waiting;
    this.#waiting = [];
    // A lower terminal has dropped what stood below its cursor; a narrower one has broken lines.
    const same = this.#width === columns && this.#height === rows;
    if (waiting.length === 0 && same) this.#update(lines);
    else this.#write(waiting, lines);
    this.#width = columns;
    this.#height = rows;
    this.#place(cursor);
  }

  #forget(): void {
    this.#shown = [];
    this.#row = 0;
    this.#column = 0;
  }

  /** Rows between the first live line and the cursor: a terminal that became narrower has broken long lines. */
  #rowsAbove(): number {
    const { columns } = this.terminal;
    if (columns >= this.#width) return this.#row;
    const broken = (width: number) => Math.max(1, Math.ceil(width / columns));
    const above = this.#shown.slice(0, this.#row).reduce((sum, line) => sum + broken(visibleWidth(line)), 0);
    return above + Math.floor(this.#column / columns);
  }

  #write(settled: readonly string[], live: readonly string[]): void {
    const up = this.#rowsAbove();
    const frame = ["\u001b[?2026h", up > 0 ? `\u001b[${up}A` : "", "\r\u001b[J"];
    for (const line of settled) frame.push(line, "\u001b[0m\r\n");
    frame.push(live.join("\r\n"), "\u001b[?2026l");
    this.terminal.write(frame.join(""));
    this.#shown = live;
    this.#row = Math.max(0, live.length - 1);
    this.#column = visibleWidth(live.at(-1) ?? "");
  }

  /** Only the lines from the first that changed. */
  #update(live: readonly string[]): void {
    const shown = this.#shown;
    let first = 0;
    while (first < live.length && first < shown.length && live[first] === shown[first]) first++;
    if (first === live.length && first === shown.length) return;
    const start = Math.min(first, Math.max(0, shown.length - 1));
    const move = this.#row - start;
    const frame = ["\u001b[?2026h", move > 0 ? `\u001b[${move}A` : move < 0 ? `\u001b[${-move}B` : "", "\r"];
    const rest = live.slice(start).map((line) => `\u001b[2K${line}`);
    frame.push(rest.join("\r\n"), "\u001b[J", "\u001b[?2026l");
    this.terminal.write(frame.join(""));
    this.#shown = live;
    this.#row = Math.max(start, live.length - 1);
    this.#column = visibleWidth(live.at(-1) ?? "");
  }

  /** Puts the (hidden) cursor where input methods look for it. */
  #place(cursor: { readonly row: number; readonly col: number } | null): void {
    if (!cursor) return;
    const move = this.#row - cursor.row;
    const vertical = move > 0 ? `\u001b[${move}A` : move < 0 ? `\u001b[${-move}B` : "";
    if (vertical === "" && cursor.col === this.#column) return;
    this.terminal.write(`${vertical}\r${cursor.col > 0 ? `\u001b[${cursor.col}C` : ""}`);
    this.#row = cursor.row;
    this.#column = cursor.col;
  }
}
