/** One voice with a context of its own, for one piece of work: its calls are on record in the session, its words are not in its thread. */
import { createVoice } from "./agent/loop.ts";
import { systemText } from "./agent/prompt.ts";
import { systemClock } from "./base/clock.ts";
import { shortId } from "./base/id.ts";
import { LOCAL_USER } from "./core/actor.ts";
import { editClock } from "./core/edit-clock.ts";
import type { Emit, EventBody, EventContext } from "./core/event.ts";
import type { SubAgentWork } from "./core/ports/hands.ts";
import { NOBODY } from "./core/ports/human.ts";
import type { Journal } from "./core/ports/store.ts";
import type { Budget } from "./core/task.ts";
import { memoryJournal } from "./store/memory-journal.ts";
import { surroundingsOf } from "./surroundings.ts";
import { type Bench, type Place, workbench } from "./workbench.ts";

/** Requests to the model that one piece of work may take. */
const MOST_TURNS = 60;

export interface SubAgentOrder {
  readonly title: string;
  readonly prompt: string;
  /** Which agent does it. */
  readonly agent?: string;
  /** Where it works; absent: it looks at the workspace and changes nothing. */
  readonly copy?: NonNullable<Place["copy"]>;
  /** The call or turn of the session that it belongs to. */
  readonly where: EventContext;
}

/** Ends with its answer, or with why there is none. A sub-agent cannot start another. */
export async function runSubAgent(bench: Bench, order: SubAgentOrder, signal: AbortSignal): Promise<SubAgentWork> {
  const name = shortId("task", 6);
  const journal = memoryJournal(name, systemClock);
  const emit = telling(bench.emit, journal, {
    context: { ...order.where, voice: name },
    copy: order.copy !== undefined,
  });
  const { house, model, redactor } = bench;
  const asked = order.copy ? bench.given : { ...bench.given, mode: "plan" as const };
  const given =
    order.agent === undefined ? asked : (await import("./extensions.ts")).asAgent(house, asked, order.agent);
  const { subAgent: _none, ...own } = bench;
  const edits = editClock();
  const place = { human: NOBODY, output: emit, edits, seen: new Map() };
  const { gate, sandbox } = workbench(
    { ...own, given, emit },
    { ...place, ...(order.copy ? { copy: order.copy } : {}) },
  );
  const surroundings = surroundingsOf(house, given, redactor.text);
  const sampling = given.effort === undefined ? {} : { effort: given.effort };
  const system = systemText(given.appendSystemPrompt);
  const voice = createVoice({
    voice: name,
    system,
    model,
    sampling,
    gate,
    journal,
    emit,
    clock: systemClock,
    edits,
    surroundings,
  });
  const prompt = [{ type: "text" as const, text: order.prompt }];
  try {
    journal.append({ kind: "turn-start", prompt }, { turn: 1 });
    const task = { turn: 1, prompt, actor: LOCAL_USER, budget: budgetOf(house) };
    const outcome = await voice.run(task, signal);
    signal.throwIfAborted();
    const tokens = spentIn(journal);
    await bench.hooks?.run("SubagentStop", { agent: order.agent ?? "", last_assistant_message: outcome.text }, signal);
    const problem = outcome.fault ? { problem: outcome.fault.message } : {};
    return { text: outcome.text, requests: outcome.turns, tokens, ...problem };
  } finally {
    await sandbox.close();
  }
}

/** The limits of the session are limits of each piece of work that is handed on. */
function budgetOf({ config }: Bench["house"]): Budget {
  const [turns = MOST_TURNS, toolCalls, tokens] = ["turns", "toolCalls", "tokens"].map((key) =>
    config.get<number | undefined>(`limits.${key}`),
  );
  return {
    turns: Math.min(turns, MOST_TURNS),
    ...(toolCalls === undefined ? {} : { toolCalls }),
    ...(tokens === undefined ? {} : { tokens }),
  };
}

function spentIn(journal: Journal): number {
  return journal.events().reduce((sum, event) => {
    if (event.kind !== "model-end") return sum;
    const { input, output } = event.message.usage;
    return sum + input + output;
  }, 0);
}

/** What the session is told of: requests, calls and what was decided on them. */
const TOLD: ReadonlySet<EventBody["kind"]> = new Set([
  "model-start",
  "model-end",
  "model-note",
  "tool-requested",
  "verdict-given",
  "tool-start",
  "tool-end",
]);

/** Everything goes to the sub-agent's own journal; the session gets its deeds, under names that no call of its own has. */
function telling(session: Emit, journal: Journal, { context, copy }: Telling): Emit {
  return (body, given) => {
    const event = journal.append(body, given);
    if (TOLD.has(body.kind)) session(renamed(body, context.voice, copy), context);
    return event;
  };
}

interface Telling {
  readonly context: EventContext & { readonly voice: string };
  /** It works in a throw-away copy: nothing of it changes the workspace. */
  readonly copy: boolean;
}

function renamed(body: EventBody, name: string, copy: boolean): EventBody {
  if (body.kind === "model-start" || body.kind === "model-end") return { ...body, purpose: "task" };
  if (body.kind === "tool-end") {
    const { hash: _none, ...details } = body.details ?? {};
    return {
      ...body,
      callId: `${name}/${body.callId}`,
      details: { ...details, task: name, ...(copy ? { copy } : {}) },
    };
  }
  return "callId" in body ? { ...body, callId: `${name}/${body.callId}` } : body;
}
