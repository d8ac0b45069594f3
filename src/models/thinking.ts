/** Splits reasoning that a model writes between tags from its answer, piece by piece. */

const OPENERS = ["<think>", "<thinking>", "<thought>", "<reasoning>", "[THINK]"];
const CLOSERS: Readonly<Record<string, string>> = {
  "<think>": "</think>",
  "<thinking>": "</thinking>",
  "<thought>": "</thought>",
  "<reasoning>": "</reasoning>",
  "[THINK]": "[/THINK]",
};
/** A closing tag alone on its line, in an answer that opened none: the template had opened it. */
const STRAY_CLOSER = /^[ \t]*<\/think(?:ing)?>[ \t\r]*$/;
/** A longer line is no stray closer. */
const LINE_KEPT = 64;

export interface ThinkingSink {
  text(piece: string): void;
  thinking(piece: string): void;
}

/** Tags count only where an answer starts (or right after another block): prose that mentions a tag stays prose. */
export class ThinkingSplitter {
  readonly #sink: ThinkingSink;
  readonly #startsInside: boolean;
  /** The closing tag that is waited for; empty outside thinking. */
  #closer: string;
  #atStart = true;
  #held = "";
  /** All thinking while it may still prove to be text, or the line being written while a stray closer may come. */
  #seen = "";
  #closedOnce = false;
  #stray = false;

  /** `startsInside`: known of the model from an earlier answer. */
  constructor(sink: ThinkingSink, startsInside: boolean) {
    this.#sink = sink;
    this.#startsInside = startsInside;
    this.#closer = startsInside ? "</think>" : "";
  }

  push(piece: string): void {
    if (!this.#atStart && this.#closer === "") {
      this.#prose(piece);
      return;
    }
    this.#held += piece;
    while (this.#held !== "") {
      if (this.#closer !== "") {
        if (!this.#inside()) return;
      } else if (this.#atStart) {
        if (!this.#start()) return;
      } else {
        const rest = this.#held;
        this.#held = "";
        this.#prose(rest);
      }
    }
  }

  /** Closes an open tag; what was held back is delivered. */
  end(): void {
    const held = this.#held;
    this.#held = "";
    if (this.#closer === "") {
      if (held.trim() !== "") this.#sink.text(held);
      return;
    }
    if (held !== "") this.#sink.thinking(held);
    // A model known to start inside thinking did not close it: it answered directly this time.
    if (this.#startsInside && !this.#closedOnce) this.#sink.text(this.#seen + held);
  }

  /** What this answer taught about the model, if anything. */
  learned(): "opens-inside" | "does-not-open-inside" | undefined {
    if (this.#startsInside) return this.#closedOnce ? undefined : "does-not-open-inside";
    return this.#stray ? "opens-inside" : undefined;
  }

  #inside(): boolean {
    const at = this.#held.indexOf(this.#closer);
    if (at >= 0) {
      if (at > 0) this.#sink.thinking(this.#held.slice(0, at));
      this.#held = this.#held.slice(at + this.#closer.length);
      this.#closer = "";
      this.#closedOnce = true;
      this.#atStart = true;
      this.#seen = "";
      return true;
    }
    const free = this.#held.slice(0, this.#held.length - overlap(this.#held, this.#closer));
    if (free !== "") {
      this.#sink.thinking(free);
      if (this.#startsInside && !this.#closedOnce) this.#seen += free;
      this.#held = this.#held.slice(free.length);
    }
    return false;
  }

  /** At the start: an opening tag, still undecided (false), or the first text. */
  #start(): boolean {
    const trimmed = this.#held.trimStart();
    const opener = OPENERS.find((tag) => trimmed.startsWith(tag));
    if (opener) {
      this.#closer = CLOSERS[opener] ?? "</think>";
      this.#held = trimmed.slice(opener.length);
      return true;
    }
    if (trimmed === "" || OPENERS.some((tag) => tag.startsWith(trimmed))) return false;
    this.#atStart = false;
    if (this.#closedOnce) this.#held = trimmed;
    return true;
  }

  #prose(piece: string): void {
    if (!this.#closedOnce && !this.#stray) this.#watchLines(piece);
    this.#sink.text(piece);
  }

  #watchLines(piece: string): void {
    if (!piece.includes("\n")) {
      if (this.#seen.length <= LINE_KEPT) this.#seen = (this.#seen + piece).slice(0, LINE_KEPT + 1);
      return;
    }
    const lines = (this.#seen + piece).split("\n");
    this.#seen = (lines.pop() ?? "").slice(0, LINE_KEPT + 1);
    this.#stray = lines.some((line) => line.length <= LINE_KEPT && STRAY_CLOSER.test(line));
  }
}

/** Length of the longest end of `text` that is a beginning of `tag`. */
export function overlap(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
