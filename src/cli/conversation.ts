/** A conversation at a terminal: one live session at a time, what is said while it works, what waits, and what a line means. */
import { CrucibleError, toFault } from "../base/error.ts";
import { oneLine } from "../base/text.ts";
import type { ImagePart, TextPart } from "../core/message.ts";
import type { Effort } from "../core/model.ts";
import type { App, LiveSession, OpenOptions, Work } from "../core/ports/app.ts";
import type { OpenModel } from "../core/ports/models.ts";
import type { OutputStyle } from "../core/style.ts";
import type { Outcome, Said } from "../core/task.ts";
import type { Mode } from "../core/verdict.ts";
import type { Debug } from "./debug.ts";
import { readImage } from "./files.ts";
import type { Flags } from "./flags.ts";
import { mentions } from "./mentions.ts";
import { budgetOf, modelChoice, openOptions } from "./open-options.ts";
import { harmless } from "./output.ts";
import { faultLine } from "./render/renderer.ts";
import type { View } from "./view.ts";

const MODES: readonly Mode[] = ["default", "auto", "plan"];

export interface ConversationOptions {
  readonly app: App;
  readonly flags: Flags;
  readonly view: View;
  readonly env: Readonly<Record<string, string>>;
  readonly debug?: Debug | undefined;
  /** Runs what begins with a slash. */
  readonly slash: (line: string, conversation: Conversation) => Promise<void>;
}

export interface Conversation {
  readonly app: App;
  readonly flags: Flags;
  readonly view: View;
  readonly env: Readonly<Record<string, string>>;
  readonly live: LiveSession | undefined;
  /** The model that would answer, before there is a session. */
  readonly model: Pick<OpenModel, "ref" | "window"> | undefined;
  readonly mode: Mode;
  readonly style: OutputStyle;
  readonly effort: Effort | undefined;
  readonly busy: boolean;
  /** The last session in which something was said. */
  readonly last: string | undefined;
  /** Prompts that wait for the turn to end. */
  readonly queue: readonly string[];
  /** Ends when the person leaves, with the exit code. */
  readonly left: Promise<number>;
  /** Enter: a prompt, a command, or, while it works, something said in between. */
  submit(text: string): Promise<void>;
  /** Runs a prompt, as larger work if that is asked for. */
  prompt(text: string, work?: Work, command?: Spoken): Promise<void>;
  /** While it works: asked when it is done. */
  later(text: string): void;
  /** The last waiting prompt, taken back. */
  takeBack(): string | undefined;
  /** Asks what waits, when nothing is at work. */
  sendWaiting(): Promise<void>;
  /** Stops the turn; true when there was one. */
  interrupt(): boolean;
  cycleMode(): void;
  setMode(mode: Mode): void;
  setStyle(style: OutputStyle): void;
  /** An image for the next prompt; gives the words that stand for it. */
  attach(image: ImagePart): string;
  /** The session, opened now if there is none yet. */
  open(given?: Partial<OpenOptions>): Promise<LiveSession>;
  /** Ends the session; the next prompt begins another. */
  close(): Promise<void>;
  /** Looks which model would answer, and says what is wrong when none would. */
  look(): Promise<void>;
  leave(code?: number): Promise<void>;
}

/** What a line stands for: a command's text, and the only tools of its turn. */
export interface Spoken {
  readonly parts: Said;
  readonly only?: readonly string[];
}

interface State {
  live: LiveSession | undefined;
  model: Pick<OpenModel, "ref" | "window"> | undefined;
  mode: Mode;
  /** What a slash command chose for sessions to come. */
  chosen: Partial<OpenOptions>;
  turn: { readonly stop: AbortController; readonly steering: Said[] } | undefined;
  /** Own commands that run beside a turn or without one. */
  own: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
  /** The slash command that was given last; it may open another session. */
  command: Promise<unknown> | undefined;
  last: string | undefined;
  queue: string[];
  /** Said with the next prompt: what own commands printed. */
  pending: TextPart[];
  images: Map<string, ImagePart>;
}

export function createConversation(options: ConversationOptions): Conversation {
  const { app, flags, view, env, debug } = options;
  const left = Promise.withResolvers<number>();
  const lifetime = new AbortController();
  const configured = app.config.get<string>("permissionMode");
  const state: State = {
    ...{ live: undefined, model: undefined, turn: undefined, own: undefined, command: undefined, last: undefined },
    mode: (configured === "accept-edits" ? "default" : configured) as Mode,
    ...{ chosen: {}, queue: [], pending: [], images: new Map() },
  };
  const fail = (error: unknown) => {
    debug?.error(error);
    view.say([view.style.red(faultLine(toFault(error)))]);
  };

  const open = async (given: Partial<OpenOptions> = {}): Promise<LiveSession> => {
    if (state.live) return state.live;
    const redact = debug ? (await app.redaction()).deep : undefined;
    const opening = openOptions(flags, {
      ...{ app, human: view.human, title: given.title ?? "", work: "ask", signal: lifetime.signal },
      onEvent(event) {
        if (redact) debug?.event(redact(event));
        view.event(event);
      },
    });
    const live = await app.open({ ...opening, ...state.chosen, mode: state.mode, ...given });
    // These hold for the session that they named, not for the next one.
    state.chosen = without(state.chosen, "resume", "fork", "name", "sessionId");
    state.live = live;
    state.model = { ref: live.model.ref, window: live.window };
    for (const note of live.notes) view.say([view.style.yellow(harmless(note))]);
    view.changed();
    return live;
  };

  const partsOf = async (text: string, live: LiveSession): Promise<Said> => {
    const found = mentions(text, app.workspace);
    const texts: TextPart[] = [];
    const images: ImagePart[] = [];
    for (const path of found) {
      if (/\.(?:png|jpe?g|gif|webp)$/i.test(path)) images.push(readImage(path));
      else texts.push(await live.own({ tool: "read", input: { path } }, lifetime.signal));
    }
    for (const [mark, image] of state.images) if (text.includes(mark)) images.push(image);
    state.images.clear();
    const pending = state.pending.splice(0);
    const head = [...pending, ...texts];
    return [...head, { type: "text", text: head.length > 0 ? `\n${text}` : text }, ...images];
  };

  /** A plan that is accepted is carried out: it is the next prompt. */
  const offerPlan = async (): Promise<void> => {
    const choices = [
      { value: "default", label: "yes, carry it out" },
      { value: "auto", label: "yes, and ask nothing", about: "mode auto: what would be asked is refused" },
      { value: "", label: "not yet", about: "go on planning" },
    ];
    const answer = await view.choose("Is this the plan?", choices, "");
    if (answer !== "default" && answer !== "auto") return;
    conversation.setMode(answer);
    state.queue.unshift("The plan is accepted. Carry it out.");
  };

  const turn = async (text: string, work: Work | undefined, command?: Spoken): Promise<Outcome | undefined> => {
    const stop = new AbortController();
    const steering: Said[] = [];
    state.turn = { stop, steering };
    view.said(text, "prompt");
    view.changed();
    const started = performance.now();
    try {
      const live = await open({ title: oneLine(text, 80) });
      state.last = live.id;
      const parts = command?.parts ?? (await partsOf(text, live));
      const signal = AbortSignal.any([stop.signal, lifetime.signal]);
      const taken = () => steering.splice(0);
      const outcome = await live.prompt(parts, {
        budget: work ? {} : budgetOf(app),
        steering: taken,
        ...(work ? { work } : {}),
        only: command?.only,
        signal,
      });
      view.ended(outcome, performance.now() - started);
      if (state.mode === "plan" && outcome.status === "done" && !work) await offerPlan();
      return outcome;
    } catch (error) {
      fail(error);
      return undefined;
    } finally {
      state.turn = undefined;
      // Said too late for this turn: it begins the next one.
      for (const said of steering.reverse())
        state.queue.unshift(said.map((part) => (part.type === "text" ? part.text : "")).join(""));
      view.changed();
    }
  };

  const prompt = async (text: string, work?: Work, command?: Spoken): Promise<void> => {
    let outcome = await turn(text, work, command);
    while (outcome?.status === "done" && state.queue.length > 0 && !lifetime.signal.aborted)
      outcome = await turn(state.queue.shift() ?? "", undefined);
  };

  const steer = async (text: string): Promise<void> => {
    const { turn, live } = state;
    if (!turn || !live) return void state.queue.push(text);
    view.said(text, "steering");
    turn.steering.push(await partsOf(text, live));
  };

  const ownCommand = async (command: string): Promise<void> => {
    view.said(`!${command}`, "command");
    const stop = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    state.own = { stop, ended };
    view.changed();
    try {
      const live = await open({ title: `!${oneLine(command, 79)}` });
      const part = await live.own(
        { tool: "shell", input: { command } },
        AbortSignal.any([stop.signal, lifetime.signal]),
      );
      if (state.turn) state.turn.steering.push([part]);
      else state.pending.push(part);
    } finally {
      state.own = undefined;
      resolve();
      view.changed();
    }
  };

  const conversation: Conversation = {
    ...{ app, flags, view, env, left: left.promise },
    get live() {
      return state.live;
    },
    get model() {
      return state.model;
    },
    get mode() {
      return state.mode;
    },
    get style() {
      return state.chosen.style ?? app.config.get<OutputStyle>("style");
    },
    get effort() {
      return state.chosen.effort ?? app.config.get<Effort | undefined>("effort");
    },
    get busy() {
      return state.turn !== undefined || state.own !== undefined;
    },
    get last() {
      return state.last;
    },
    get queue() {
      return state.queue;
    },
    async submit(text) {
      const line = text.trim();
      try {
        if (line === "") return;
        if (line.startsWith("/") && !line.startsWith("//")) {
          view.said(line, "slash");
          const command = options.slash(line, conversation);
          state.command = command.catch(() => undefined);
          return await command;
        }
        if (/^# +\S[^\n]*$/.test(line)) return await options.slash(`/remember ${line.slice(1).trim()}`, conversation);
        if (line.startsWith("!")) return line.length > 1 ? await ownCommand(line.slice(1).trim()) : undefined;
        // What an own command prints belongs to the prompt that follows it.
        if (!state.turn) await state.own?.ended;
        // The session that a command is about to open is the one that is meant.
        if (!state.turn) await state.command;
        await (state.turn ? steer(line) : prompt(line));
      } catch (error) {
        fail(error);
      }
    },
    prompt,
    later(text) {
      if (!state.turn) return void conversation.submit(text);
      state.queue.push(text);
      view.changed();
    },
    takeBack() {
      const text = state.queue.pop();
      view.changed();
      return text;
    },
    async sendWaiting() {
      if (state.turn) return;
      const text = state.queue.shift();
      if (text !== undefined) await prompt(text);
    },
    interrupt() {
      const running = state.turn?.stop ?? state.own?.stop;
      running?.abort();
      return running !== undefined;
    },
    cycleMode: () => conversation.setMode(MODES[(MODES.indexOf(state.mode) + 1) % MODES.length] ?? "default"),
    setMode(mode) {
      state.mode = mode;
      state.live?.setMode(mode);
      view.changed();
    },
    setStyle(style) {
      state.chosen = { ...state.chosen, style };
      state.live?.setStyle(style);
    },
    attach(image) {
      const mark = `[image ${state.images.size + 1}]`;
      state.images.set(mark, image);
      return mark;
    },
    async open(given = {}) {
      const { title, ...lasting } = given;
      state.chosen = { ...state.chosen, ...lasting };
      return open(title === undefined ? {} : { title });
    },
    async close() {
      const { live } = state;
      if (state.turn) throw new CrucibleError("usage", "it is still at work", { hint: "stop it first: Esc" });
      state.live = undefined;
      await live?.close();
      view.changed();
    },
    async look() {
      try {
        const choice = state.chosen.model ?? modelChoice(flags);
        const model = await (await app.models()).open(choice, lifetime.signal);
        state.model ??= { ref: model.ref, window: model.window };
        view.changed();
      } catch (error) {
        if (!lifetime.signal.aborted) fail(error);
      }
    },
    async leave(code = 0) {
      lifetime.abort();
      const { live } = state;
      state.live = undefined;
      await live?.close().catch(fail);
      left.resolve(code);
    },
  };
  return conversation;
}

function without<T extends object>(value: T, ...names: readonly (keyof T)[]): T {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name as keyof T))) as T;
}
