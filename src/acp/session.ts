/** One session of an editor: opened when something is first said, its events told as they happen, one prompt at a time. */
import {
  type AgentContext,
  type ClientCapabilities,
  type ContentBlock,
  methods,
  type SessionUpdate,
  type StopReason,
} from "@agentclientprotocol/sdk";
import { CrucibleError, type FaultCode } from "../base/error.ts";
import { oneLine, plural } from "../base/text.ts";
import type { LiveSession, OpenOptions, Work } from "../core/ports/app.ts";
import type { Ground } from "../core/ports/serving.ts";
import type { UndoOptions } from "../core/ports/undo.ts";
import { standing } from "../core/standing.ts";
import type { Outcome, Said } from "../core/task.ts";
import type { Mode } from "../core/verdict.ts";
import { availableCommands, meantBy } from "./commands.ts";
import { editorHuman } from "./editor-human.ts";
import { CONFIGURED } from "./modes.ts";
import { saidOf, wordsIn } from "./said.ts";
import { createUpdates } from "./updates.ts";

export interface SessionParts {
  readonly id: string;
  readonly ground: Ground;
  readonly client: AgentContext;
  readonly able: () => ClientCapabilities;
  /** What the editor asked for when it made the session. */
  readonly given: Pick<OpenOptions, "mcpConfig" | "addDirs">;
  /** It exists already. */
  readonly known: boolean;
  readonly tell: (line: string) => void;
}

export interface EditorSession {
  readonly mode: Mode;
  readonly model: string;
  /** Throws the fault that ended the turn; what a limit ended is a stop reason. */
  prompt(blocks: readonly ContentBlock[], signal: AbortSignal): Promise<StopReason>;
  cancel(): void;
  setMode(mode: Mode): void;
  /** From the next prompt on. */
  setModel(name: string): Promise<void>;
  /** Tells everything that was said so far. */
  replay(): Promise<void>;
  /** Says which slash commands there are. */
  greet(): void;
  close(): Promise<void>;
}

/** Limits that end a turn without anything being wrong. */
const STOPS: Readonly<Partial<Record<FaultCode, StopReason>>> = {
  "turn-limit": "max_turn_requests",
  "wall-time": "max_turn_requests",
  "budget-spent": "max_tokens",
  "context-overflow": "max_tokens",
};
const PLAN = ["Yes, carry it out", "Yes, and ask nothing", "Not yet"] as const;
const CARRY_OUT: Said = [{ type: "text", text: "The plan is accepted. Carry it out." }];

export function createEditorSession(parts: SessionParts): EditorSession {
  const { id, ground, client, tell } = parts;
  const { app, base } = ground;
  const lifetime = new AbortController();
  const human = editorHuman(client, id, parts.able);
  const updates = createUpdates({ workspace: app.workspace, stored: false });
  let { mode } = base;
  let model = CONFIGURED;
  let known = parts.known;
  let live: LiveSession | undefined;
  let turn: { readonly stop: AbortController; readonly ended: Promise<unknown> } | undefined;

  const send = (update: SessionUpdate): void =>
    // An editor that has gone is not told; its end is seen at the connection.
    void client.notify(methods.client.session.update, { sessionId: id, update }).catch(() => undefined);
  const say = (text: string) => send({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } });

  const open = async (title: string): Promise<LiveSession> => {
    if (live) return live;
    live = await app.open({
      ...base,
      ...parts.given,
      ...(model === CONFIGURED ? {} : { model: choiceOf(base.model, model) }),
      ...(known ? { resume: id } : { sessionId: id }),
      ...{ human, mode, title, signal: lifetime.signal },
      onEvent(event) {
        for (const update of updates.take(event)) send(update);
        if (event.kind === "model-end" && event.purpose === "turn" && live) {
          const { input, output } = event.message.usage;
          send({ sessionUpdate: "usage_update", used: input + output, size: live.window.tokens });
        }
      },
    });
    known = true;
    for (const note of live.notes) tell(note);
    return live;
  };

  const setMode = (next: Mode) => {
    if (next === mode) return;
    mode = next;
    if (live) live.setMode(next);
    else send({ sessionUpdate: "current_mode_update", currentModeId: next });
  };

  const run = async (
    session: LiveSession,
    said: Said,
    order: { work?: Work; signal: AbortSignal },
  ): Promise<Outcome> => {
    updates.spoke();
    const budget = order.work ? {} : ground.budget;
    const outcome = await session.prompt(said, { ...order, budget });
    if (!updates.spoke() && outcome.text !== "") say(outcome.text);
    return outcome;
  };

  /** A plan that is accepted is carried out at once. */
  const accepted = async (signal: AbortSignal): Promise<boolean> => {
    const answer = await human.ask("Is this the plan?", PLAN, signal);
    if (answer === PLAN[0]) setMode("default");
    else if (answer === PLAN[1]) setMode("auto");
    return answer === PLAN[0] || answer === PLAN[1];
  };

  const takeBack = async (options: UndoOptions): Promise<void> => {
    const report = await (await open("undo")).undo(options);
    const what = `${plural(report.turns.length, "turn")}, ${plural(report.files.length, "file")}`;
    if (report.done) return say(`${report.redo ? "done again" : "taken back"}: ${what}`);
    const paths = report.conflicts.map(({ path, why }) => `${path} (${why})`).join(", ");
    say(`nothing was changed: somebody else changed ${paths}. With a choice: crucible undo --keep-mine`);
  };

  const work = async (blocks: readonly ContentBlock[], signal: AbortSignal): Promise<StopReason> => {
    const words = wordsIn(blocks);
    const meant = meantBy(words);
    if (meant?.mode) setMode(meant.mode);
    if (meant?.undo) await takeBack(meant.undo);
    if (meant?.compact) {
      await (await open("compact")).compact(signal);
      say("What was said so far is a summary now.");
    }
    if (meant && meant.words === undefined) return "end_turn";
    const session = await open(oneLine(words, 80));
    const replaced = meant?.words;
    const plain = replaced === undefined ? blocks : [{ type: "text" as const, text: replaced }, ...others(blocks)];
    const said = await saidOf(plain, session, signal);
    const order = { signal, ...(meant?.work ? { work: meant.work } : {}) };
    let outcome = await run(session, said, order);
    if (mode === "plan" && outcome.status === "done" && !meant?.work && (await accepted(signal)))
      outcome = await run(session, CARRY_OUT, { signal });
    return stopOf(outcome, say, signal);
  };

  return {
    get mode() {
      return mode;
    },
    get model() {
      return model;
    },
    async prompt(blocks, given) {
      if (turn)
        throw new CrucibleError("session-busy", "a prompt is still at work in this session", {
          hint: "cancel it first",
        });
      const stop = new AbortController();
      const ended = work(blocks, AbortSignal.any([stop.signal, given, lifetime.signal]));
      turn = { stop, ended: ended.catch(() => undefined) };
      try {
        return await ended;
      } catch (error) {
        if (stop.signal.aborted || given.aborted) return "cancelled";
        throw error;
      } finally {
        turn = undefined;
      }
    },
    cancel: () => turn?.stop.abort(new CrucibleError("aborted", "cancelled")),
    setMode,
    async setModel(name) {
      if (turn) throw new CrucibleError("session-busy", "a prompt is still at work in this session");
      model = name;
      const was = live;
      live = undefined;
      await was?.close();
    },
    async replay() {
      const history = createUpdates({ workspace: app.workspace, stored: true });
      const events = (await app.sessions()).read(id);
      for (const event of standing(events)) for (const update of history.take(event)) send(update);
    },
    greet: () => send({ sessionUpdate: "available_commands_update", availableCommands }),
    async close() {
      lifetime.abort(new CrucibleError("aborted", "the session is closed"));
      await turn?.ended;
      const was = live;
      live = undefined;
      await was?.close();
    },
  };
}

/** With a server of one's own the bare name chooses among its models. */
function choiceOf(given: OpenOptions["model"], name: string): OpenOptions["model"] {
  const own = given.baseUrl !== undefined || given.localProvider !== undefined;
  return own ? { ...given, model: name.slice(name.indexOf("/") + 1) } : { model: name };
}

const others = (blocks: readonly ContentBlock[]) => blocks.filter(({ type }) => type !== "text");

/** Work that ended with findings or without a decision has told so already. */
function stopOf({ status, fault }: Outcome, say: (text: string) => void, signal: AbortSignal): StopReason {
  if (status === "done") return "end_turn";
  if (status === "cancelled" || signal.aborted || !fault) return "cancelled";
  const { code, message, hint } = fault;
  const stop = STOPS[code];
  if (!stop && code !== "findings" && code !== "undecided")
    throw new CrucibleError(code, message, hint === undefined ? {} : { hint });
  say(`\n${message}${hint === undefined ? "" : `\n${hint}`}`);
  return stop ?? "end_turn";
}
