/** Asks several voices the same stage: warm first, then as many at a time as there are slots, until enough is known. */
import type { Json } from "../base/canonical-json.ts";
import { parseJson } from "../base/json-answer.ts";
import { plural } from "../base/text.ts";
import type { CouncilCost, CouncilVoiceReport, StopReason } from "../core/council.ts";
import type { VoiceCall, VoiceReply } from "../core/ports/council.ts";
import { difference } from "./budget.ts";
import type { Member } from "./plan.ts";
import { seedOf } from "./plan.ts";
import { COUNCIL_SYSTEM, repairText, type Stage, tailOf } from "./prompts.ts";
import type { Sitting } from "./sitting.ts";

/** Shortest wait before the others may decide without the last voices (milliseconds). */
const GRACE_MS = 2_000;
/** Shortest wait for the last voices of a round, once the others have answered (milliseconds). */
const PATIENCE_MS = 60_000;

export interface Question {
  /** Names the round: a voice is asked once in each. */
  readonly round: string;
  readonly stage: Stage;
  readonly form: (member: Member) => Readonly<Record<string, unknown>>;
  readonly maxTokens: number;
  /** Part of the wall time that is left which this round may take; default all. */
  readonly share?: number;
  /** The order in which a voice reads what it judges. */
  readonly order?: (member: Member) => readonly string[];
  /** Appended to the shared prefix; the same for all. */
  readonly shared?: string;
  /** What this member alone reads, before its tail; `read` are the answers of those on whom it depends. */
  readonly extra?: (member: Member, read: readonly Answer[]) => string;
  /** Who depends on others waits for them. */
  readonly inTurn?: boolean;
  /** Looked at after each answer. */
  readonly enough?: (answers: readonly Answer[], outstanding: readonly Member[]) => StopReason | undefined;
}

/** One voice's part in a round. `value` is there exactly when the status is `ok`. */
export type Answer = CouncilVoiceReport & { readonly value?: Json };

export interface Round {
  readonly answers: readonly Answer[];
  readonly stop?: StopReason;
}

type Recorded = {
  readonly answers: readonly Answer[];
  readonly stop: StopReason | null;
  readonly cost: CouncilCost;
};

/** A whole round is on record with what ended it: a replay does not depend on who answered first. */
export async function askVoices(sitting: Sitting, members: readonly Member[], question: Question): Promise<Round> {
  if (members.length === 0) return { answers: [] };
  const { steps } = sitting.ports;
  let live = false;
  const recorded = await steps.once(`round/${question.round}`, async (): Promise<Json> => {
    live = true;
    const before = { ...sitting.budget.cost };
    const round = await run(sitting, members, question);
    const cost = difference(sitting.budget.cost, before);
    return { answers: round.answers, stop: round.stop ?? null, cost } as unknown as Json;
  });
  const { answers, stop, cost } = recorded as unknown as Recorded;
  if (!live) sitting.budget.add(cost);
  for (const { voice, group, stage, status, ms, problem } of answers)
    sitting.voices.push({ voice, group, stage, status, ms, ...(problem === undefined ? {} : { problem }) });
  return { answers, ...(stop === null ? {} : { stop }) };
}

async function run(sitting: Sitting, members: readonly Member[], question: Question): Promise<Round> {
  const cancel = new AbortController();
  const done = new Map<string, Answer>();
  let stop: StopReason | undefined;
  let queue: Member[] = [];
  let heard: Answer[] | undefined;
  let looked = 0;
  const ordered = () => members.flatMap((member) => done.get(member.voice.id) ?? []);
  const look = (answers: Answer[]) => {
    const outstanding = members.filter(({ voice }) => !answers.some((answer) => answer.voice === voice.id));
    if (stop !== undefined || outstanding.length === 0) return;
    stop = question.enough?.(answers, outstanding);
    if (stop === undefined) return;
    heard = answers;
    cancel.abort();
  };
  const waiting = createPatience(() => look(ordered()));
  const worker = async (onFirst?: () => void) => {
    for (let member = queue.shift(); member !== undefined && stop === undefined; member = queue.shift()) {
      const read = ordered().filter(({ voice }) => member?.dependsOn.includes(voice));
      const asking = { cancel: cancel.signal, late: waiting.late(), waiting: queue.length, onFirst, read };
      if (queue.length === 0) waiting.start(ordered());
      const answer = await askOne(sitting, member, question, asking);
      if (answer === "budget" || answer === "deadline") {
        stop ??= answer;
        break;
      }
      done.set(member.voice.id, answer);
      if (queue.length === 0) waiting.start(ordered());
      // One after the other as they sit, not as they were quicker: the same answers give the same end.
      for (const answers = leading(members, done); looked < answers.length && stop === undefined; )
        look(answers.slice(0, ++looked));
    }
    onFirst?.();
  };
  for (const wave of question.inTurn ? wavesOf(members) : [members]) {
    if (stop !== undefined) break;
    queue = [...wave];
    await inLanes(sitting, worker, queue.length).finally(waiting.end);
  }
  sitting.signal.throwIfAborted();
  const kept = heard;
  // Who was cut off is told; who answered beside what was looked at is not counted, as if it had not been asked.
  const answers = ordered().filter((answer) => !kept || kept.includes(answer) || answer.status === "cancelled");
  return { answers, ...(stop === undefined ? {} : { stop }) };
}

/** Answers of those who sit first, up to the first that is still out. */
function leading(members: readonly Member[], done: ReadonlyMap<string, Answer>): Answer[] {
  const out = members.findIndex(({ voice }) => !done.has(voice.id));
  return members.slice(0, out < 0 ? members.length : out).flatMap(({ voice }) => done.get(voice.id) ?? []);
}

/** For the last voices of a round: first `look` at what the others said, much later they are given up. */
function createPatience(look: () => void) {
  let laggards = new AbortController();
  let timers: NodeJS.Timeout[] = [];
  return {
    late: () => laggards.signal,
    /** Counted from the first answer after which nobody waits to be asked. */
    start(answers: readonly Answer[]) {
      if (timers.length > 0 || answers.length === 0) return;
      const long = Math.max(...answers.map(({ ms }) => ms)) * 4;
      const given = laggards;
      timers = [
        setTimeout(look, Math.max(GRACE_MS, long)),
        setTimeout(() => given.abort(), Math.max(PATIENCE_MS, long)),
      ];
    },
    end() {
      for (const timer of timers) clearTimeout(timer);
      timers = [];
      laggards = new AbortController();
    },
  };
}

/** In the order given, those first who wait for nobody that is asked here; a circle is nobody's turn, so it ends the waiting. */
function wavesOf(members: readonly Member[]): Member[][] {
  const waves: Member[][] = [];
  for (let left = [...members]; left.length > 0; ) {
    const waits = ({ dependsOn }: Member) => left.some(({ voice }) => dependsOn.includes(voice.id));
    const free = left.filter((member) => !waits(member));
    const wave = free.length > 0 ? free : left;
    waves.push(wave);
    left = left.filter((member) => !wave.includes(member));
  }
  return waves;
}

/** The first voice goes alone until its first token: then the server has read the prefix, and the others find it there. */
async function inLanes(
  sitting: Sitting,
  worker: (onFirst?: () => void) => Promise<void>,
  waiting: number,
): Promise<void> {
  const lanes = Math.min(sitting.plan.width, waiting);
  const { promise: warm, resolve } = Promise.withResolvers<void>();
  const first = worker(resolve);
  // A worker that fails must not leave the others waiting for its first token.
  first.catch(() => resolve());
  await warm;
  await Promise.all([first, ...Array.from({ length: lanes - 1 }, () => worker())]);
}

interface Asking {
  readonly cancel: AbortSignal;
  /** The others have long answered. */
  readonly late: AbortSignal;
  /** Voices that wait for this lane. */
  readonly waiting: number;
  readonly onFirst: (() => void) | undefined;
  /** Answers of those on whom the voice depends. */
  readonly read: readonly Answer[];
}

async function askOne(
  sitting: Sitting,
  member: Member,
  question: Question,
  asking: Asking,
): Promise<Answer | "budget" | "deadline"> {
  const { voice } = member;
  const started = { voice: voice.id, group: member.group, stage: question.stage };
  let problem = "";
  let ms = 0;
  for (const attempt of ["", "/repair"]) {
    const call = callOf(sitting, member, question, { attempt, problem, read: asking.read });
    const left = sitting.budget.wallLeft() * (question.share ?? 1);
    if (left <= 0) return "deadline";
    const reservation = sitting.budget.reserve({
      promptTokens: sitting.ports.voices.tokens(call.system + call.prefix + call.tail),
      outputTokens: call.maxTokens,
    });
    if (!reservation) return attempt === "" ? "budget" : { ...started, status: "unparsable", ms, problem };
    sitting.emit({ kind: "voice-asked", work: sitting.plan.id, stage: question.stage, asked: voice.id });
    const reply = await replyOf(sitting, call, asking, left);
    ms += reply.ms;
    const { input, cached = 0, output } = reply.usage;
    reservation.settle({ promptTokens: input, cachedTokens: cached, outputTokens: output, ms: reply.ms });
    if (reply.status !== "ok") {
      const cancelled = reply.status === "timeout" && asking.cancel.aborted;
      const told = reply.problem === undefined ? {} : { problem: reply.problem };
      return answered(sitting, { ...started, status: cancelled ? "cancelled" : reply.status, ms, ...told });
    }
    const parsed = parseJson(reply.text, call.schema);
    if (parsed.ok) return answered(sitting, { ...started, status: "ok", ms, value: parsed.value as Json });
    problem = parsed.problem;
  }
  return answered(sitting, { ...started, status: "unparsable", ms, problem });
}

/** A lane that others wait for is not given all the time that is left to one voice. */
async function replyOf(sitting: Sitting, call: VoiceCall, asking: Asking, left: number): Promise<VoiceReply> {
  const { steps, voices } = sitting.ports;
  const share = sitting.plan.width === 1 && asking.waiting > 0 ? left / 2 : left;
  const recorded = await steps.once(call.key, async () => {
    const limits = [sitting.signal, asking.cancel, asking.late];
    const signal = AbortSignal.any(
      Number.isFinite(share) ? [...limits, AbortSignal.timeout(Math.ceil(share))] : limits,
    );
    const reply = await voices.ask(call, signal, asking.onFirst);
    sitting.signal.throwIfAborted();
    return reply as unknown as Json;
  });
  return recorded as unknown as VoiceReply;
}

function answered(sitting: Sitting, answer: Answer): Answer {
  const { status, ms, problem } = answer;
  const text = status === "ok" ? gist(answer.value) : (problem ?? "");
  const { voice: asked, stage } = answer;
  sitting.emit({ kind: "voice-answered", work: sitting.plan.id, stage, asked, status, text, ms });
  return answer;
}

/** One line of an answer: what it says before how it says it. */
function gist(value: Json | undefined): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "";
  const fields = value as Readonly<Record<string, Json>>;
  const { choice, ranking, reason, approach, position, claims, checks } = fields;
  const said = typeof choice === "string" ? choice : Array.isArray(ranking) ? ranking.join(" > ") : (approach ?? "");
  const counted = [numbered(claims, "claim"), numbered(checks, "check"), numbered(fields["defects"], "defect")];
  const parts = [said, reason ?? position ?? "", ...counted].filter((part) => part !== "" && part !== undefined);
  return parts.length === 0 ? "has nothing to add" : parts.join(": ");
}

function numbered(list: Json | undefined, noun: string): string | undefined {
  return Array.isArray(list) && list.length > 0 ? plural(list.length, noun) : undefined;
}

function callOf(
  sitting: Sitting,
  member: Member,
  question: Question,
  { attempt, problem, read }: { attempt: string; problem: string; read: readonly Answer[] },
): VoiceCall {
  const { plan } = sitting;
  const { voice } = member;
  const order = question.order?.(member);
  const seed = seedOf(plan, voice.id, question.round);
  const tail = tailOf(voice, question.stage, { salt: seed, ...(order ? { order } : {}) });
  const extra = question.extra?.(member, read) ?? "";
  return {
    key: `${question.round}/${voice.id}${attempt}`,
    voice,
    system: COUNCIL_SYSTEM,
    prefix: plan.prefix + (question.shared ?? ""),
    tail: extra + tail + (attempt === "" ? "" : repairText(problem)),
    schema: question.form(member),
    temperature: voice.temperature,
    seed,
    maxTokens: question.maxTokens,
  };
}
