/** Questions to the person: an approval, a choice, a line of text; each stands above the prompt until it is answered. */
import {
  type Component,
  Container,
  type Focusable,
  getKeybindings,
  Input,
  type SelectItem,
  SelectList,
  Text,
  wrapTextWithAnsi,
} from "@earendil-works/pi-tui";
import type { ApprovalAnswer, ApprovalQuestion, Refusal } from "../../core/ports/human.ts";
import { harmless, lineOf } from "../output.ts";
import type { Choice } from "../view.ts";
import type { Theme } from "./theme.ts";

/** What takes keys until `answer` is called. */
export interface Dialog extends Component {
  handleInput(data: string): void;
  /** It came up by itself: no key of a text that the person writes may answer it. */
  readonly unasked: boolean;
  /** It wants a text. */
  readonly writes: boolean;
  /** Letters that answer. */
  readonly letters: string;
  /** Shows what a letter would choose; "" what was chosen before. */
  preview(letter: string): void;
}

/** Longest list without scrolling. */
const MOST_VISIBLE = 10;

export interface Listed {
  readonly title: string;
  readonly lines?: readonly string[];
  readonly choices: readonly Choice[];
  /** It came up by itself. Enter alone means this value, which must be the harmless one. */
  readonly preset?: string;
  /** Letters that choose, with the values that they choose. */
  readonly letters?: Readonly<Record<string, string>>;
}

/** A title, lines below it, and a list to choose from. Typing narrows a list that the person has asked for. */
export function listDialog(theme: Theme, shown: Listed, answer: (value: string | undefined) => void): Dialog {
  const { letters = {}, preset } = shown;
  const items: SelectItem[] = shown.choices.map(({ value, label, about }) => ({
    value,
    label: lineOf(label),
    ...(about === undefined ? {} : { description: lineOf(about) }),
  }));
  const select = (value: string | undefined) => list.setSelectedIndex(items.findIndex((item) => item.value === value));
  const listOf = (kept: SelectItem[]): SelectList => {
    const made = new SelectList(kept, MOST_VISIBLE, theme.select, {
      minPrimaryColumnWidth: 1,
      maxPrimaryColumnWidth: 48,
    });
    made.onSelect = ({ value }) => answer(value);
    made.onCancel = () => answer(undefined);
    return made;
  };
  let filter = "";
  let list = listOf(items);
  let none = false;
  if (preset !== undefined) select(preset);
  const narrow = (text: string) => {
    filter = text;
    const wanted = text.toLowerCase();
    const kept = items.filter(({ label, description }) =>
      `${label} ${description ?? ""}`.toLowerCase().includes(wanted),
    );
    none = kept.length === 0;
    list = listOf(kept);
  };
  return {
    unasked: preset !== undefined,
    writes: false,
    letters: Object.keys(letters).join(""),
    preview: (letter) => select(letters[letter.toLowerCase()] ?? preset),
    invalidate: () => list.invalidate(),
    render: (width) => [
      theme.faint("─".repeat(width)),
      ...wrapTextWithAnsi(`${theme.yellow("?")} ${theme.bold(lineOf(shown.title))}`, width),
      ...(shown.lines ?? []).flatMap((line) => wrapTextWithAnsi(`  ${lineOf(line)}`, width)),
      ...(filter === "" ? [] : [theme.faint(`  /${filter}`)]),
      ...(none ? [theme.faint("  nothing here has these words")] : list.render(width)),
    ],
    handleInput(data) {
      const value = letters[data.toLowerCase()];
      if (value !== undefined) return answer(value);
      const typed = preset === undefined && [...data].length === 1 && data >= " " && data !== "\u007f";
      if (typed) return narrow(filter + data);
      if (filter !== "" && getKeybindings().matches(data, "tui.editor.deleteCharBackward"))
        return narrow([...filter].slice(0, -1).join(""));
      list.handleInput(data);
    },
  };
}

/** Once, for longer (asked a second time), no, or no with words for the model. Escape and Enter alone are no. */
export function approvalDialog(
  theme: Theme,
  asked: ApprovalQuestion,
  answer: (given: ApprovalAnswer | Refusal) => void,
): Dialog {
  const { title } = asked;
  const rules = asked.rules.map((rule) => `always would allow: ${rule}`);
  const whether = (): Dialog =>
    listDialog(
      theme,
      {
        title,
        lines: [...asked.lines, ...rules],
        choices: [
          { value: "yes", label: "y  yes, once" },
          ...(rules.length > 0 ? [{ value: "always", label: "a  always (asks again)" }] : []),
          { value: "no", label: "n  no" },
          { value: "why", label: "w  no, and say why" },
        ],
        preset: "no",
        letters: { y: "yes", ...(rules.length > 0 ? { a: "always" } : {}), n: "no", w: "why" },
      },
      (value) => {
        if (value === "always") step = forLonger();
        else if (value === "why") step = why();
        else answer(value === "yes" ? "yes" : "no");
      },
    );
  const forLonger = (): Dialog =>
    listDialog(
      theme,
      {
        title: `always? ${title}`,
        lines: rules,
        choices: [
          { value: "always", label: "y  yes, always" },
          { value: "back", label: "b  back" },
        ],
        preset: "back",
        letters: { y: "always", b: "back" },
      },
      (value) => {
        if (value === "always") answer("always");
        else step = whether();
      },
    );
  const why = (): Dialog =>
    textDialog(theme, { title: `no: ${title}`, lines: ["Why not? The model reads it."] }, (text = "") =>
      answer(text.trim() === "" ? "no" : { answer: "no", reason: text.trim() }),
    );
  let step = whether();
  return {
    unasked: true,
    get writes() {
      return step.writes;
    },
    get letters() {
      return step.letters;
    },
    preview: (letter) => step.preview(letter),
    invalidate: () => step.invalidate(),
    render: (width) => step.render(width),
    handleInput: (data) => step.handleInput(data),
  };
}

/** A line of free text. */
export function textDialog(
  theme: Theme,
  shown: { readonly title: string; readonly lines?: readonly string[]; readonly asked?: true },
  answer: (text: string | undefined) => void,
): Dialog & Focusable {
  const input = new Input();
  input.onSubmit = (text: string) => answer(text);
  input.onEscape = () => answer(undefined);
  const head = new Container();
  head.addChild(new Text(`${theme.yellow("?")} ${theme.bold(harmless(shown.title))}`, 0, 0));
  for (const line of shown.lines ?? []) head.addChild(new Text(`  ${lineOf(line)}`, 0, 0));
  return {
    unasked: shown.asked !== true,
    writes: true,
    letters: "",
    preview: () => undefined,
    get focused() {
      return input.focused;
    },
    set focused(value: boolean) {
      input.focused = value;
    },
    invalidate: () => head.invalidate(),
    render: (width) => [theme.faint("─".repeat(width)), ...head.render(width), ...input.render(width)],
    handleInput: (data) => input.handleInput(data),
  };
}
