/** The full terminal face of a conversation: its screen, its keys, its completion. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toFault } from "../../base/error.ts";
import type { App } from "../../core/ports/app.ts";
import type { Conversation } from "../conversation.ts";
import { clipboardImage, editText } from "../desktop.ts";
import type { Face, FaceOptions } from "../face.ts";
import type { PromptHistory } from "../prompt-history.ts";
import { faultLine } from "../render/renderer.ts";
import type { SlashCommand } from "../slash/slash.ts";
import { type Completion, completionFor } from "./completion.ts";
import { type Keys, loadKeys } from "./keys.ts";
import { createTerminalView, type TerminalView } from "./terminal-view.ts";
import type { ThemeName } from "./theme.ts";

/** Two presses within this time are one wish (milliseconds). */
const TWICE_MS = 1_500;

export function terminalFace(options: FaceOptions): Face {
  const { app, history, commands } = options;
  const path = join(app.config.places.config, "keybindings.json");
  const keys = loadKeys(readIfThere(path), path);
  let place: Place | undefined;
  const view = createTerminalView({
    theme: app.config.get<ThemeName>("ui.theme"),
    color: options.color,
    verbose: options.verbose,
    onKey: (data) => place !== undefined && pressed(data, place),
    onSubmit: (text) => place && void submitted(text, place),
    notice: options.notice,
  });
  for (const text of history.list()) view.editor.addToHistory(text);
  return {
    view,
    notes: keys.notes,
    keys: () => keys.list(),
    start(conversation) {
      const offers = completion(app, commands, conversation);
      place = {
        ...{ keys, view, conversation, offers, history },
        env: options.env,
        last: { cancel: Number.NEGATIVE_INFINITY, interrupt: Number.NEGATIVE_INFINITY },
      };
      view.start(conversation, offers);
      void app.sandboxStatus().then(
        (status) => view.sandbox(options.sandboxOff ? "OFF" : (status.backend ?? "none")),
        () => view.sandbox("none"),
      );
    },
    stop: () => view.stop(),
  };
}

interface Place {
  readonly view: TerminalView;
  readonly keys: Keys;
  readonly conversation: Conversation;
  readonly offers: Completion;
  readonly history: PromptHistory;
  readonly env: Readonly<Record<string, string>>;
  /** When the keys that count twice were last pressed. */
  readonly last: { cancel: number; interrupt: number };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function completion(app: App, table: Readonly<Record<string, SlashCommand>>, conversation: Conversation) {
  const commands = Object.entries(table).map(([name, { about, hint, complete }]) => ({
    name,
    description: about,
    ...(hint === undefined ? {} : { argumentHint: hint }),
    ...(complete === undefined
      ? {}
      : {
          getArgumentCompletions: async (prefix: string) =>
            [...(await complete(prefix, conversation))]
              .filter((value) => value.startsWith(prefix))
              .map((value) => ({ value, label: value })),
        }),
  }));
  return completionFor(commands, app.workspace, () => app.files());
}

async function submitted(text: string, { view, conversation, history }: Place): Promise<void> {
  if (text.trim() === "") return conversation.sendWaiting();
  history.add(text.trim());
  view.editor.addToHistory(text.trim());
  view.hint("");
  await conversation.submit(text);
}

/** Our own keys; true: the editor does not see it. */
function pressed(data: string, place: Place): boolean {
  const { keys, view, conversation, offers } = place;
  const { editor } = view;
  const empty = editor.getText() === "";
  const completing = editor.isShowingAutocomplete();
  if (keys.matches(data, "app.cancel")) return cancel(place);
  if (keys.matches(data, "app.interrupt")) return completing ? false : interrupt(place);
  view.hint("");
  if (completing && keys.matches(data, "tui.select.confirm") && offers.whole(editor.getText())) {
    // The list goes; the same key then sends the line.
    editor.handleInput("\u001b");
    return false;
  }
  if (keys.matches(data, "app.leave") && empty) {
    void conversation.leave();
    return true;
  }
  if (keys.matches(data, "app.mode")) {
    conversation.cycleMode();
    return true;
  }
  if (keys.matches(data, "app.queue") && conversation.busy && !empty) {
    conversation.later(editor.getExpandedText().trim());
    editor.setText("");
    return true;
  }
  if (data === "\u001b[A" && empty && conversation.queue.length > 0) {
    editor.setText(conversation.takeBack() ?? "");
    return true;
  }
  // Without a running command the key moves the cursor.
  if (keys.matches(data, "app.background") && view.running) {
    void conversation.live?.background().then((sent) => sent || view.hint("no command runs yet"));
    return true;
  }
  if (keys.matches(data, "app.details")) {
    view.details();
    return true;
  }
  if (keys.matches(data, "app.redraw")) {
    view.redraw();
    return true;
  }
  if (keys.matches(data, "app.suspend")) {
    void view.alone(suspended);
    return true;
  }
  if (keys.matches(data, "app.history")) {
    void searchHistory(place);
    return true;
  }
  if (keys.matches(data, "app.editor")) {
    void writeOutside(place);
    return true;
  }
  if (keys.matches(data, "app.pasteImage")) return pasteImage(place);
  return false;
}

function cancel({ view, conversation, last }: Place): boolean {
  const now = performance.now();
  const { editor } = view;
  if (editor.getText() !== "") {
    editor.setText("");
    return true;
  }
  if (conversation.interrupt()) return true;
  if (now - last.cancel < TWICE_MS) void conversation.leave();
  else view.hint("Ctrl+C again leaves");
  last.cancel = now;
  return true;
}

function interrupt({ view, conversation, last }: Place): boolean {
  const now = performance.now();
  if (conversation.interrupt()) return true;
  if (view.editor.getText() === "" && now - last.interrupt < TWICE_MS) void conversation.submit("/rewind");
  last.interrupt = now;
  return false;
}

async function searchHistory({ view, history }: Place): Promise<void> {
  const texts = [...new Set([...history.list(true)].reverse())];
  if (texts.length === 0) return view.hint("there are no earlier prompts");
  const chosen = await view.choose(
    "Which prompt? (type to narrow the list)",
    texts.slice(0, 300).map((text, index) => ({ value: String(index), label: text })),
  );
  if (chosen !== undefined) view.propose(texts[Number(chosen)] ?? "");
}

/** Stops this process and those around it, as a terminal would; goes on after `fg`, or at once where no shell can bring it back. */
async function suspended(): Promise<void> {
  process.kill(0, "SIGTSTP");
  // The signal counts from the next turn of the loop on; a stopped process has no turns.
  await new Promise((resolve) => setTimeout(resolve, 50));
}

async function writeOutside({ view, env }: Place): Promise<void> {
  try {
    const text = await view.alone(() => editText(view.editor.getExpandedText(), env));
    view.propose(text);
  } catch (error) {
    view.hint(faultLine(toFault(error)));
  }
}

function pasteImage({ view, conversation, env }: Place): boolean {
  try {
    const image = clipboardImage(env);
    if (image) view.editor.insertTextAtCursor(`${conversation.attach(image)} `);
    else view.hint("the clipboard holds no image");
  } catch (error) {
    view.hint(faultLine(toFault(error)));
  }
  return true;
}
