/** Finds tool calls that a model prints into its text, and holds back only what may still become one. */
import { parseTextCalls } from "./text-call-forms.ts";
import { overlap } from "./thinking.ts";
import type { RawCall } from "./wire.ts";

export interface TextCallScanner {
  push(piece: string): void;
  /** Closes what is open: a call without its end mark still counts, a mere beginning is text. */
  end(): void;
  readonly calls: readonly RawCall[];
}

/** How a printed call starts and ends; without `close` it reaches to the end of the answer. */
const FORMS: readonly { readonly open: string; readonly close?: string }[] = [
  { open: "<tool_call>", close: "</tool_call>" },
  { open: "<|tool_call|>", close: "<|/tool_call|>" },
  { open: "<function_call>", close: "</function_call>" },
  { open: "<function=", close: "</function>" },
  { open: "[TOOL_CALLS]" },
  { open: "<|python_tag|>" },
];

const FENCE = /^```[ \t]*([\w-]*)[ \t]*(\r?\n)/;
/** The first characters of JSON that can be a call; longer text that does not match is released. */
const CALL_HEAD = /^\s*\[?\s*\{\s*["']?(name|tool|tool_name|function|type|arguments|parameters)["']?\s*:/;
const HEAD_LENGTH = 60;

/**
 * `names`: the known tools; JSON counts only with one of them. Text inside other code fences is never searched.
 * `emit` receives the visible text.
 */
export function createTextCallScanner(names: ReadonlySet<string>, emit: (text: string) => void): TextCallScanner {
  const calls: RawCall[] = [];
  let held = "";
  let atStart = true;
  /** An open block: its text so far is kept as a rope, only the tail is searched. */
  let block: { close: string | undefined; text: string; tail: string } | undefined;
  let inCode = false;

  const show = (text: string) => {
    if (text === "") return;
    if (atStart && text.trim() !== "") atStart = false;
    emit(text);
  };
  const take = (text: string) => {
    const found = parseTextCalls(text, names);
    if (found.length === 0) show(text);
    calls.push(...found);
  };

  /** Handles what stands at the head of `held`. False: wait for more. */
  const head = (final: boolean): boolean => {
    for (const form of FORMS) {
      if (held.startsWith(form.open)) {
        open(form.close, form.open.length);
        return true;
      }
      if (!final && form.open.startsWith(held)) return false;
    }
    if (held.startsWith("`")) return fence(final);
    if (atStart && /^[{[]/.test(held)) return bareJson(final);
    show(held.slice(0, 1));
    held = held.slice(1);
    return true;
  };

  const open = (close: string | undefined, from: number) => {
    block = { close, text: held.slice(0, from), tail: "" };
    const rest = held.slice(from);
    held = "";
    fill(rest);
  };

  const fill = (piece: string) => {
    if (!block) return;
    block.text += piece;
    const { close } = block;
    if (close === undefined) return;
    const seen = block.tail + piece;
    if (!seen.includes(close)) {
      block.tail = seen.slice(-close.length);
      return;
    }
    const whole = block.text;
    const end = whole.indexOf(close, 1) + close.length;
    block = undefined;
    take(whole.slice(0, end));
    held = whole.slice(end);
  };

  const fence = (final: boolean): boolean => {
    const mark = FENCE.exec(held);
    if (!mark) {
      if (!final && /^(`{1,2}|```[ \t]*[\w-]{0,20}[ \t]*\r?)$/.test(held)) return false;
      const ticks = /^`+/.exec(held)?.[0].length ?? 1;
      if (ticks >= 3) inCode = true;
      show(held.slice(0, ticks));
      held = held.slice(ticks);
      return true;
    }
    const inner = held.slice(mark[0].length);
    const start = inner.trimStart();
    const markup = FORMS.some((form) => start.startsWith(form.open) || (!final && form.open.startsWith(start)));
    const json = CALL_HEAD.test(inner);
    const open = !final && start.length < HEAD_LENGTH && (start === "" || /^[[{][\s{\w"':[]*$/.test(start));
    if (markup && start.length < 16 && !final) return false;
    if (open && !json) return false;
    if (json || markup) {
      block = { close: "\n```", text: mark[0], tail: mark[2] ?? "" };
      held = "";
      fill(inner);
      return true;
    }
    inCode = true;
    show(mark[0]);
    held = inner;
    return true;
  };

  const bareJson = (final: boolean): boolean => {
    if (CALL_HEAD.test(held)) {
      open(undefined, 0);
      return true;
    }
    if (!final && held.length < HEAD_LENGTH && /^[[{][\s{\w"':[]*$/.test(held)) return false;
    show(held.slice(0, 1));
    held = held.slice(1);
    return true;
  };

  const code = (): boolean => {
    const at = held.indexOf("```");
    if (at >= 0) {
      inCode = false;
      show(held.slice(0, at + 3));
      held = held.slice(at + 3);
      return true;
    }
    const keep = overlap(held, "```");
    show(held.slice(0, held.length - keep));
    held = held.slice(held.length - keep);
    return false;
  };

  const drain = (final: boolean) => {
    while (held !== "") {
      if (inCode) {
        if (!code()) return;
        continue;
      }
      const at = atStart ? held.search(/[^\s]/) : held.search(/[<[`]/);
      if (at < 0) {
        if (atStart && !final) return;
        show(held);
        held = "";
        return;
      }
      if (at > 0) {
        const before = held.slice(0, at);
        if (before.trim() === "") emit(before);
        else show(before);
        held = held.slice(at);
      }
      if (!head(final)) return;
      if (block) return;
    }
  };

  return {
    calls,
    push(piece) {
      if (block) {
        fill(piece);
        if (!block) drain(false);
        return;
      }
      if (held === "" && !atStart && !inCode && !/[<[`]/.test(piece)) {
        emit(piece);
        return;
      }
      held += piece;
      drain(false);
    },
    end() {
      // At most two rounds: a block that turns out to be text may free more text behind it.
      for (let round = 0; round < 8 && (held !== "" || block); round++) {
        if (block) {
          const { text } = block;
          block = undefined;
          take(text);
        }
        drain(true);
        if (inCode && held !== "") {
          show(held);
          held = "";
        }
      }
    },
  };
}
