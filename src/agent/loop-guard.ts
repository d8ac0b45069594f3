/** Notices a voice that goes in circles: same call with same result, A-B-A-B, repeated text, empty turns. */
import { canonicalJson } from "../base/canonical-json.ts";
import { sha256 } from "../base/hash.ts";

export type Pattern = "same-call" | "alternating" | "repeated-text" | "empty-turn";

export interface LoopGuard {
  /** Tells of one finished call; returns the pattern it completes, if any. */
  call(tool: string, input: unknown, result: string): Pattern | undefined;
  /** Tells of one answer; `acted` when it called tools. */
  answer(text: string, acted: boolean): Pattern | undefined;
}

/** How often the same call with the same result may stand in a row, and the same pair may alternate. */
const SAME = 3;
const PAIRS = 3;

export function createLoopGuard(): LoopGuard {
  let calls: string[] = [];
  let texts: string[] = [];
  let empty = 0;
  return {
    call(tool, input, result) {
      calls.push(sha256(`${tool}\n${canonicalJson(input)}\n${result}`));
      const pattern = circling(calls);
      if (pattern) calls = [];
      return pattern;
    },
    answer(text, acted) {
      const plain = text.trim();
      empty = plain === "" && !acted ? empty + 1 : 0;
      if (empty > 0) return "empty-turn";
      if (hasRepeatedTail(plain)) return "repeated-text";
      if (plain.length < 40) return undefined;
      texts.push(plain);
      const repeated = texts.length >= SAME && new Set(texts.slice(-SAME)).size === 1;
      if (repeated) texts = [];
      return repeated ? "repeated-text" : undefined;
    },
  };
}

function circling(calls: readonly string[]): Pattern | undefined {
  if (calls.length >= SAME && new Set(calls.slice(-SAME)).size === 1) return "same-call";
  const tail = calls.slice(-2 * PAIRS);
  const [a, b] = tail;
  if (tail.length === 2 * PAIRS && a !== b && tail.every((entry, index) => entry === (index % 2 === 0 ? a : b)))
    return "alternating";
  return undefined;
}

/** The end of a long text is one chunk of 20 characters or more, five times in a row; a ruled line is none. */
function hasRepeatedTail(text: string): boolean {
  for (let size = 20; size <= 200 && size * 5 <= text.length; size++) {
    const chunk = text.slice(-size);
    if (text.endsWith(chunk.repeat(5)) && new Set(chunk).size > 4) return true;
  }
  return false;
}

/** What the voice is told when it circles, and the next time once more, more plainly. */
export function instructionFor(pattern: Pattern): string {
  const what: Record<Pattern, string> = {
    "same-call": "You made the same call several times and it gave the same result.",
    alternating: "You are alternating between two calls without getting further.",
    "repeated-text": "You are repeating the same text.",
    "empty-turn": "Your last turn had neither an answer nor a tool call.",
  };
  return `${what[pattern]} Do something different now: look at another place, change the approach, or finish by saying what stops you.`;
}
