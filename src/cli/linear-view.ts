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

const ANSWER = /^\s*(?:(?:y|yes|a|always|n|no)?\s*$|no?:)/i;
/** Two presses within this time are one wish (milliseconds). */
const TWICE_MS = 1_500;

/** Ctrl+C empties the line, or stops the turn; twice, and at the end of the input, the person leaves. */
export function linearFace(output: Output, { history }: FaceOptions): Face {
  const view = createLinearView(output, history.list());
  let pressed = Number.NEGATIVE_INFINITY;
  return {
    view,
    notes: [],
    keys: () => [],
    start(conversation) {
      view.start({
        idle: () => !conversation.busy,
        line(text) {
          if (text.trim() !== "") history.add(text.trim());
          void conversation.submit(text);
        },
        ended: () => void conversation.leave(),
        interrupted(emptied) {
          if (emptied || conversation.interrupt()) return;
          if (performance.now() - pressed < TWICE_MS) return void conversation.leave();
          pressed = performance.now();
          view.say(["Ctrl+C again leaves"]);
        },
      });
    },
    stop: () => view.stop(),
  };
}

interface Ears {
  /** Nothing is at work. */
  readonly idle: () => boolean;
  /** A line that answers no question. */
  readonly line: (text: string) => void;
  readonly ended: () => void;
  /** Ctrl+C; `emptied`: it took away what stood in the line. */
  readonly interrupted: (emptied: boolean) => void;
}

interface LinearView extends View {
  start(ears: Ears): void;
  stop(): void;
}

function createLinearView(output: Output, history: readonly string[]): LinearView {
  const { style } = output;
  const titles = new Map<string, string>();
  let lines: Interface | undefined;
  let ears: Ears | undefined;
  let midLine = false;
  /** The mark stands, and perhaps a half line behind it. */
  let marked = false;
  let soon = false;
  let answering: ((text: string | undefined) => void) | undefined;
  /** The mark says that a line can be written; a half line behind it comes back with it. */
  const mark = () => {
    if (soon) return;
    soon = true;
    setImmediate(() => {
      soon = false;
      if (!lines || marked || answering || !ears?.idle()) return;
      marked = true;
      lines.prompt(true);
    });
  };
  const freshLine = () => {
    if (midLine || marked) output.out("\n");
    midLine = false;
    marked = false;
  };
  const print = (text: string) => {
    freshLine();
    output.out(`${text}\n`);
    mark();
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
        // Words that are no answer were never meant as one.
        if (text !== undefined && ANSWER.test(text) && performance.now() - since < leastMs) {
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
      const due = `(no: and words tells the model why) ${always.length > 0 ? "yes, always or no:" : "yes or no:"}`;
      for (let words = [...told, due]; ; words = [due]) {
        const answer = await line(words, signal, READING_MS);
        if (answer === undefined) return "no";
        if (always.length > 0 && /^a(?:lways)?$/i.test(answer)) return "always";
        if (/^y(?:es)?$/i.test(answer)) return "yes";
        const refused = /^no?(?::\s*(\S[\s\S]*))?$/i.exec(answer.trim());
        if (refused) return refused[1] === undefined ? "no" : { answer: "no", reason: refused[1] };
        // A line of a conversation is no answer, and it is not lost.
        if (answer.trim() !== "") ears?.line(answer);
      }
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
          if (marked) freshLine();
          output.out(harmless(event.text));
          midLine = !event.text.endsWith("\n");
          return;
        case "tool-start":
          titles.set(event.callId, event.title);
          return print(`Runs: ${lineOf(event.title)}`);
        case "tool-end": {
          const ended = event.denied ? "Denied" : event.failed ? "Failed" : "Done";
          const [, ...rest] = toolLines(event, titles.get(event.callId), {
            style,
            columns: 10_000,
            verbose: false,
            more: "",
          });
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
    changed: mark,
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
    start(given) {
      ears = given;
      lines = createInterface({
        ...{ input: process.stdin, output: process.stdout, prompt: "> " },
        history: [...history].reverse(),
        historySize: 200,
      });
      lines.on("line", (text) => {
        marked = false;
        if (answering) answering(text);
        else given.line(text);
        mark();
      });
      lines.on("SIGINT", () => {
        const half = lines?.line ?? "";
        if (half !== "") {
          lines?.write(null, { ctrl: true, name: "e" });
          lines?.write(null, { ctrl: true, name: "u" });
        }
        given.interrupted(half !== "");
      });
      lines.on("close", given.ended);
      mark();
    },
    stop() {
      const open = lines;
      lines = undefined;
      freshLine();
      open?.close();
    },
  };
}
