/** The calm renderer of a terminal: text streams in, each tool call is a line, diffs are shown, one status line waits at the end. */

import type { Event, EventOf } from "../../core/event.ts";
import { nameOf } from "../../core/message.ts";
import type { Window } from "../../core/model.ts";
import { harmless, type Output } from "../output.ts";
import { createTotals } from "../totals.ts";
import { cacheText } from "./cache-text.ts";
import { faultLine, type Renderer } from "./renderer.ts";
import { todoLines } from "./todo-lines.ts";
import { cut, toolLines } from "./tool-lines.ts";
import { short, usageTexts } from "./usage-text.ts";
import { createWait } from "./wait.ts";
import type { WorkTexts } from "./works.ts";

/** Enough of a session's id for `-r`, so that the first line fits a narrow terminal. */
const SHORT_ID = 13;

export function inlineRenderer(output: Output, options: { verbose: boolean; works?: WorkTexts | undefined }): Renderer {
  const screen = createScreen(output);
  const totals = createTotals();
  const started = performance.now();
  let window: Window | undefined;
  // Inside a spiral a council is one phase of five: its whole report would hide the others.
  let spiral = false;
  let last: EventOf<"model-end"> | undefined;
  const titles = new Map<string, string>();
  const wait = createWait();
  const { style } = output;

  const statusText = () => {
    const facts = usageTexts(last?.message.usage, window);
    return [...facts, `${Math.round((performance.now() - started) / 1000)} s`].join(" · ");
  };

  const show = (event: Event) => {
    switch (event.kind) {
      case "model-start":
        wait.start(event);
        return screen.status(() => `${wait.text()} · ${statusText()}`);
      case "model-progress":
        wait.progress(event);
        return screen.status(() => `${wait.text()} · ${statusText()}`);
      case "text-delta":
        return screen.stream(harmless(event.text));
      case "tool-requested": {
        const words = Object.values(event.input).filter((value) => typeof value === "string");
        titles.set(event.callId, `${event.tool} ${words[0] ?? ""}`);
        return;
      }
      case "tool-start":
        titles.set(event.callId, event.title);
        return screen.status(() => `${event.title} · ${statusText()}`);
      case "tool-end":
        return screen.lines(
          toolLines(event, titles.get(event.callId), {
            ...output,
            verbose: options.verbose,
            more: "--verbose shows all",
          }),
        );
      case "cache-looked":
        return event.hit ? screen.lines([style.yellow(cacheText(event))]) : undefined;
      case "model-note":
        return screen.lines([style.yellow(harmless(event.text))]);
      case "context-compacted":
        return screen.lines([style.dim(`context compacted: ${short(event.before)} -> ${short(event.after)} tokens`)]);
      case "council-start":
      case "voice-answered":
      case "evidence-found":
      case "phase-start":
      case "phase-end":
        return screen.lines(options.works?.lines(event, style) ?? []);
      case "voice-asked":
        return screen.status(() => `${event.asked} is asked (${event.stage}) · ${statusText()}`);
      case "spiral-start":
        spiral = true;
        return;
      case "review-end":
      case "spiral-end":
      case "decision-made": {
        const report = spiral && event.kind === "decision-made" ? undefined : options.works?.report(event, style);
        return report === undefined ? undefined : screen.lines(["", ...report.trimEnd().split("\n")]);
      }
      case "loop-broken":
        return screen.lines([
          style.yellow(`the model goes in circles (${event.pattern}); it was told to do something different`),
        ]);
      case "todos-set":
        return screen.lines(todoLines(event, style));
      default:
    }
  };
  return {
    start(live) {
      window = live.window;
      const { ref } = live.model;
      screen.lines([
        `${style.bold(live.face)} ${style.dim(`${harmless(nameOf(ref))} · window ${live.window.tokens} (${live.window.source}) · ${live.id.slice(0, SHORT_ID)}`)}`,
        ...live.notes.map((note) => style.yellow(harmless(note))),
      ]);
    },
    event(event) {
      totals.take(event);
      // What a council reads and runs in its copies is told in lines of its own.
      if (event.voice === "council") return;
      if (event.kind === "model-end") last = event;
      if (event.kind === "model-chosen") window = event.window;
      show(event);
    },
    pause: () => screen.clear(),
    end({ outcome }) {
      screen.clear();
      const { verification } = outcome;
      if (verification.text !== "")
        screen.lines([(verification.status === "passed" ? style.green : style.yellow)(harmless(verification.text))]);
      for (const denial of outcome.openDenials)
        screen.lines([style.yellow(`denied: ${harmless(denial.tool)}: ${harmless(denial.reason)}`)]);
      if (outcome.fault) screen.lines([style.red(faultLine(outcome.fault))]);
      screen.lines([style.dim(statusText())]);
    },
    fault(fault) {
      screen.clear();
      output.err(`crucible: ${faultLine(fault)}\n`);
    },
  };
}

/** Append-only output with one transient line at the bottom that never stays in the scrollback. */
function createScreen(output: Output) {
  let midLine = false;
  let shown = false;
  let text: (() => string) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const erase = () => {
    if (shown) output.out("\r\u001b[2K");
    shown = false;
  };
  const draw = () => {
    if (!text || midLine || !output.isTTY) return;
    output.out(`\r\u001b[2K${output.style.dim(cut(text().replaceAll("\n", " "), output.columns - 1))}`);
    shown = true;
  };
  const clear = () => {
    clearInterval(timer);
    timer = undefined;
    text = undefined;
    erase();
    if (midLine) output.out("\n");
    midLine = false;
  };
  return {
    clear,
    status(next: () => string) {
      if (midLine) {
        output.out("\n");
        midLine = false;
      }
      text = next;
      draw();
      timer ??= setInterval(draw, 1000).unref();
    },
    stream(chunk: string) {
      if (chunk === "") return;
      erase();
      text = undefined;
      output.out(chunk);
      midLine = !chunk.endsWith("\n");
    },
    lines(lines: readonly string[]) {
      const keep = text;
      erase();
      if (midLine) output.out("\n");
      midLine = false;
      output.out(lines.map((line) => `${line}\n`).join(""));
      text = keep;
    },
  };
}
