/** Several models behind one: the router's choice answers, the others wait; they are opened when they are first needed. */
import { CrucibleError, type Fault } from "../base/error.ts";
import type { ModelRequest } from "../core/model.ts";
import type { OpenModel, Routed, RouteQuestion } from "../core/ports/models.ts";
import type { RouteDecision, Tier } from "../core/route.ts";
import { complexityOf } from "./complexity.ts";
import { decideRoute, type RouteCandidate, type RouteInput } from "./route.ts";

/** A model by name, not yet asked for. */
export interface Option {
  readonly name: string;
  readonly tier?: Tier;
  readonly named: boolean;
  readonly fallback: boolean;
  open(signal: AbortSignal): Promise<OpenModel>;
}

/**
 * Opens the first option that answers; `remembered` is the one that an earlier process of the thread ended with. Throws
 * what the first one threw when none does.
 */
export async function openRouted(
  options: readonly Option[],
  signal: AbortSignal,
  now: () => number,
  remembered?: string,
): Promise<OpenModel> {
  const book = createBook(options, now);
  const first = await book.openFirst(signal);
  return routed(book, first, first.name === remembered);
}

/** The decision for a prompt in a new thread. */
export async function explainRoute(
  options: readonly Option[],
  prompt: string,
  signal: AbortSignal,
): Promise<RouteDecision> {
  const book = createBook(options, () => 0);
  await book.openAll(signal, () => true);
  const messages = [{ role: "user" as const, parts: [{ type: "text" as const, text: prompt }] }];
  const request = { system: "", messages, tools: [], sampling: {} };
  return decideRoute(
    inputOf(book, { request, prompt, newTurn: true }, { failed: new Map(), cached: new Map(), answered: false }),
  );
}

type Book = ReturnType<typeof createBook>;

/** An option that did not open is left alone this long while another one can answer (milliseconds). */
const PAUSE_MS = 30_000;

function createBook(options: readonly Option[], now: () => number) {
  const opened = new Map<string, OpenModel>();
  const problems = new Map<string, Fault>();
  const tried = new Map<string, number>();
  const open = async (option: Option, signal: AbortSignal) => {
    if (opened.has(option.name)) return;
    try {
      opened.set(option.name, await option.open(signal));
      problems.delete(option.name);
    } catch (error) {
      signal.throwIfAborted();
      if (!CrucibleError.isInstance(error)) throw error;
      problems.set(option.name, error.fault);
      tried.set(option.name, now());
    }
  };
  return {
    options,
    opened,
    problems,
    /** True when it may be worth a look: a server that hangs costs each look its whole patience. */
    rested: ({ name }: Option) => now() - (tried.get(name) ?? Number.NEGATIVE_INFINITY) >= PAUSE_MS,
    async openAll(signal: AbortSignal, which: (option: Option) => boolean) {
      await Promise.all(options.filter(which).map((option) => open(option, signal)));
    },
    async openFirst(signal: AbortSignal): Promise<Option> {
      for (const option of options) {
        await open(option, signal);
        if (opened.has(option.name)) return option;
      }
      const [first] = problems.values();
      throw new CrucibleError(first?.code ?? "model-missing", first?.message ?? "no model is configured", {
        retryable: first?.retryable ?? false,
        ...(first?.hint === undefined ? {} : { hint: first.hint }),
      });
    },
  };
}

/** What the thread has seen so far. */
interface Memory {
  /** Names that failed at the present request, and why. */
  readonly failed: Map<string, string>;
  /** Tokens of the last prompt that each model evaluated. */
  readonly cached: Map<string, number>;
  current?: string;
  raised?: string;
  /** The thread has an answer: its prefix is worth something. */
  answered: boolean;
}

function routed(book: Book, first: Option, answered: boolean): OpenModel {
  const memory: Memory = {
    failed: new Map(),
    cached: new Map(),
    current: first.name,
    answered,
  };
  const now = () => {
    const model = book.opened.get(memory.current ?? "");
    if (!model) throw new CrucibleError("internal", `the model ${memory.current} is not open`);
    return model;
  };
  const notes = book.options.flatMap(({ name }) => problemNote(name, book.problems.get(name))).concat(now().notes);
  return {
    get ref() {
      return now().ref;
    },
    get info() {
      return now().info;
    },
    get window() {
      return now().window;
    },
    get sampling() {
      return now().sampling;
    },
    get rates() {
      return now().rates;
    },
    get lane() {
      return now().lane;
    },
    notes,
    generate(request, signal, priority) {
      const model = now();
      memory.answered = true;
      memory.cached.set(memory.current ?? "", model.estimate(request).tokens);
      return model.generate(request, signal, priority);
    },
    warm: (request, signal) => now().warm(request, signal),
    estimate: (request: ModelRequest) => now().estimate(request),
    learn: (prompt, good) => now().learn(prompt, good),
    route: (question, signal) => route(book, memory, question, signal),
  };
}

function problemNote(name: string, problem: Fault | undefined): string[] {
  return problem ? [`${name} is not used: ${problem.message}`] : [];
}

async function route(
  book: Book,
  memory: Memory,
  question: RouteQuestion,
  signal: AbortSignal,
): Promise<Routed | undefined> {
  const before = memory.current;
  if (question.newTurn) memory.failed.clear();
  if (question.raise !== undefined) memory.raised = question.raise;
  if (question.failed && before !== undefined) memory.failed.set(before, question.failed.message);
  await book.openAll(signal, (option) => !option.fallback && book.rested(option));
  let decision = decideRoute(inputOf(book, question, memory));
  if (!usable(book, memory, decision, question)) {
    await book.openAll(signal, () => true);
    decision = decideRoute(inputOf(book, question, memory));
    if (!usable(book, memory, decision, question)) return undefined;
  }
  const changed = decision.model !== before;
  memory.current = decision.model;
  // A thread that went up stays up: going back would cost a load and its whole prefix, and the next hard turn both again.
  if (changed && memory.answered && !question.failed) memory.raised ??= decision.reason;
  return { ...decision, changed };
}

/** After a failure the same request is sent at once: it must fit. At the start of a turn it can still be made smaller. */
function usable(book: Book, memory: Memory, { model }: RouteDecision, { request, failed }: RouteQuestion): boolean {
  const opened = book.opened.get(model);
  if (!opened || memory.failed.has(model)) return false;
  return !failed || opened.estimate(request).tokens <= opened.window.tokens;
}

function inputOf(book: Book, question: RouteQuestion, memory: Memory): RouteInput {
  const { request, prompt } = question;
  const vision = request.messages.some((message) => message.parts.some((part) => part.type === "image"));
  return {
    candidates: book.options.map((option) => candidateOf(book, option, request, memory)),
    complexity: complexityOf(prompt),
    needs: { tools: request.tools.length > 0, vision },
    ...(memory.current === undefined || !memory.answered ? {} : { current: memory.current }),
    ...(memory.raised === undefined ? {} : { raised: memory.raised }),
  };
}

const NOTHING = { answers: 0, validCalls: 0, invalidCalls: 0, outcomes: {} };

function candidateOf(book: Book, option: Option, request: ModelRequest, memory: Memory): RouteCandidate {
  const { name, tier, named, fallback } = option;
  const known = { name, named, fallback, ...(tier === undefined ? {} : { tier }) };
  const model = book.opened.get(name);
  if (!model) {
    const down = book.problems.get(name)?.message ?? "not looked at: it is a fallback";
    return {
      ...known,
      down,
      window: 0,
      promptTokens: 0,
      cachedTokens: 0,
      tools: "unknown",
      vision: "unknown",
      resident: false,
      rates: NOTHING,
      queue: 0,
    };
  }
  const { lane, info, rates } = model;
  const failure =
    memory.failed.get(name) ?? (lane.breaker === "open" ? `${lane.failures} failures in a row` : undefined);
  const promptTokens = model.estimate(request).tokens;
  return {
    ...known,
    ...(failure === undefined ? {} : { down: failure }),
    window: model.window.tokens,
    promptTokens,
    cachedTokens: Math.min(memory.cached.get(name) ?? 0, promptTokens),
    tools: info.tools,
    vision: info.vision,
    resident: info.state !== "cold" || memory.cached.has(name),
    ...(info.sizeBytes === undefined ? {} : { sizeBytes: info.sizeBytes }),
    rates,
    queue: (lane.active + lane.queued) / lane.slots,
  };
}
