/** Who takes a key while a question stands: the question, or the text that the person is writing. No key of a text answers. */
import { decodeKittyPrintable, type Editor, getKeybindings } from "@earendil-works/pi-tui";
import type { Dialog } from "./dialogs.ts";

/** A key this soon after another belongs to the same text (milliseconds). */
const TYPING_MS = 700;
/** A letter answers when it has stood alone for so long (milliseconds); Enter makes it count at once. */
const ALONE_MS = 500;
/** A key that is held comes again within this time (milliseconds). */
const REPEAT_MS = 250;

export interface Attention {
  /** True: the question has it, or it waits until it is clear whose it is. False: it belongs to the text. */
  take(data: string): boolean;
  /** Keys go to the text although a question stands. */
  readonly writing: boolean;
}

export interface AttentionPlace {
  readonly dialog: () => Dialog | undefined;
  readonly editor: Editor;
  /** Something is drawn otherwise now. */
  readonly changed: () => void;
}

/** A letter that may still turn out to be the beginning of a word. */
interface Held {
  readonly letter: string;
  readonly timer: NodeJS.Timeout;
  /** What came in the same read of the terminal was pasted, or typed before the question was seen. */
  sameRead: boolean;
}

export function createAttention({ dialog: current, editor, changed }: AttentionPlace): Attention {
  let seen: Dialog | undefined;
  /** The person has turned to the question. */
  let turned = false;
  let lastKey = Number.NEGATIVE_INFINITY;
  /** The last key was part of a text that is not sent. */
  let midText = false;
  let held: Held | undefined;
  /** The letter that answered the question before, and when it was last heard: a key that is held answers no other. */
  let answered = { letter: "", at: Number.NEGATIVE_INFINITY };

  const letGo = (): string => {
    clearTimeout(held?.timer);
    const letter = held?.letter ?? "";
    held = undefined;
    return letter;
  };
  const answer = () => {
    const letter = letGo();
    answered = { letter, at: performance.now() };
    // Meanwhile the question may have ended by itself.
    if (current() === seen) seen?.handleInput(letter);
    changed();
  };
  const hold = (letter: string) => {
    const mine: Held = { letter, timer: setTimeout(answer, ALONE_MS), sameRead: true };
    held = mine;
    // All keys of one read are handed over before this runs.
    queueMicrotask(() => {
      mine.sameRead = false;
    });
    seen?.preview(letter);
  };
  const toText = (data: string): false => {
    const letter = letGo();
    if (letter !== "") editor.handleInput(letter);
    seen?.preview("");
    lastKey = performance.now();
    midText = !getKeybindings().matches(data, "tui.input.submit");
    return false;
  };
  const soon = () => performance.now() - lastKey < TYPING_MS;

  /** Keys that are no letters. */
  const command = (data: string, dialog: Dialog): boolean => {
    const keys = getKeybindings();
    if (keys.matches(data, "tui.select.confirm")) {
      if (held?.sameRead) return toText(data);
      if (held) answer();
      else if (!soon()) dialog.handleInput(data);
      return true;
    }
    const moves = ["tui.select.up", "tui.select.down"] as const;
    if (!dialog.writes && !moves.some((name) => keys.matches(data, name))) return toText(data);
    letGo();
    dialog.handleInput(data);
    return true;
  };

  return {
    take(data) {
      const dialog = current();
      if (dialog !== seen) {
        letGo();
        seen = dialog;
        turned = false;
      }
      if (data === answered.letter && performance.now() - answered.at < REPEAT_MS) {
        answered.at = performance.now();
        return true;
      }
      if (!dialog) return toText(data);
      const keys = getKeybindings();
      const empty = editor.getText() === "";
      if (keys.matches(data, "tui.select.cancel") && !editor.isShowingAutocomplete() && (empty || isEscape(data))) {
        letGo();
        dialog.handleInput(data);
        return true;
      }
      if (!dialog.unasked || turned) {
        if (dialog.unasked && keys.matches(data, "tui.input.tab")) turned = false;
        else dialog.handleInput(data);
        return true;
      }
      if (keys.matches(data, "tui.input.tab") && !editor.isShowingAutocomplete()) {
        letGo();
        turned = true;
        return true;
      }
      if (!empty || (midText && soon())) return toText(data);
      const text = decodeKittyPrintable(data) ?? (isText(data) ? data : undefined);
      if (text === undefined && !isPaste(data)) return command(data, dialog);
      if (dialog.writes) {
        dialog.handleInput(data);
        return true;
      }
      if (held || text === undefined || !dialog.letters.includes(text.toLowerCase())) return toText(data);
      hold(text);
      return true;
    },
    get writing() {
      const dialog = current();
      return dialog?.unasked === true && !(turned && dialog === seen) && editor.getText() !== "";
    },
  };
}

const isEscape = (data: string) => data === "\u001b" || data.startsWith("\u001b[27");
const isPaste = (data: string) => data.startsWith("\u001b[200~");
const isText = (data: string) => data !== "" && data >= " " && data !== "\u007f" && !data.startsWith("\u001b");
