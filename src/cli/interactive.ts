/** `crucible` at a terminal: a conversation, the face it is held through, and its ending. */
import { join } from "node:path";
import { toFault } from "../base/error.ts";
import type { App } from "../core/ports/app.ts";
import type { CommandContext } from "../core/ports/cli.ts";
import { type Conversation, createConversation } from "./conversation.ts";
import { createDebug } from "./debug.ts";
import { desktopNotice, ownProgram } from "./desktop.ts";
import type { Face, FaceOptions } from "./face.ts";
import { workFolder } from "./files.ts";
import type { Flags } from "./flags.ts";
import { lastWords } from "./last-words.ts";
import { configFlags } from "./open-options.ts";
import { allowClosedPipes, harmless, processOutput, wantsColor } from "./output.ts";
import { promptHistory } from "./prompt-history.ts";
import { faultLine } from "./render/renderer.ts";
import { customSlash, extendCommands } from "./slash/extend.ts";
import { modelCommands } from "./slash/model.ts";
import { programCommands, runSlash } from "./slash/program.ts";
import { sessionCommands } from "./slash/session.ts";
import type { SlashCommand, Talk } from "./slash/slash.ts";
import { undoCommands } from "./slash/undo.ts";
import type { View } from "./view.ts";

const COMMANDS: Readonly<Record<string, SlashCommand>> = {
  ...{ ...sessionCommands, ...modelCommands },
  ...{ ...undoCommands, ...extendCommands, ...programCommands },
};

/** Talks until the person leaves; gives the exit code. */
export async function interactive(flags: Flags, context: CommandContext): Promise<number> {
  allowClosedPipes();
  const { env } = context;
  const app = await context.makeApp({
    workspace: workFolder(flags.text("cd")),
    bare: flags.has("bare"),
    flags: configFlags(flags),
  });
  const commands = { ...(await customSlash(app)), ...COMMANDS };
  const face = await faceFor(flags, {
    ...{ app, env, commands },
    history: promptHistory(join(app.config.places.state, "prompts.jsonl"), app.workspace),
    color: wantsColor(flags.text("color") ?? "auto", true, env),
    verbose: flags.has("verbose"),
    sandboxOff: flags.text("sandbox") === "off",
    notice: (text) => notice(app, text, env),
  });
  const { view } = face;
  const debug = flags.has("debug-file") ? createDebug(flags.text("debug-file")) : undefined;
  const conversation = createConversation({
    ...{ app, flags, view, env, debug },
    slash: (line, talk) => runSlash(line, talkOf(talk, face, commands)),
  });
  const signals = leaveOnSignals(conversation);
  face.start(conversation);
  greet(view, app, context.version, face.notes);
  void begin(conversation, flags);
  try {
    return await conversation.left;
  } finally {
    signals.stop();
    face.stop();
    const { last } = conversation;
    const place = flags.has("worktree") ? `-w ${flags.text("worktree")} ` : "";
    if (last !== undefined) process.stdout.write(`session ${last.slice(0, 13)} · go on with: crucible ${place}-c\n`);
  }
}

/** Line by line where nothing can be drawn, or nothing should be. */
async function faceFor(flags: Flags, options: FaceOptions): Promise<Face> {
  if (!flags.has("screen-reader") && options.env["TERM"] !== "dumb")
    return (await import("./tui/face.ts")).terminalFace(options);
  const { linearFace } = await import("./linear-view.ts");
  return linearFace(processOutput("never", options.env), options);
}

/** What stands at the top: who it is, where it works, how to find the rest. */
function greet(view: View, app: App, version: string, notes: readonly string[]): void {
  const { style } = view;
  view.say([
    `${style.bold("crucible")} ${style.dim(version)}  ${style.dim(app.workspace)}`,
    style.dim("/help · @file · !command · Shift+Tab: mode · Ctrl+C twice: leave"),
    ...[...app.config.notes, ...notes].map((note) => style.yellow(harmless(note))),
    "",
  ]);
}

/** Sessions and prompts of the command line first; else a look at the model that would answer. */
async function begin(conversation: Conversation, flags: Flags): Promise<void> {
  const { view } = conversation;
  const words = flags.words.join(" ").trim();
  try {
    if (flags.has("continue") || flags.has("resume")) view.say(lastWords(await conversation.open(), view.style));
    else if (words === "") await conversation.look();
    if (words !== "") await conversation.submit(words);
  } catch (error) {
    view.say([view.style.red(faultLine(toFault(error)))]);
  }
}

function talkOf(conversation: Conversation, face: Face, commands: Talk["commands"]): Talk {
  const { view, app, env } = conversation;
  const talk: Omit<Talk, keyof Conversation> = {
    keys: () => face.keys(),
    commands,
    say: (...lines) => view.say(lines),
    async program(...words) {
      const stop = AbortSignal.timeout(600_000);
      await ownProgram(words, {
        cwd: app.workspace,
        color: view.style.bold("x") !== "x",
        columns: view.columns,
        env,
        signal: stop,
        onLine: (line) => view.say([line]),
      });
    },
  };
  // The conversation's own values stay alive: they are read when they are asked for.
  return Object.defineProperties(Object.create(conversation), Object.getOwnPropertyDescriptors(talk)) as Talk;
}

/** A bell, a notice of the desktop, or nothing, as `ui.notify` says. */
function notice(app: App, text: string, env: Readonly<Record<string, string>>): void {
  const way = app.config.get<string>("ui.notify");
  if (way === "bell") process.stdout.write("\u0007");
  if (way === "desktop") desktopNotice("crucible", text, env);
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
