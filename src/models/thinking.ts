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
const STRAY_CLOSER = /(?:^|\n)[ \t]*<\/think(?:ing)?>[ \t]*\n/;

export interface ThinkingSplitter {
  push(piece: string): void;
  /** Closes an open tag; what was held back is delivered. */
  end(): void;
  /** What this answer taught about the model, if anything. */
  learned(): "opens-inside" | "does-not-open-inside" | undefined;
}

export interface ThinkingSink {
  text(piece: string): void;
  thinking(piece: string): void;
}

/** Tags count only where an answer starts (or right after another block): prose that mentions a tag stays prose. */
export function createThinkingSplitter(sink: ThinkingSink, startsInside: boolean): ThinkingSplitter {
  let closer = startsInside ? "</think>" : "";
  let atStart = true;
  let held = "";
  let seen = "";
  let closedOnce = false;
  let stray = false;

  const inside = () => {
    const at = held.indexOf(closer);
    if (at >= 0) {
      if (at > 0) sink.thinking(held.slice(0, at));
      held = held.slice(at + closer.length);
      closer = "";
      closedOnce = true;
      atStart = true;
      return true;
    }
    const keep = overlap(held, closer);
    const free = held.slice(0, held.length - keep);
    if (free !== "") {
      sink.thinking(free);
      if (startsInside && !closedOnce) seen += free;
    }
    held = held.slice(held.length - keep);
    return false;
  };

  const start = () => {
    const trimmed = held.trimStart();
    const opener = OPENERS.find((tag) => trimmed.startsWith(tag));
    if (opener) {
      closer = CLOSERS[opener] ?? "</think>";
      held = trimmed.slice(opener.length);
      return true;
    }
    if (trimmed === "" || OPENERS.some((tag) => tag.startsWith(trimmed))) return false;
    atStart = false;
    if (closedOnce) held = trimmed;
    return true;
  };

  return {
    push(piece) {
      if (!atStart && closer === "" && held === "") {
        if (!closedOnce && !stray) seen = watchStray(seen, piece);
        sink.text(piece);
        return;
      }
      held += piece;
      while (held !== "") {
        if (closer !== "") {
          if (!inside()) return;
        } else if (atStart) {
          if (!start()) return;
        } else {
          const rest = held;
          held = "";
          if (!closedOnce) seen = watchStray(seen, rest);
          sink.text(rest);
        }
      }
    },
    end() {
      const unclosed = startsInside && !closedOnce;
      if (closer !== "") {
        if (held !== "") sink.thinking(held);
        if (unclosed) sink.text(seen + held);
      } else if (held.trim() !== "") sink.text(held);
      held = "";
    },
    learned() {
      if (startsInside) return closedOnce ? undefined : "does-not-open-inside";
      return stray ? "opens-inside" : undefined;
    },
  };

  function watchStray(before: string, piece: string): string {
    if (!piece.includes(">") && !piece.includes("\n")) return (before + piece).slice(-32);
    const around = before + piece;
    if (STRAY_CLOSER.test(around)) stray = true;
    return around.slice(-32);
  }
}

/** Length of the longest end of `text` that is a beginning of `tag`. */
export function overlap(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
