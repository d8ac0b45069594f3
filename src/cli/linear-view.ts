/** The linear face: one line after the other, nothing is drawn twice. For screen readers, and terminals that can do no more. */
import { createInterface, type Interface } from "node:readline";
import type { Human } from "../core/ports/human.ts";
import type { Face, FaceOptions } from "./face.ts";
import { harmless, lineOf, type Output } from "./output.ts";
import { faultLine } from "./render/renderer.ts";
import { todoLines } from "./render/todo-lines.ts";
import { toolLines } from "./render/tool-lines.ts";
import { works } from "./render/works.ts";
import { READING_MS, TOO_EARLY } from "./terminal.ts";
import type { Choice, View } from "./view.ts";

/** Ctrl+C stops the turn; without one, and at the end of the input, the person leaves. */
export function linearFace(output: Output, { history }: FaceOptions): Face {
  const view = createLinearView(output, history.list());
  return {
    view,
    keys: () => [],
    start(conversation) {
      const submit = (text: string) => {
        if (text.trim() !== "") history.add(text.trim());
        void conversation.submit(text);
      };
      view.start(submit, {
        ended: () => void conversation.leave(),
        interrupted: () => void (conversation.interrupt() || conversation.leave()),
      });
    },
    stop: () => view.stop(),
  };
}

interface LinearView extends View {
  /** Lines that are no answers to a question go to `onLine`. */
  start(onLine: (text: string) => void, ends: { readonly ended: () => void; readonly interrupted: () => void }): void;
  stop(): void;
}

function createLinearView(output: Output, history: readonly string[]): LinearView {
  const { style } = output;
  const titles = new Map<string, string>();
  let lines: Interface | undefined;
  let midLine = false;
  let answering: ((text: string | undefined) => void) | undefined;
  const print = (text: string) => {
    if (midLine) output.out("\n");
    midLine = false;
    output.out(`${text}\n`);
  };
  const say = (said: readonly string[]) => {
    for (const line of said) print(line);
  };
  /** One question at a time. */
  let asked: Promise<unknown> = Promise.resolve();
  const line = (words: readonly string[], signal?: AbortSignal, leastMs = 0): Promise<string | undefined> => {
    const next = asked.then(() => {
      if (signal?.aborted) return undefined;
      let since = performance.now();
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      const cancelled = () => answering?.(undefined);
      answering = (text) => {
        if (text !== undefined && performance.now() - since < leastMs) {
          since = performance.now();
          return print(`${TOO_EARLY} ${words.at(-1) ?? ""}`);
        }
        answering = undefined;
        signal?.removeEventListener("abort", cancelled);
        resolve(text);
      };
      signal?.addEventListener("abort", cancelled, { once: true });
      say(words);
      return promise;
    });
    asked = next.catch(() => undefined);
    return next;
  };
  const choose = async (
    title: string,
    choices: readonly Choice[],
    signal?: AbortSignal,
  ): Promise<string | undefined> => {
    const told = [
      `Question: ${lineOf(title)}`,
      ...choices.map(({ label, about }, at) => `${at + 1}: ${lineOf(label)}${about ? `, ${lineOf(about)}` : ""}`),
    ];
    const answer = await line([...told, "Number:"], signal);
    return choices[Number(answer) - 1]?.value;
  };
  const human: Human = {
    present: true,
    async approve(question, signal) {
      const always = question.rules.map((rule) => `always would allow: ${lineOf(rule)}`);
      const told = [`Question: allow ${lineOf(question.title)}`, ...question.lines.map(lineOf), ...always];
      const due = always.length > 0 ? "yes, always or no:" : "yes or no:";
      const answer = await line([...told, due], signal, READING_MS);
      if (always.length > 0 && /^a(?:lways)?$/i.test(answer ?? "")) return "always";
      return /^y(?:es)?$/i.test(answer ?? "") ? "yes" : "no";
    },
    async ask(question, options, signal) {
      if (options.length === 0) return line([`Question: ${lineOf(question)}`], signal);
      const told = [`Question: ${lineOf(question)}`, ...options.map((option, at) => `${at + 1}: ${lineOf(option)}`)];
      const answer = await line([...told, "Number or words:"], signal);
      return options[Number(answer) - 1] ?? answer;
    },
  };
  return {
    ...{ style, columns: output.columns, human, say },
    // The person's own terminal shows what was typed.
    said: (text, how) => (how === "steering" ? print(`Said in between: ${harmless(text)}`) : undefined),
    event(event) {
      if (event.voice === "council") return;
      switch (event.kind) {
        case "text-delta":
          output.out(harmless(event.text));
          midLine = !event.text.endsWith("\n");
          return;
        case "tool-start":
          titles.set(event.callId, event.title);
          return print(`Runs: ${lineOf(event.title)}`);
        case "tool-end": {
          const ended = event.denied ? "Denied" : event.failed ? "Failed" : "Done";
          const [, ...rest] = toolLines(event, titles.get(event.callId), { style, columns: 10_000, verbose: false });
          return say([`${ended}: ${lineOf(titles.get(event.callId) ?? event.tool)}`, ...rest]);
        }
        case "model-note":
          return print(`Note: ${harmless(event.text)}`);
        case "todos-set":
          return say(["To do:", ...todoLines(event, style)]);
        case "decision-made":
        case "review-end":
        case "spiral-end":
          return say((works.report(event, style) ?? "").split("\n"));
        default:
          return say(works.lines(event, style));
      }
    },
    ended({ verification, openDenials, fault }) {
      say([
        ...(verification.text === "" ? [] : [harmless(verification.text)]),
        ...openDenials.map(({ tool, reason }) => `Denied: ${harmless(tool)}: ${harmless(reason)}`),
        fault ? `Stopped: ${harmless(faultLine(fault))}` : "Ready.",
      ]);
    },
    changed: () => undefined,
    choose: (title, choices) => choose(title, choices),
    line: (title) => line([`Question: ${lineOf(title)}`]),
    // A line end in it would be taken for Enter.
    propose: (text) => void lines?.write(harmless(text).replaceAll(/\s+/g, " ")),
    async alone(work) {
      lines?.pause();
      try {
        return await work();
      } finally {
        lines?.resume();
      }
    },
    redraw: () => undefined,
    setTheme: () => undefined,
    start(onLine, { ended, interrupted }) {
      lines = createInterface({
        ...{ input: process.stdin, output: process.stdout, prompt: "" },
        history: [...history].reverse(),
        historySize: 200,
      });
      lines.on("line", (text) => (answering ? answering(text) : onLine(text)));
      lines.on("SIGINT", interrupted);
      lines.on("close", ended);
    },
    stop: () => lines?.close(),
  };
}
