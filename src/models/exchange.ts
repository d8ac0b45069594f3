/** One request and its reply: sends, waits for loading or busy servers, learns quirks, reads to the end. */

import { delay } from "../base/async.ts";
import type { Clock } from "../base/clock.ts";
import { CrucibleError } from "../base/error.ts";
import type { ModelInfo, ModelRequest, Window } from "../core/model.ts";
import type { Answer } from "./answer.ts";
import type { Calibration } from "./calibrate.ts";
import { bodyText, type Http, HttpFailure, type HttpReply } from "./http.ts";
import type { Lines } from "./lines.ts";
import { reasonOf } from "./probe.ts";
import { faultOf, meaningOf, type Problem, readProblem } from "./problem.ts";
import { learnFrom, type QuirkBook, type Quirks } from "./quirks.ts";
import { startHint } from "./start-hint.ts";
import { createWatchdog, firstTokenLimit, type Timeouts, type Watchdog } from "./timeouts.ts";
import type { Target, Wire } from "./wire.ts";

/** An open model as the inside of this room sees it. */
export interface Link {
  readonly http: Http;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly target: Target;
  readonly info: ModelInfo;
  readonly wire: Wire;
  readonly quirks: QuirkBook;
  readonly calibration: Calibration;
  /** Named in each request where the server lets us choose it; constant, or the model loads anew. */
  readonly sentWindow: Window;
  /** Other models of this server: if one of them answers, the wrong model does. */
  readonly others: ReadonlySet<string>;
  /** What changes while the link is open. */
  readonly state: LinkState;
}

export interface LinkState {
  window: Window;
  cold: boolean;
  /** Tokens per second of prompt evaluation, once a reply (of this or an earlier process) told it. */
  prefillRate: number | undefined;
  unverifiedTold: boolean;
  /** Asks the server once, after the first answer, for the window it has loaded. */
  readLoadedWindow: (() => Promise<number | undefined>) | undefined;
}

/** A complaint of the server, on its way to being understood. */
class Complaint extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Throws `CrucibleError` only. Retries happen inside, and only before the first token. */
export class Exchange {
  readonly #link: Link;
  readonly #request: ModelRequest;
  readonly #answer: Answer;
  readonly #signal: AbortSignal;
  readonly #startedAt: number;
  readonly #dog: Watchdog;
  #quirks: Quirks;
  /** What the form now tried would teach, if it works. */
  #lesson: string | undefined;
  #cut = new AbortController();
  #reply: HttpReply | undefined;
  #decoder: Lines | undefined;
  #firstLimit = 0;
  #busy = 0;
  #retried = false;

  constructor(link: Link, request: ModelRequest, answer: Answer, signal: AbortSignal) {
    this.#link = link;
    this.#request = request;
    this.#answer = answer;
    this.#signal = signal;
    this.#startedAt = link.clock.monotonic();
    this.#quirks = link.quirks.get();
    this.#dog = createWatchdog(link.clock, () => this.#cut.abort(stalled(link, answer)));
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Advances by one event of the wire; false when the reply is complete. */
  async step(): Promise<boolean> {
    try {
      if (this.#reply && this.#decoder) return await this.#read(this.#reply, this.#decoder);
      await this.#connect();
    } catch (error) {
      const late = this.#cut.signal.aborted && !this.#signal.aborted;
      await this.#recover(late ? this.#cut.signal.reason : error);
    }
    return true;
  }

  /** Closes an unfinished reply at once. */
  close(): void {
    this.#dog.stop();
    this.#signal.removeEventListener("abort", this.#onAbort);
    if (this.#reply) finishQuietly(this.#reply, this.#answer.closed);
    this.#reply = undefined;
  }

  readonly #onAbort = () => this.#cut.abort(this.#signal.reason);

  async #connect(): Promise<void> {
    const { target, timeouts, state, wire, http, sentWindow } = this.#link;
    this.#cut = new AbortController();
    if (this.#signal.aborted) this.#onAbort();
    const body = wire.encode(this.#request, this.#quirks, sentWindow);
    this.#firstLimit =
      firstTokenLimit(timeouts, body.length / 4, state.prefillRate) + (state.cold ? timeouts.loadMs : 0);
    this.#dog.allow(this.#firstLimit);
    this.#dog.waiting(true);
    const key = target.apiKey ? { apiKey: target.apiKey } : {};
    this.#reply = await http({ url: wire.url, body, signal: this.#cut.signal, connectMs: timeouts.connectMs, ...key });
    if (this.#reply.status !== 200)
      throw new Complaint(readProblem(this.#reply.status, await bodyText(this.#reply, 65_536)));
    this.#decoder = wire.decoder(this.#answer, this.#reply.contentType);
  }

  async #read(reply: HttpReply, decoder: Lines): Promise<boolean> {
    const answer = this.#answer;
    this.#dog.waiting(true);
    const chunk = await reply.read();
    this.#dog.waiting(false);
    if (chunk) decoder.push(chunk);
    else decoder.end();
    if (answer.problemSeen) throw new Complaint(answer.problemSeen);
    checkOrigin(this.#link, answer);
    if (answer.moved()) {
      if (answer.started) this.#settle();
      this.#dog.allow(answer.started ? this.#link.timeouts.stallMs : this.#firstLimit);
    }
    if (chunk && !answer.closed) return true;
    if (!answer.finished) throw new HttpFailure("stream", "ECONNRESET", "the answer ended without a finish");
    this.#settle();
    answer.end();
    this.close();
    return false;
  }

  /** The server answers: the model is loaded, and the form that worked is kept. */
  #settle(): void {
    const { state, quirks, info, target } = this.#link;
    state.cold = false;
    if (this.#lesson === undefined) return;
    quirks.set(this.#quirks);
    this.#answer.partFirst({
      type: "note",
      code: "quirk-learned",
      text: `${info.ref.model} at ${target.root} ${this.#lesson}`,
    });
    this.#lesson = undefined;
  }

  /** Prepares the next try, or throws what the person is told. */
  async #recover(error: unknown): Promise<void> {
    const answer = this.#answer;
    this.#dog.stop();
    this.#dog.waiting(false);
    this.#reply?.release();
    this.#reply = undefined;
    this.#decoder = undefined;
    if (this.#signal.aborted) throw cancelled(this.#signal);
    const final = faultFor(this.#link, error);
    if (answer.started || answer.delivered || CrucibleError.isInstance(error)) throw final;
    const problem = error instanceof Complaint ? error.problem : undefined;
    answer.problemSeen = undefined;
    if (problem && this.#learn(problem)) return;
    const wait = problem
      ? this.#waitAfter(problem)
      : this.#waitOnce(error instanceof HttpFailure && error.phase === "stream");
    if (wait === undefined) throw final;
    await delay(wait, this.#signal).catch(() => {
      throw cancelled(this.#signal);
    });
  }

  #learn(problem: Problem): boolean {
    const learned = meaningOf(problem) === "overflow" ? undefined : learnFrom(problem, this.#quirks);
    if (!learned) return false;
    this.#quirks = learned.quirks;
    this.#lesson = this.#lesson === undefined ? learned.text : `${this.#lesson}; ${learned.text}`;
    return true;
  }

  /** Milliseconds until the next try, or undefined when there is none. */
  #waitAfter(problem: Problem): number | undefined {
    const { timeouts, clock } = this.#link;
    const meaning = meaningOf(problem);
    if (meaning === "loading") {
      if (clock.monotonic() - this.#startedAt > timeouts.loadMs) return undefined;
      this.#answer.part({ type: "loading" });
      return timeouts.loadingWaitMs;
    }
    if (meaning === "busy") {
      const wait = timeouts.busyWaitsMs[this.#busy++];
      if (wait !== undefined) this.#answer.part({ type: "queued" });
      return wait;
    }
    return this.#waitOnce(meaning === "server" && problem.status >= 500);
  }

  #waitOnce(worthIt: boolean): number | undefined {
    if (!worthIt || this.#retried) return undefined;
    this.#retried = true;
    return this.#link.timeouts.busyWaitsMs[0] ?? 0;
  }
}

function cancelled(signal: AbortSignal): CrucibleError {
  return new CrucibleError("aborted", "the request was cancelled", { cause: signal.reason });
}

/** A complete answer leaves its connection to the pool once the closing bytes have come; anything else is cut. */
function finishQuietly(reply: HttpReply, complete: boolean): void {
  if (!complete) {
    reply.release();
    return;
  }
  const timer = setTimeout(reply.release, 1_000).unref();
  const drain = async () => {
    while (await reply.read()) {
      // Only the end of the body matters here.
    }
  };
  drain()
    .catch(() => undefined)
    .finally(() => clearTimeout(timer));
}

function checkOrigin(link: Link, answer: Answer): void {
  if (answer.remoteSeen !== undefined) throw remoteModel(link.info.ref.model, answer.remoteSeen);
  const { modelSeen } = answer;
  if (modelSeen === undefined || modelSeen === link.info.ref.model || !link.others.has(modelSeen)) return;
  throw new CrucibleError(
    "model-missing",
    `${link.target.root} answered with ${modelSeen} instead of ${link.info.ref.model}`,
    {
      hint: `load ${link.info.ref.model} in the server, or ask for ${modelSeen} with -m`,
    },
  );
}

/** Local only, fail closed: the answer would come from, and the code would go to, another machine. */
export function remoteModel(model: string, host: string): CrucibleError {
  return new CrucibleError("model-unfit", `${model} does not run on this server: it is passed on to ${host}`, {
    hint: "choose a model that is stored on the server: crucible models",
  });
}

function stalled(link: Link, answer: Answer): CrucibleError {
  const { timeouts, info, target } = link;
  const what = answer.started ? `sent nothing for ${timeouts.stallMs / 1000} s` : "gave no first token in time";
  return new CrucibleError("server-stalled", `${info.ref.model} at ${target.root} ${what}`, {
    hint: "look at the server's log and load; a smaller model or window answers sooner",
    retryable: true,
  });
}

function faultFor(link: Link, error: unknown): CrucibleError {
  if (CrucibleError.isInstance(error)) return error;
  const url = link.target.root;
  if (error instanceof Complaint) {
    const fault = faultOf(error.problem, {
      model: link.info.ref.model,
      url,
      kind: link.target.kind ?? "openai-compatible",
    });
    return new CrucibleError(fault.code, fault.message, {
      retryable: fault.retryable,
      ...(fault.hint === undefined ? {} : { hint: fault.hint }),
    });
  }
  if (error instanceof HttpFailure && error.phase === "connect") {
    return new CrucibleError("server-unreachable", `no server at ${url} (${reasonOf(error)})`, {
      hint: startHint(link.target),
      retryable: true,
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new CrucibleError("server-error", `${url} broke off: ${message}`, {
    hint: "look at the server's log, then try again",
    retryable: true,
    cause: error,
  });
}
