/** The full terminal face: what is settled above; work, queue, status and prompt below. */
import {
  type AutocompleteProvider,
  Editor,
  isKeyRelease,
  ProcessTerminal,
  type Terminal,
  wrapTextWithAnsi,
} from "@earendil-works/pi-tui";
import type { Event } from "../../core/event.ts";
import type { Usage } from "../../core/message.ts";
import type { Conversation } from "../conversation.ts";
import { harmless } from "../output.ts";
import { createWait } from "../render/wait.ts";
import type { View } from "../view.ts";
import { createAttention } from "./attention.ts";
import { InlineScreen } from "./inline-screen.ts";
import { liveParts } from "./live-part.ts";
import { createQuestions } from "./questions.ts";
import { createStreamingText } from "./streaming-text.ts";
import { THEMES, type Theme, type ThemeName, themeOf } from "./theme.ts";
import { createTranscript, outcomeLines } from "./transcript.ts";
import { createWorksView } from "./works-view.ts";
import { wrapped } from "./wrapped.ts";

/** Lines that the unfinished block of an answer leaves for what stands below it. */
const BELOW = 12;

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

/** Two empty lines in a row say no more than one. */
function settling(screen: InlineScreen): (lines: readonly string[]) => void {
  let blank = true;
  return (lines) =>
    screen.settle(
      lines.filter((line) => {
        const again = blank && line === "";
        blank = line === "";
        return !again;
      }),
    );
}

function quoted(text: string, mark: string, theme: Theme, columns: number): string[] {
  const lines = harmless(text)
    .split("\n")
    .flatMap((line) => wrapTextWithAnsi(line, Math.max(10, columns - 2)));
  return ["", ...lines.map((line, index) => `${index === 0 ? theme.accent(mark) : " "} ${theme.bold(line)}`), ""];
}

export function createTerminalView(options: TerminalViewOptions): TerminalView {
  const terminal = options.terminal ?? new ProcessTerminal();
  const screen = new InlineScreen(terminal);
  // One object for all parts: a change of theme is seen by each.
  const theme = themeOf(options.theme, options.color);
  let wait = createWait();
  let ticker: NodeJS.Timeout | undefined;
  const state = {
    ...{ conversation: undefined as Conversation | undefined, usage: undefined as Usage | undefined },
    ...{ hint: "", sandbox: "", steering: [] as string[], since: undefined as number | undefined },
    waiting: () => wait.text(),
  };
  let session: string | undefined;
  /** A command that may become a prompt: its words stand there already. */
  let echoed = "";
  const settle = settling(screen);
  const streaming = createStreamingText({
    theme,
    columns: () => terminal.columns,
    most: () => Math.max(4, terminal.rows - BELOW),
    settle,
  });
  const works = createWorksView(theme);
  const changed = () => screen.requestRender();
  const questions = createQuestions({ theme, settle, changed, notice: options.notice });
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
  editor.onSubmit = options.onSubmit;
  const attention = createAttention({ dialog: () => questions.dialog, editor, changed });

  const parts = liveParts({ theme, streaming, transcript, works, questions, attention, editor, state });
  for (const part of parts) screen.addChild(part);
  screen.addInputListener((data) => {
    if (!isKeyRelease(data) && !attention.take(data) && !options.onKey(data)) return undefined;
    screen.requestRender();
    return { consume: true };
  });

  const another = (id: string | undefined, events: readonly Event[]) => {
    session = id;
    const last = events.findLast((event) => event.kind === "model-end" && event.purpose === "turn");
    state.usage = last?.kind === "model-end" ? last.message.usage : undefined;
    works.begin(events);
    transcript.forget();
  };
  /** What the person said, as it stays on the screen. */
  const quote = (text: string, mark: string) => {
    streaming.end();
    settle(quoted(text, mark, theme, terminal.columns));
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
    human: questions.human,
    editor,
    start(given, completion) {
      state.conversation = given;
      editor.setAutocompleteProvider(completion);
      screen.setFocus(parts[1]);
      screen.start();
    },
    stop() {
      tick(false);
      screen.stop();
    },
    say(lines) {
      streaming.end();
      settle(lines.flatMap((line) => wrapped(line, terminal.columns)));
    },
    said(text, how) {
      if (how === "steering") {
        state.steering.push(text);
        return screen.requestRender();
      }
      const again = how === "prompt" && echoed.endsWith(text);
      echoed = how === "slash" ? text : "";
      if (!again) quote(how === "command" ? text.slice(1) : text, how === "command" ? "$" : "❯");
      if (how === "slash") return;
      state.since ??= performance.now();
      wait = createWait();
      tick(true);
    },
    event(event: Event) {
      if (event.kind === "model-start") wait.start(event);
      if (event.kind === "model-progress") wait.progress(event);
      if (event.kind === "model-end" && event.purpose === "turn") state.usage = event.message.usage;
      if (event.kind === "message-added" && event.reason === "steering") {
        const text = state.steering.shift();
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
      const live = state.conversation?.live;
      if (live?.id !== session) another(live?.id, live?.events() ?? []);
      if (state.conversation?.busy === false) {
        streaming.end();
        state.steering = [];
        state.since = undefined;
        tick(false);
      }
      screen.requestRender();
    },
    choose: questions.choose,
    line: questions.line,
    propose(text) {
      editor.setText(harmless(text));
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
      state.hint = text;
      screen.requestRender();
    },
    sandbox(name) {
      state.sandbox = name;
      screen.requestRender();
    },
  };
  return view;
}
