/** Questions to the person: an approval, a choice, a line of text; each stands where the prompt stands until it is answered. */
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
import type { ApprovalAnswer, ApprovalQuestion } from "../../core/ports/human.ts";
import { harmless, lineOf } from "../output.ts";
import type { Choice } from "../view.ts";
import type { Theme } from "./theme.ts";

/** What takes the keys until `answer` is called. */
export interface Dialog extends Component {
  /** It allows something: no key that was meant for the question before it counts. */
  readonly decides?: true;
  handleInput(data: string): void;
}

/** Longest list without scrolling. */
const MOST_VISIBLE = 10;

/** A title, lines below it, and a list to choose from; letters choose too when they are given. */
export function listDialog(
  theme: Theme,
  shown: { readonly title: string; readonly lines?: readonly string[]; readonly choices: readonly Choice[] },
  answer: (value: string | undefined) => void,
  letters: Readonly<Record<string, string>> = {},
): Dialog {
  const items: SelectItem[] = shown.choices.map(({ value, label, about }) => ({
    value,
    label: lineOf(label),
    ...(about === undefined ? {} : { description: lineOf(about) }),
  }));
  const list = new SelectList(items, MOST_VISIBLE, theme.select, { maxPrimaryColumnWidth: 48 });
  let filter = "";
  list.onSelect = ({ value }) => answer(value);
  list.onCancel = () => answer(undefined);
  return {
    invalidate: () => list.invalidate(),
    render: (width) => [
      theme.faint("─".repeat(width)),
      ...wrapTextWithAnsi(`${theme.yellow("?")} ${theme.bold(lineOf(shown.title))}`, width),
      ...(shown.lines ?? []).flatMap((line) => wrapTextWithAnsi(`  ${lineOf(line)}`, width)),
      ...(filter === "" ? [] : [theme.faint(`  /${filter}`)]),
      ...list.render(width),
    ],
    handleInput(data) {
      const value = letters[data.toLowerCase()];
      if (value !== undefined) return answer(value);
      const typed = Object.keys(letters).length === 0 && /^[\w./:-]$/.test(data);
      if (!typed && !(filter !== "" && getKeybindings().matches(data, "tui.editor.deleteCharBackward")))
        return list.handleInput(data);
      filter = typed ? filter + data : filter.slice(0, -1);
      list.setFilter(filter);
    },
  };
}

/** Once, for longer, or no. Escape is no. */
export function approvalDialog(theme: Theme, asked: ApprovalQuestion, answer: (given: ApprovalAnswer) => void): Dialog {
  const lasting = asked.rules.length > 0;
  const choices: Choice[] = [
    { value: "yes", label: "y  yes, once" },
    ...(lasting ? [{ value: "always", label: "a  always" }] : []),
    { value: "no", label: "n  no" },
  ];
  const lines = [...asked.lines, ...asked.rules.map((rule) => `always would allow: ${rule}`)];
  const letters = { y: "yes", n: "no", ...(lasting ? { a: "always" } : {}) };
  const given = (value: string | undefined) => answer((value ?? "no") as ApprovalAnswer);
  return { ...listDialog(theme, { title: asked.title, lines, choices }, given, letters), decides: true };
}

/** A line of free text. */
export function textDialog(
  theme: Theme,
  shown: { readonly title: string; readonly lines?: readonly string[] },
  answer: (text: string | undefined) => void,
): Dialog & Focusable {
  const input = new Input();
  input.onSubmit = (text: string) => answer(text);
  input.onEscape = () => answer(undefined);
  const head = new Container();
  head.addChild(new Text(`${theme.yellow("?")} ${theme.bold(harmless(shown.title))}`, 0, 0));
  for (const line of shown.lines ?? []) head.addChild(new Text(`  ${lineOf(line)}`, 0, 0));
  return {
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
