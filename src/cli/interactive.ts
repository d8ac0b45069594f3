/** `crucible` at a terminal: a conversation with its screen, its keys and its ending. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toFault } from "../base/error.ts";
import type { App } from "../core/ports/app.ts";
import type { CommandContext } from "../core/ports/cli.ts";
import { type Conversation, createConversation } from "./conversation.ts";
import { createDebug } from "./debug.ts";
import { clipboardImage, desktopNotice, editText, ownProgram } from "./desktop.ts";
import { workFolder } from "./files.ts";
import type { Flags } from "./flags.ts";
import { configFlags } from "./open-options.ts";
import { allowClosedPipes, wantsColor } from "./output.ts";
import { promptHistory } from "./prompt-history.ts";
import { faultLine } from "./render/renderer.ts";
import { modelCommands } from "./slash/model.ts";
import { programCommands, runSlash } from "./slash/program.ts";
import { sessionCommands } from "./slash/session.ts";
import type { SlashCommand, Talk } from "./slash/slash.ts";
import { completionFor } from "./tui/completion.ts";
import { type Keys, loadKeys } from "./tui/keys.ts";
import { createTerminalView, type TerminalView } from "./tui/terminal-view.ts";
import type { ThemeName } from "./tui/theme.ts";

/** Two presses within this time are one wish (milliseconds). */
const TWICE_MS = 1_500;

const COMMANDS: Readonly<Record<string, SlashCommand>> = { ...sessionCommands, ...modelCommands, ...programCommands };

/** Talks until the person leaves; gives the exit code. */
export async function interactive(flags: Flags, context: CommandContext): Promise<number> {
  allowClosedPipes();
  const workspace = workFolder(flags.text("cd"));
  const app = await context.makeApp({ workspace, bare: flags.has("bare"), flags: configFlags(flags) });
  const path = join(app.config.places.config, "keybindings.json");
  const keys = loadKeys(readIfThere(path), path);
  const debug = flags.has("debug-file") ? createDebug(flags.text("debug-file")) : undefined;
  const history = promptHistory(join(app.config.places.state, "prompts.jsonl"), app.workspace);
  const face: Face = { app, keys, history, env: context.env, last: { cancel: 0, interrupt: 0 } };
  const view = createTerminalView({
    theme: app.config.get<ThemeName>("ui.theme"),
    color: wantsColor(flags.text("color") ?? "auto", true, context.env),
    verbose: flags.has("verbose"),
    onKey: (data) => pressed(data, { ...face, view, conversation }),
    onSubmit: (text) => void submitted(text, { ...face, view, conversation }),
    notice: (text) => notice(app, text),
  });
  const conversation: Conversation = createConversation({
    ...{ app, flags, view, env: context.env, debug },
    slash: (line, talk) => runSlash(line, talkOf(talk, { ...face, view, conversation: talk })),
  });
  for (const text of history.list()) view.editor.addToHistory(text);
  const signals = leaveOnSignals(conversation);
  view.start(conversation, completion(app, conversation));
  greet(view, app, context.version);
  void begin(conversation, { flags, view });
  try {
    return await conversation.left;
  } finally {
    signals.stop();
    view.stop();
    if (conversation.live) process.stdout.write("");
  }
}

interface Face {
  readonly app: App;
  readonly keys: Keys;
  readonly history: ReturnType<typeof promptHistory>;
  readonly env: Readonly<Record<string, string>>;
  /** When the keys that count twice were last pressed. */
  readonly last: { cancel: number; interrupt: number };
}

interface Place extends Face {
  readonly view: TerminalView;
  readonly conversation: Conversation;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** What stands at the top: who it is, where it works, how to find the rest. */
function greet(view: TerminalView, app: App, version: string): void {
  const { style } = view;
  view.say([
    `${style.bold("crucible")} ${style.dim(version)}  ${style.dim(app.workspace)}`,
    style.dim("/help · @file · !command · Shift+Tab: mode · Ctrl+C twice: leave"),
    ...app.config.notes.map((note) => style.yellow(note)),
    "",
  ]);
}

/** Sessions and prompts of the command line first; else a look at the model that would answer. */
async function begin(conversation: Conversation, { flags, view }: { flags: Flags; view: TerminalView }): Promise<void> {
  const { app } = conversation;
  void app.sandboxStatus().then(
    (status) => view.sandbox(flags.text("sandbox") === "off" ? "OFF" : (status.backend ?? "none")),
    () => view.sandbox("none"),
  );
  const words = flags.words.join(" ").trim();
  try {
    if (flags.has("continue") || flags.has("resume")) await conversation.open();
    else if (words === "") await conversation.look();
    if (words !== "") await conversation.submit(words);
  } catch (error) {
    view.say([view.style.red(faultLine(toFault(error)))]);
  }
}

function talkOf(conversation: Conversation, place: Place): Talk {
  const { view, app } = place;
  const talk: Omit<Talk, keyof Conversation> = {
    keys: place.keys,
    commands: COMMANDS,
    say: (...lines) => view.say(lines),
    async program(...words) {
      const stop = AbortSignal.timeout(600_000);
      const { output } = await ownProgram(words, {
        cwd: app.workspace,
        color: view.style.bold("x") !== "x",
        columns: view.columns,
        env: place.env,
        signal: stop,
      });
      view.say(output.trimEnd().split("\n"));
    },
  };
  // The conversation's own values stay alive: they are read when they are asked for.
  return Object.defineProperties(Object.create(conversation), Object.getOwnPropertyDescriptors(talk)) as Talk;
}

function completion(app: App, conversation: Conversation) {
  const commands = Object.entries(COMMANDS).map(([name, { about, hint, complete }]) => ({
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
  if (text.trim() === "") return;
  history.add(text.trim());
  view.editor.addToHistory(text.trim());
  view.hint("");
  await conversation.submit(text);
}

/** Our own keys; true: the editor does not see it. */
function pressed(data: string, place: Place): boolean {
  const { keys, view, conversation } = place;
  const { editor } = view;
  const empty = editor.getText() === "";
  const completing = editor.isShowingAutocomplete();
  if (keys.matches(data, "app.cancel")) return cancel(place);
  if (keys.matches(data, "app.interrupt")) return completing ? false : interrupt(place);
  view.hint("");
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
  if (keys.matches(data, "app.details")) {
    view.details();
    return true;
  }
  if (keys.matches(data, "app.redraw")) {
    view.redraw();
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

async function writeOutside({ view, env }: Place): Promise<void> {
  try {
    const text = await view.alone(() => editText(view.editor.getExpandedText(), env));
    view.propose(text);
  } catch (error) {
    view.hint(faultLine(toFault(error)));
  }
}

function pasteImage({ view, conversation }: Place): boolean {
  try {
    const image = clipboardImage();
    if (image) view.editor.insertTextAtCursor(`${conversation.attach(image)} `);
    else view.hint("the clipboard holds no image");
  } catch (error) {
    view.hint(faultLine(toFault(error)));
  }
  return true;
}

/** A bell, a notice of the desktop, or nothing, as `ui.notify` says. */
function notice(app: App, text: string): void {
  const way = app.config.get<string>("ui.notify");
  if (way === "bell") process.stdout.write("\u0007");
  if (way === "desktop") desktopNotice("crucible", text);
}

function leaveOnSignals(conversation: Conversation): { stop(): void } {
  const leave = (code: number) => () => void conversation.leave(code);
  const handlers = { SIGTERM: leave(143), SIGHUP: leave(143), SIGINT: leave(130) } as const;
  for (const [name, handler] of Object.entries(handlers)) process.on(name, handler);
  return {
    stop() {
      for (const [name, handler] of Object.entries(handlers)) process.off(name, handler);
    },
  };
}
