/** The full terminal face: what is settled above; work, queue, status and prompt below. */
import {
  type AutocompleteProvider,
  type Component,
  Editor,
  ProcessTerminal,
  type Terminal,
  truncateToWidth,
  visibleWidth,
  wrapTextWithAnsi,
} from "@earendil-works/pi-tui";
import type { Event, EventOf } from "../../core/event.ts";
import { nameOf } from "../../core/message.ts";
import type { Human } from "../../core/ports/human.ts";
import type { Conversation } from "../conversation.ts";
import { harmless } from "../output.ts";
import { usageTexts } from "../render/usage-text.ts";
import { createWait } from "../render/wait.ts";
import type { View } from "../view.ts";
import { approvalDialog, type Dialog, listDialog, textDialog } from "./dialogs.ts";
import { InlineScreen } from "./inline-screen.ts";
import { createStreamingText } from "./streaming-text.ts";
import { THEMES, type ThemeName, themeOf } from "./theme.ts";
import { createTranscript, outcomeLines } from "./transcript.ts";
import { createWorksView } from "./works-view.ts";

/** Lines that the unfinished block of an answer leaves for what stands below it. */
const BELOW = 12;
/** A key this soon after another may have been meant for the prompt, not for a question that has just come up (milliseconds). */
const TYPING_MS = 700;

export interface TerminalViewOptions {
  readonly theme: ThemeName;
  readonly color: boolean;
  readonly verbose: boolean;
  readonly terminal?: Terminal;
  /** Called before the editor sees a key; true: it is done with. */
  readonly onKey: (data: string) => boolean;
  readonly onSubmit: (text: string) => void;
  /** A question waits, or a long turn has ended. */
  readonly notice: (text: string) => void;
}

export interface TerminalView extends View {
  readonly editor: Editor;
  /** A tool runs. */
  readonly running: boolean;
  start(conversation: Conversation, completion: AutocompleteProvider): void;
  stop(): void;
  details(): void;
  /** One line below the prompt until something else is told there. */
  hint(text: string): void;
  sandbox(name: string): void;
}

export function createTerminalView(options: TerminalViewOptions): TerminalView {
  const terminal = options.terminal ?? new ProcessTerminal();
  const screen = new InlineScreen(terminal);
  // One object for all parts: a change of theme is seen by each.
  const theme = themeOf(options.theme, options.color);
  let conversation: Conversation | undefined;
  let dialog: Dialog | undefined;
  let lastKey = 0;
  let hint = "";
  let sandbox = "";
  let model: EventOf<"model-end"> | undefined;
  let wait = createWait();
  let turnSince: number | undefined;
  let ticker: NodeJS.Timeout | undefined;

  let blank = true;
  /** Two empty lines in a row say no more than one. */
  const settle = (lines: readonly string[]) =>
    screen.settle(
      lines.filter((line) => {
        const again = blank && line === "";
        blank = line === "";
        return !again;
      }),
    );
  /** Said while it works, and not read by the model yet. */
  let steering: string[] = [];
  const streaming = createStreamingText({
    theme,
    columns: () => terminal.columns,
    most: () => Math.max(4, terminal.rows - BELOW),
    settle,
  });
  const works = createWorksView(theme);
  const transcript = createTranscript({
    theme,
    columns: () => terminal.columns,
    verbose: options.verbose,
    settle,
    stream: (text) => {
      streaming.push(text);
      screen.requestRender();
    },
    endStream: () => streaming.end(),
  });
  const editor = new Editor(screen, theme.editor, { autocompleteMaxVisible: 8 });
  editor.onSubmit = (text) => {
    lastKey = 0;
    options.onSubmit(text);
  };

  const activity = (): string => {
    if (turnSince === undefined) return "";
    const seconds = Math.round((performance.now() - turnSince) / 1000);
    const idle = streaming.writing ? "writing" : wait.text();
    const what = transcript.running ?? (works.voices > 0 ? "the council is at work" : idle);
    return `${theme.accent("●")} ${theme.faint(`${harmless(what).replaceAll("\n", " ")} · ${seconds} s · Esc stops`)}`;
  };
  const status = (width: number): string[] => {
    const now = conversation?.model;
    const left = now ? [nameOf(now.ref), ...usageTexts(model?.message.usage, now.window)] : ["no model yet"];
    const face = works.voices > 0 ? `${works.voices} voices` : (conversation?.live?.face ?? "developer");
    const right = [face, conversation?.mode ?? "default", sandbox === "" ? "" : `sandbox ${sandbox}`].filter(Boolean);
    const [a, b] = [left.join(" · "), right.join(" · ")];
    const gap = width - visibleWidth(a) - visibleWidth(b) - 1;
    const rows = gap > 0 ? [`${a}${" ".repeat(gap)}${b}`] : [a, b];
    return rows.map((row) => theme.faint(truncateToWidth(row, width, "…")));
  };
  const body: Component = {
    invalidate: () => streaming.invalidate(),
    render(width) {
      const live = streaming.render(width);
      const waiting = [
        ...steering.map((text) => `  ↳ ${text}`),
        ...(conversation?.queue ?? []).map((text) => `  waits: ${text}`),
      ];
      const queue = waiting.map((text) =>
        theme.faint(truncateToWidth(harmless(text).replaceAll("\n", " "), width, "…")),
      );
      const doing = activity();
      return [
        ...live,
        ...(live.length > 0 ? [""] : []),
        ...transcript.tail().map((line) => theme.faint(truncateToWidth(`  ${line}`, width, "…"))),
        ...works.lines(width),
        ...queue,
        ...(doing === "" ? [] : [truncateToWidth(doing, width, "…")]),
      ];
    },
  };
  const foot: Component = {
    invalidate: () => undefined,
    render: (width) => [
      ...(hint === "" ? [] : [theme.yellow(truncateToWidth(harmless(hint), width, "…"))]),
      ...status(width),
    ],
  };
  const prompt: Component = {
    invalidate: () => editor.invalidate(),
    render: (width) => (dialog ?? editor).render(width),
    handleInput: (data) => {
      if (dialog) dialog.handleInput(data);
      else editor.handleInput(data);
    },
  };
  Object.defineProperty(prompt, "focused", {
    get: () => editor.focused,
    set: (value: boolean) => {
      editor.focused = value;
    },
  });
  for (const part of [body, prompt, foot]) screen.addChild(part);
  screen.addInputListener((data) => {
    const now = performance.now();
    // A question that came up while somebody types takes no key of that word.
    if (dialog && lastKey > 0 && now - lastKey < TYPING_MS) {
      lastKey = now;
      return { consume: true };
    }
    if (dialog) return undefined;
    if (options.onKey(data)) return { consume: true };
    lastKey = now;
    return undefined;
  });

  /** One question at a time, in the order in which they came. */
  let asked: Promise<unknown> = Promise.resolve();
  const ask = <T>(
    make: (answer: (value: T | undefined) => void) => Dialog,
    signal?: AbortSignal,
  ): Promise<T | undefined> => {
    const next = asked.then(() => {
      const { promise, resolve } = Promise.withResolvers<T | undefined>();
      const done = (value: T | undefined) => {
        dialog = undefined;
        signal?.removeEventListener("abort", cancelled);
        lastKey = 0;
        screen.requestRender();
        resolve(value);
      };
      const cancelled = () => done(undefined);
      if (signal?.aborted) return undefined;
      signal?.addEventListener("abort", cancelled, { once: true });
      dialog = make(done);
      screen.requestRender();
      return promise;
    });
    asked = next.catch(() => undefined);
    return next;
  };
  const human: Human = {
    present: true,
    async approve(question, signal) {
      options.notice(`asks: ${question.title}`);
      const answer = await ask<"yes" | "always" | "no">((done) => approvalDialog(theme, question, done), signal);
      const words = { yes: "allowed once", always: "allowed always", no: "not allowed" }[answer ?? "no"];
      settle([theme.faint(`${words}: ${harmless(question.title).replaceAll("\n", " ")}`)]);
      return answer ?? "no";
    },
    async ask(question, choices, signal) {
      options.notice(`asks: ${question}`);
      const other = "something else …";
      const items = [...choices, other].map((label) => ({ value: label, label }));
      const title = { title: question };
      let answer = other as string | undefined;
      if (choices.length > 0)
        answer = await ask<string>((done) => listDialog(theme, { ...title, choices: items }, done), signal);
      if (answer === other) answer = await ask<string>((done) => textDialog(theme, title, done), signal);
      settle([theme.faint(`${harmless(question)} → ${harmless(answer ?? "(no answer)")}`)]);
      return answer;
    },
  };

  /** What the person said, as it stays on the screen. */
  const quote = (text: string, mark: string) => {
    streaming.end();
    const lines = harmless(text)
      .split("\n")
      .flatMap((line) => wrapTextWithAnsi(line, Math.max(10, terminal.columns - 2)));
    settle(["", ...lines.map((line, index) => `${index === 0 ? theme.accent(mark) : " "} ${theme.bold(line)}`), ""]);
  };
  const tick = (on: boolean) => {
    clearInterval(ticker);
    ticker = on ? setInterval(() => screen.requestRender(), 1_000) : undefined;
  };
  const view: TerminalView = {
    get style() {
      return theme;
    },
    get columns() {
      return terminal.columns;
    },
    get running() {
      return transcript.running !== undefined;
    },
    human,
    editor,
    start(given, completion) {
      conversation = given;
      editor.setAutocompleteProvider(completion);
      screen.setFocus(prompt);
      screen.start();
    },
    stop() {
      tick(false);
      screen.stop();
    },
    say(lines) {
      streaming.end();
      settle(lines);
    },
    said(text, how) {
      if (how === "steering") {
        steering.push(text);
        return screen.requestRender();
      }
      quote(how === "command" ? text.slice(1) : text, how === "command" ? "$" : "❯");
      turnSince ??= performance.now();
      wait = createWait();
      tick(true);
    },
    event(event: Event) {
      if (event.kind === "model-start") wait.start(event);
      if (event.kind === "model-progress") wait.progress(event);
      if (event.kind === "model-end" && event.purpose === "turn") model = event;
      if (event.kind === "message-added" && event.reason === "steering") {
        const text = steering.shift();
        if (text !== undefined) quote(text, "↳");
      }
      works.take(event);
      transcript.take(event);
      screen.requestRender();
    },
    ended(outcome, ms) {
      streaming.end();
      const lines = outcomeLines(outcome, theme);
      settle([...lines.flatMap((line) => wrapTextWithAnsi(line, terminal.columns))]);
      if (ms > 30_000) options.notice(outcome.status === "done" ? "has finished" : "has stopped");
    },
    changed() {
      if (conversation && !conversation.busy) {
        streaming.end();
        steering = [];
        turnSince = undefined;
        tick(false);
      }
      screen.requestRender();
    },
    choose: (title, choices) => ask<string>((done) => listDialog(theme, { title, choices }, done)),
    line: (title) => ask<string>((done) => textDialog(theme, { title }, done)),
    propose(text) {
      editor.setText(text);
      screen.requestRender();
    },
    async alone(work) {
      screen.stop();
      try {
        return await work();
      } finally {
        screen.start();
        screen.requestRender(true);
      }
    },
    redraw: () => screen.redraw(),
    setTheme(name) {
      Object.assign(theme, themeOf(THEMES.find((each) => each === name) ?? "auto", options.color));
      editor.borderColor = theme.editor.borderColor;
      screen.invalidate();
      screen.requestRender();
    },
    details() {
      settle(transcript.details());
    },
    hint(text) {
      hint = text;
      screen.requestRender();
    },
    sandbox(name) {
      sandbox = name;
      screen.requestRender();
    },
  };
  return view;
}
