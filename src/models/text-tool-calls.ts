/** Finds tool calls that a model prints into its text, and holds back only what may still become one. */
import { parseTextCalls } from "./text-call-forms.ts";
import { overlap } from "./thinking.ts";
import type { RawCall } from "./wire.ts";

/** How a printed call starts and ends; without `close` it reaches to the end of the answer. */
const FORMS: readonly { readonly open: string; readonly close?: string }[] = [
  { open: "<tool_call>", close: "</tool_call>" },
  { open: "<|tool_call|>", close: "<|/tool_call|>" },
  { open: "<function_call>", close: "</function_call>" },
  { open: "<function=", close: "</function>" },
  { open: "[TOOL_CALLS]" },
  { open: "<|python_tag|>" },
];

const FENCE = /^```[ \t]{0,8}[\w-]{0,20}[ \t]{0,8}(\r?\n)/;
/** Ticks and an info word that may still become the first line of a fence. */
const HALF_FENCE = /^(`+|```[ \t]{0,8}[\w-]{0,20}[ \t]{0,8}\r?)$/;
/** The first characters (at most `HEAD_LENGTH`) of JSON that can be a call; other text is released. */
const CALL_HEAD = /^\s*\[?\s*\{\s*["']?(name|tool|tool_name|function|type|arguments|parameters)["']?\s*:/;
const HALF_CALL_HEAD = /^[[{][\s{\w"':[]*$/;
const HEAD_LENGTH = 60;
/** Where a mark can start. */
const MARK = /[<[`]/;

/** Judged by a fixed number of characters, so that it does not matter how the text was cut. */
function isCallHead(text: string): boolean {
  return CALL_HEAD.test(text.slice(0, HEAD_LENGTH));
}

/** An open block: its text so far is kept as a rope, only the tail is searched for the end mark. */
interface Block {
  readonly close: string | undefined;
  text: string;
  tail: string;
}

/** Text inside code fences that hold no call is never searched. */
export class TextCallScanner {
  readonly calls: RawCall[] = [];
  readonly #names: ReadonlySet<string>;
  readonly #emit: (text: string) => void;
  #held = "";
  #atStart = true;
  #inCode = false;
  #block: Block | undefined;

  /** `names`: the known tools; JSON counts only with one of them. `emit` receives the visible text. */
  constructor(names: ReadonlySet<string>, emit: (text: string) => void) {
    this.#names = names;
    this.#emit = emit;
  }

  push(piece: string): void {
    if (this.#block) {
      this.#fill(piece);
      if (!this.#block) this.#drain(false);
    } else if (this.#held === "" && !this.#atStart && !this.#inCode && !MARK.test(piece)) {
      this.#emit(piece);
    } else {
      this.#held += piece;
      this.#drain(false);
    }
  }

  /** Closes what is open: a call without its end mark still counts, a mere beginning is text. */
  end(): void {
    while (this.#held !== "" || this.#block) {
      if (this.#block) {
        const { text } = this.#block;
        this.#block = undefined;
        this.#take(text);
      }
      this.#drain(true);
      if (this.#inCode) {
        this.#show(this.#held.length);
      }
    }
  }

  #drain(final: boolean): void {
    while (this.#held !== "" && !this.#block) {
      if (this.#inCode) {
        if (!this.#code()) return;
        continue;
      }
      const at = this.#held.search(this.#atStart ? /\S/ : MARK);
      if (at < 0) {
        if (!this.#atStart || final) this.#show(this.#held.length);
        return;
      }
      this.#show(at);
      if (!this.#head(final)) return;
    }
  }

  /** Handles what stands at the head of the held text. False: wait for more. */
  #head(final: boolean): boolean {
    for (const form of FORMS) {
      if (this.#held.startsWith(form.open)) return this.#open(form.close, form.open.length);
      if (!final && form.open.startsWith(this.#held)) return false;
    }
    if (this.#held.startsWith("`")) return this.#fence(final);
    if (this.#atStart && /^[{[]/.test(this.#held)) {
      if (isCallHead(this.#held)) return this.#open(undefined, 0);
      if (!final && this.#held.length < HEAD_LENGTH && HALF_CALL_HEAD.test(this.#held)) return false;
    }
    return this.#show(1);
  }

  #fence(final: boolean): boolean {
    const mark = FENCE.exec(this.#held);
    if (!mark) {
      if (!final && HALF_FENCE.test(this.#held)) return false;
      const ticks = /^`+/.exec(this.#held)?.[0].length ?? 1;
      this.#inCode = ticks >= 3;
      return this.#show(ticks);
    }
    const inner = this.#held.slice(mark[0].length);
    const start = inner.trimStart();
    const markup = FORMS.some((form) => start.startsWith(form.open));
    const halfMarkup = FORMS.some((form) => form.open.startsWith(start));
    const halfJson = start.length < HEAD_LENGTH && (start === "" || HALF_CALL_HEAD.test(start));
    const json = isCallHead(start);
    if (json || markup) {
      this.#block = { close: "\n```", text: mark[0], tail: mark[1] ?? "" };
      this.#held = "";
      this.#fill(inner);
      return true;
    }
    if (!final && (halfMarkup || halfJson)) return false;
    this.#inCode = true;
    return this.#show(mark[0].length);
  }

  /** Inside a fence that is no call: everything is text up to its end. */
  #code(): boolean {
    const at = this.#held.indexOf("```");
    if (at >= 0) {
      this.#inCode = false;
      return this.#show(at + 3);
    }
    this.#show(this.#held.length - overlap(this.#held, "```"));
    return false;
  }

  #open(close: string | undefined, length: number): boolean {
    this.#block = { close, text: this.#held.slice(0, length), tail: "" };
    const rest = this.#held.slice(length);
    this.#held = "";
    this.#fill(rest);
    return true;
  }

  #fill(piece: string): void {
    const block = this.#block;
    if (!block) return;
    block.text += piece;
    if (block.close === undefined) return;
    const seen = block.tail + piece;
    if (!seen.includes(block.close)) {
      block.tail = seen.slice(-block.close.length);
      return;
    }
    const end = block.text.indexOf(block.close, 1) + block.close.length;
    this.#block = undefined;
    this.#held = block.text.slice(end);
    this.#take(block.text.slice(0, end));
  }

  #take(text: string): void {
    const found = parseTextCalls(text, this.#names);
    this.calls.push(...found);
    if (found.length === 0 && text !== "") this.#visible(text);
  }

  /** Releases the first `length` characters of the held text. */
  #show(length: number): true {
    if (length > 0) this.#visible(this.#held.slice(0, length));
    this.#held = this.#held.slice(length);
    return true;
  }

  #visible(text: string): void {
    if (this.#atStart && text.trim() !== "") this.#atStart = false;
    this.#emit(text);
  }
}
