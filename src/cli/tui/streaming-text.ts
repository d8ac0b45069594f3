/** Text of a model while it arrives: whole blocks of Markdown settle at once, the last one is drawn until it is whole. */
import { stripVTControlCharacters } from "node:util";
import { type Component, Markdown } from "@earendil-works/pi-tui";
import { harmless } from "../output.ts";
import type { Theme } from "./theme.ts";

/** Characters of lines that are drawn again. */
const FEW_CHARACTERS = 640;

export interface StreamingText extends Component {
  push(text: string): void;
  /** The rest settles. */
  end(): void;
  /** Text has come since the last end. */
  readonly writing: boolean;
}

export interface StreamingPlace {
  readonly theme: Theme;
  readonly columns: () => number;
  /** Lines that the unfinished block may take. */
  readonly most: () => number;
  readonly settle: (lines: readonly string[]) => void;
}

export function createStreamingText(place: StreamingPlace): StreamingText {
  let rest = "";
  /** How much of the unfinished block stands above already, in characters: lines are other ones after a resize. */
  let gone = 0;
  let writing = false;
  let markdown: Markdown | undefined;
  const drawn = (text: string, width: number): string[] => {
    markdown ??= new Markdown("", 0, 0, place.theme.markdown, undefined, { preserveOrderedListMarkers: true });
    markdown.setText(text);
    return markdown.render(width).map(trimmed);
  };
  const left = (text: string, width: number): string[] => {
    const lines = drawn(text, width);
    let passed = 0;
    let at = 0;
    while (at < lines.length && passed < gone) {
      passed += ink(lines[at] ?? "");
      if (passed <= gone) at++;
    }
    return lines.slice(at);
  };
  const settleBlock = (text: string) => {
    const lines = left(text, place.columns());
    place.settle([...lines, ...(lines.length > 0 || gone > 0 ? [""] : [])]);
    gone = 0;
  };
  return {
    get writing() {
      return writing;
    },
    push(text) {
      writing = true;
      rest += harmless(text);
      for (let at = blockEnd(rest); at > 0; at = blockEnd(rest)) {
        settleBlock(rest.slice(0, at).trim());
        rest = rest.slice(at).replace(/^\n+/, "");
      }
      const lines = left(rest, place.columns());
      // A table waits for the widths of its columns. Of all else only what may still change is drawn again: a terminal
      // that becomes smaller moves what it has no room for into its scrollback, where nobody can take it away.
      const most = /^ {0,3}\|/m.test(rest) ? place.most() : Math.min(place.most(), few(place.columns()));
      const over = lines.length - most;
      if (over <= 0) return;
      // The last lines may still change: they wait.
      place.settle(lines.slice(0, over));
      gone += inkOf(lines.slice(0, over));
    },
    end() {
      if (rest.trim() !== "") settleBlock(rest.trim());
      rest = "";
      gone = 0;
      writing = false;
    },
    invalidate: () => markdown?.invalidate(),
    render: (width) => (rest.trim() === "" ? [] : left(rest, width)),
  };
}

/** Lines that still fit a terminal of half the size. */
const few = (columns: number) => Math.max(2, Math.floor(FEW_CHARACTERS / columns));

/** Characters that are seen. */
const ink = (line: string) => stripVTControlCharacters(line).replaceAll(/\s/g, "").length;
const inkOf = (lines: readonly string[]) => lines.reduce((sum, line) => sum + ink(line), 0);

/** Where the first block ends: after a blank line that stands outside a fence. 0: it is not whole yet. */
function blockEnd(text: string): number {
  let fence = "";
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf("\n", at);
    if (end < 0) return 0;
    const line = text.slice(at, end);
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? "";
    if (fence === "" && mark !== "") fence = mark;
    else if (fence !== "" && mark.startsWith(fence)) fence = "";
    else if (fence === "" && line.trim() === "" && at > 0) return at;
    at = end + 1;
  }
  return 0;
}

/** Without the spaces that fill a line up: they would be copied with it. */
export function trimmed(line: string): string {
  return line.replace(/[ ]+((?:\u001b\[[\d;]*m)*)$/, "$1");
}
