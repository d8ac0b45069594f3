/** The one agent loop: ask the model, run its calls through the gate, until it answers or something stops it. */
import { CrucibleError, type Fault, toFault } from "../base/error.ts";
import type { Actor } from "../core/actor.ts";
import type { AssistantMessage, ToolCallPart } from "../core/message.ts";
import { textOf, wordsOf } from "../core/message.ts";
import type { ModelRequest } from "../core/model.ts";
import type { Conductor } from "../core/ports/conductor.ts";
import type { ToolOutcome } from "../core/ports/gate.ts";
import { turnsBegun } from "../core/standing.ts";
import type { Outcome } from "../core/task.ts";
import { finalAnswer } from "./answer.ts";
import { type Answer, askModel } from "./ask-model.ts";
import { cachedAnswer, offerAnswer, questionOf } from "./cached-answer.ts";
import { chooseModel } from "./choose-model.ts";
import { compact, isFull } from "./compact.ts";
import { appendContext } from "./context.ts";
import { checkRunOf, editsBeyondCheck, verify } from "./evidence.ts";
import { instructionFor, type Pattern } from "./loop-guard.ts";
import { callsOf, foldThread } from "./thread.ts";
import { emitFor, type Run, startRun, type VoiceOptions } from "./voice.ts";

export interface Voice extends Conductor {
  /** Makes room in the thread now, by the person's wish; the fault says why it could not. */
  compact(actor: Actor, signal: AbortSignal): Promise<Fault | undefined>;
}

/** One voice as a conductor. */
export function createVoice(options: VoiceOptions): Voice {
  return {
    async compact(actor, signal) {
      const turn = turnsBegun(options.journal.events());
      const run = startRun(options, { turn, prompt: [], actor, budget: {} }, signal);
      return compact(run, requestOf(run));
    },
    async run(task, signal) {
      const limit =
        task.budget.wallMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(task.budget.wallMs)]);
      const run = startRun(options, task, limit);
      let fault: Fault | undefined;
      try {
        await appendContext(options.surroundings, options.journal.events(), emitFor(run));
        fault = await work(run);
      } catch (error) {
        fault = toFault(error);
      }
      if (limit.aborted)
        fault = signal.aborted
          ? { code: "aborted", message: "cancelled", retryable: false }
          : wallTime(task.budget.wallMs ?? 0);
      return outcomeOf(run, fault);
    },
  };
}

function wallTime(ms: number): Fault {
  return {
    code: "wall-time",
    message: `the run took longer than ${Math.round(ms / 1000)} s`,
    hint: "go on with: crucible -c",
    retryable: false,
  };
}

/** Checks that fail in a row before a better model is asked, if there is one. */
const CHECKS_BEFORE_RAISE = 2;

/** A model that stops in the middle is left for a better one, which gives the whole answer. */
async function raisedAfterCut(run: Run): Promise<boolean> {
  if (!(await chooseModel(run, () => requestOf(run), { raise: "an answer cut at its length limit" }))) return false;
  const text = "The answer above was cut off. Give it again, whole.";
  emitFor(run)({
    kind: "message-added",
    message: { role: "user", parts: [{ type: "text", text }] },
    reason: "cut answer",
  });
  return true;
}

/** Runs until done; the returned fault says what stopped it. */
async function work(run: Run): Promise<Fault | undefined> {
  await chooseModel(run, () => requestOf(run), { newTurn: true });
  for (;;) {
    const spent = budgetSpent(run);
    if (spent) return spent;
    takeSteering(run);
    const answer = await ask(run);
    if (answer.fault) return answer.fault;
    const calls = callsOf(answer.message);
    const text = textOf(answer.message);
    if (text.trim() !== "") run.text = text;
    const pattern = run.guard.answer(text, calls.length > 0);
    if (pattern) {
      const stopped = breakLoop(run, pattern);
      if (stopped) return stopped;
      if (calls.length === 0) continue;
    }
    if (calls.length === 0 && answer.message.stop === "length") {
      if (!(await raisedAfterCut(run))) return lengthStop(run);
      continue;
    }
    if (calls.length === 0 && takeSteering(run)) continue;
    if (calls.length === 0) return finish(run);
    const stopped = await act(run, calls);
    if (stopped) return stopped;
    if (run.failedChecks === CHECKS_BEFORE_RAISE)
      await chooseModel(run, () => requestOf(run), { raise: `${CHECKS_BEFORE_RAISE} checks failed after its edits` });
  }
}

/** What the person said meanwhile enters the thread; true when there was something. */
function takeSteering(run: Run): boolean {
  const said = run.task.steering?.() ?? [];
  for (const parts of said)
    emitFor(run)({ kind: "message-added", message: { role: "user", parts }, reason: "steering" });
  return said.length > 0;
}

/** One model request of the thread; compacts first when it would not fit, once more when the server says so. */
async function ask(run: Run): Promise<Answer> {
  let request = requestOf(run);
  const question = run.requests === 0 ? questionOf(run, request) : undefined;
  const cached = question && (await cachedAnswer(run, question));
  if (cached) return cached;
  if (isFull(run, request)) {
    const fault = await compact(run, request);
    if (fault) return failed(run, withoutRoom(fault));
    request = requestOf(run);
  }
  const answer = await askModel(run, request, "turn");
  // Asked again: another model may have answered, or a compacted thread.
  const answered = question && !answer.fault ? questionOf(run, request) : undefined;
  if (answered) await offerAnswer(run, answered, answer.message);
  if (answer.fault?.code !== "context-overflow" || request.messages.length < 4) return answer;
  const fault = await compact(run, request);
  return fault ? failed(run, answer.fault) : askModel(run, requestOf(run), "turn");
}

/** Without room there is no going on as it is. */
function withoutRoom(fault: Fault): Fault {
  return {
    ...fault,
    message: `the context is full and ${fault.message}`,
    hint: "start a new session with a smaller task, or give the model a larger window: --context N",
  };
}

function failed(run: Run, fault: Fault): Answer {
  const message: AssistantMessage = {
    role: "assistant",
    parts: [],
    voice: run.options.voice,
    model: run.options.model.ref,
    usage: { input: 0, output: 0, source: "estimated" },
    stop: "aborted",
  };
  return { message, fault };
}

/** The thread as a request: constant head, messages as folded from the journal. */
export function requestOf(run: Run): ModelRequest {
  const { system, gate, sampling, journal } = run.options;
  return { system, messages: foldThread(journal.events()), tools: gate.declarations, sampling };
}

function budgetSpent(run: Run): Fault | undefined {
  const { turns, toolCalls, tokens } = run.task.budget;
  run.signal.throwIfAborted();
  const stop = (code: "turn-limit" | "budget-spent", what: string): Fault => ({
    code,
    message: `stopped: ${what}`,
    hint: "go on with: crucible -c",
    retryable: false,
  });
  if (turns !== undefined && run.requests >= turns) return stop("turn-limit", `the limit of ${turns} turns is reached`);
  if (toolCalls !== undefined && run.toolCalls >= toolCalls)
    return stop("budget-spent", `the limit of ${toolCalls} tool calls is reached`);
  if (tokens !== undefined && run.tokens >= tokens)
    return stop("budget-spent", `the limit of ${tokens} tokens is reached`);
  return undefined;
}

/** First a changed instruction, then the stop. */
function breakLoop(run: Run, pattern: Pattern): Fault | undefined {
  const strike = ++run.strikes;
  emitFor(run)({ kind: "loop-broken", pattern, strike });
  if (strike > 2 || (pattern === "empty-turn" && strike > 1)) {
    return {
      code: "loop-detected",
      message: `stopped: the model goes in circles (${pattern})`,
      hint: "say more about what to do, or try another model with -m",
      retryable: false,
    };
  }
  emitFor(run)({
    kind: "message-added",
    message: { role: "user", parts: [{ type: "text", text: instructionFor(pattern) }] },
    reason: `loop: ${pattern}`,
  });
  return undefined;
}

function lengthStop(run: Run): Fault {
  const { window } = run.options.model;
  return {
    code: "model-unfit",
    message: `the answer was cut at the output limit (window ${window.tokens}, ${window.source})`,
    hint: "give the model a larger window: --context N",
    retryable: false,
  };
}

/** Runs the calls of one message: neighbours that may run side by side do, the rest in order. */
async function act(run: Run, calls: readonly ToolCallPart[]): Promise<Fault | undefined> {
  const { gate } = run.options;
  for (let at = 0; at < calls.length; ) {
    let end = at + 1;
    if (gate.parallel(calls[at]?.tool ?? "")) while (end < calls.length && gate.parallel(calls[end]?.tool ?? "")) end++;
    const results = await Promise.allSettled(calls.slice(at, end).map((call) => callTool(run, call)));
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
      if (result.value) return result.value;
    }
    at = end;
  }
  run.signal.throwIfAborted();
  return undefined;
}

async function callTool(run: Run, call: ToolCallPart): Promise<Fault | undefined> {
  const { gate, edits, voice } = run.options;
  const { toolCalls } = run.task.budget;
  if (toolCalls !== undefined && run.toolCalls >= toolCalls) return undefined;
  run.toolCalls++;
  const before = edits.value;
  const outcome = await gate.run(call, { actor: run.task.actor, turn: run.task.turn, voice }, run.signal);
  record(run, call, outcome, before);
  const result = outcome.parts.map((part) => (part.type === "text" ? part.text : part.mediaType)).join("\n");
  const pattern = run.guard.call(call.tool, call.input, result);
  return pattern ? breakLoop(run, pattern) : undefined;
}

/** Notes what the call proves: a check run, an edit, a denial, a missing sandbox. */
function record(run: Run, call: ToolCallPart, outcome: ToolOutcome, before: number): void {
  const { edits } = run.options;
  if (outcome.denied) {
    run.denials.set(call.id, {
      callId: call.id,
      tool: call.tool,
      rule: outcome.verdict.rule,
      reason: outcome.verdict.reason,
    });
    return;
  }
  if (outcome.details?.["code"] === "sandbox-unavailable") run.sandboxMissing = true;
  run.requests += Number(outcome.details?.["modelRequests"] ?? 0);
  run.tokens += Number(outcome.details?.["modelTokens"] ?? 0);
  const clock = editsBeyondCheck(outcome) ? edits.tick() : before;
  const check = checkRunOf(outcome, clock, call.id);
  if (check) emitFor(run)({ kind: "check-run", ...check });
  if (check) run.failedChecks = check.exitCode === 0 ? 0 : run.failedChecks + 1;
  if (check?.exitCode === 0) run.denials.clear();
  else if (!outcome.failed)
    for (const [id, denial] of run.denials) if (denial.tool === call.tool) run.denials.delete(id);
}

async function finish(run: Run): Promise<Fault | undefined> {
  if (run.task.answerSchema) return finalAnswer(run, run.task.answerSchema);
  return undefined;
}

/** Faults that tell nothing of how good the model is. */
const NO_LESSON: ReadonlySet<string> = new Set([
  "aborted",
  "wall-time",
  "turn-limit",
  "budget-spent",
  "storage",
  "audit",
]);

function learnOutcome(run: Run, fault: Fault | undefined, checksFailed: boolean): void {
  if (run.requests === 0 || (fault && NO_LESSON.has(fault.code)) || fault?.code.startsWith("server-")) return;
  run.options.model.learn(wordsOf(run.task.prompt), fault === undefined && !checksFailed);
}

function outcomeOf(run: Run, stopped: Fault | undefined): Outcome {
  const { edits, journal } = run.options;
  const missing = new CrucibleError("sandbox-unavailable", "a command was needed and no sandbox works here", {
    hint: "crucible doctor says how to set one up",
  }).fault;
  const fault = stopped ?? (run.sandboxMissing ? missing : undefined);
  const events = journal.events().filter((event) => event.seq > run.startSeq);
  const verification = verify(events, edits.value, run.startClock);
  learnOutcome(run, fault, verification.status === "failed");
  return {
    status: fault === undefined ? "done" : fault.code === "aborted" ? "cancelled" : "failed",
    text: run.text,
    ...(fault ? { fault } : {}),
    verification,
    openDenials: [...run.denials.values()],
    turns: run.requests,
    toolCalls: run.toolCalls,
  };
}
