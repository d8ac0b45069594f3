/** What is drawn below the settled lines: the unfinished block, what runs, what waits, the prompt or a question, the status. */
import { type Component, type Editor, type Focusable, truncateToWidth } from "@earendil-works/pi-tui";
import { harmless } from "../output.ts";
import type { Attention } from "./attention.ts";
import type { Questions } from "./questions.ts";
import { type StatusFacts, statusRows } from "./status.ts";
import type { StreamingText } from "./streaming-text.ts";
import type { Theme } from "./theme.ts";
import type { Transcript } from "./transcript.ts";
import type { WorksView } from "./works-view.ts";

export interface LiveParts {
  readonly theme: Theme;
  readonly streaming: StreamingText;
  readonly transcript: Transcript;
  readonly works: WorksView;
  readonly questions: Questions;
  readonly attention: Attention;
  readonly editor: Editor;
  readonly state: LiveState;
}

export interface LiveState extends Omit<StatusFacts, "voices"> {
  /** One line between prompt and status. */
  readonly hint: string;
  /** Said while it works, and not read by the model yet. */
  readonly steering: readonly string[];
  /** When the turn began, on the process's clock (milliseconds); undefined between turns. */
  readonly since: number | undefined;
  /** What is waited for, when nothing runs and nothing is written. */
  readonly waiting: () => string;
}

/** In the order in which they stand; the second takes the keys. */
export function liveParts(parts: LiveParts): readonly [Component, Component, Component] {
  return [workPart(parts), promptPart(parts), footPart(parts)];
}

function workPart({ theme, streaming, transcript, works, questions, state }: LiveParts): Component {
  const cut = (text: string, width: number) => truncateToWidth(text, width, "…");
  const activity = (): string => {
    if (questions.dialog?.unasked) return `${theme.accent("●")} ${theme.faint("it waits for your answer")}`;
    const seconds = Math.round((performance.now() - (state.since ?? 0)) / 1000);
    const idle = streaming.writing ? "writing" : state.waiting();
    const what = transcript.running ?? (works.voices > 0 ? "the council is at work" : idle);
    return `${theme.accent("●")} ${theme.faint(`${oneRow(what)} · ${seconds} s · Esc stops`)}`;
  };
  return {
    invalidate: () => streaming.invalidate(),
    render(width) {
      const live = streaming.render(width);
      const queue = state.conversation?.queue ?? [];
      const waits = [...state.steering.map((text) => `  ↳ ${text}`), ...queue.map((text) => `  waits: ${text}`)];
      // A turn that was stopped sends nothing by itself.
      if (queue.length > 0 && state.since === undefined) waits.push("  Enter alone sends it · Up takes it back");
      return [
        ...live,
        ...(live.length > 0 ? [""] : []),
        ...transcript.tail().map((line) => theme.faint(cut(`  ${line}`, width))),
        ...works.lines(width),
        ...waits.map((text) => theme.faint(cut(oneRow(text), width))),
        ...(state.since === undefined ? [] : [cut(activity(), width)]),
      ];
    },
  };
}

const oneRow = (text: string) => harmless(text).replaceAll("\n", " ");

/** The question, and the editor below it while it holds a text; without a question the editor. */
function promptPart({ theme, questions, attention, editor }: LiveParts): Component {
  const about = (): string => {
    if (attention.writing) return "your text goes to the prompt below · Tab: answer here";
    return questions.dialog?.unasked ? "Esc: no · other words go to the prompt" : "Esc: back";
  };
  const part: Component & Focusable = {
    get focused() {
      return editor.focused;
    },
    set focused(value: boolean) {
      editor.focused = value;
    },
    invalidate: () => editor.invalidate(),
    render(width) {
      const { dialog } = questions;
      if (!dialog) return editor.render(width);
      const draft = dialog.unasked && editor.getText() !== "";
      return [
        ...dialog.render(width),
        theme.faint(truncateToWidth(`  ${about()}`, width, "…")),
        ...(draft ? editor.render(width) : []),
      ];
    },
    handleInput: (data) => editor.handleInput(data),
  };
  return part;
}

function footPart({ theme, works, state }: LiveParts): Component {
  return {
    invalidate: () => undefined,
    render: (width) => [
      ...(state.hint === "" ? [] : [theme.yellow(truncateToWidth(harmless(state.hint), width, "…"))]),
      ...statusRows({ ...state, voices: works.voices }, theme, width),
    ],
  };
}
