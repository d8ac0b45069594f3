/** One request and its reply: sends, waits for loading or busy servers, learns quirks, reads to the end. */
import type { Clock } from "../base/clock.ts";
import { CrucibleError } from "../base/error.ts";
import { delay } from "../base/async.ts";
import type { ModelInfo, ModelRequest, Window } from "../core/model.ts";
import type { Answer } from "./answer.ts";
import type { Calibration } from "./calibrate.ts";
import { bodyText, HttpFailure, type Http, type HttpReply } from "./http.ts";
import type { Lines } from "./lines.ts";
import { reasonOf } from "./probe.ts";
import { faultOf, meaningOf, readProblem, type Problem } from "./problem.ts";
import { learnFrom, type QuirkBook, type Quirks } from "./quirks.ts";
import { startHint } from "./start-hint.ts";
import { createWatchdog, firstTokenLimit, type Timeouts } from "./timeouts.ts";
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
  /** Tokens per second of prompt evaluation, once a reply told it. */
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

export interface Exchange {
  /** Advances by one event of the wire; false when the reply is complete. Throws `CrucibleError`. */
  step(): Promise<boolean>;
  /** Closes an unfinished reply at once. */
  close(): void;
}

export function startExchange(link: Link, request: ModelRequest, answer: Answer, signal: AbortSignal): Exchange {
  const { clock, timeouts } = link;
  const startedAt = clock.monotonic();
  let quirks: Quirks = link.quirks.get();
  let lesson: string | undefined;
  let reply: HttpReply | undefined;
  let decoder: Lines | undefined;
  let busy = 0;
  let retried = false;
  let cut = new AbortController();
  let firstLimit = 0;
  const onAbort = () => cut.abort(signal.reason);
  const dog = createWatchdog(clock, () => cut.abort(stalled(link, answer)));
  signal.addEventListener("abort", onAbort, { once: true });

  const connect = async () => {
    cut = new AbortController();
    if (signal.aborted) cut.abort(signal.reason);
    const body = link.wire.encode(request, quirks, link.sentWindow);
    firstLimit = firstTokenLimit(timeouts, body.length / 4, link.state.prefillRate) + (link.state.cold ? timeouts.loadMs : 0);
    dog.allow(firstLimit);
    dog.waiting(true);
    const { apiKey } = link.target;
    const call = { url: link.wire.url, body, signal: cut.signal, connectMs: timeouts.connectMs, ...(apiKey ? { apiKey } : {}) };
    reply = await link.http(call);
    if (reply.status !== 200) throw new Complaint(readProblem(reply.status, await bodyText(reply, 65_536)));
    decoder = link.wire.decoder(answer, reply.contentType);
  };

  const read = async (from: HttpReply, into: Lines): Promise<boolean> => {
    dog.waiting(true);
    const chunk = await from.read();
    dog.waiting(false);
    if (chunk) into.push(chunk);
    else into.end();
    if (answer.problemSeen) throw new Complaint(answer.problemSeen);
    checkOrigin(link, answer);
    if (answer.moved()) {
      if (answer.started) settleLesson();
      dog.allow(answer.started ? timeouts.stallMs : firstLimit);
    }
    if (chunk && !answer.closed) return true;
    if (!answer.finished) throw new HttpFailure("stream", "ECONNRESET", "the answer ended without a finish");
    settleLesson();
    answer.end();
    close();
    return false;
  };

  /** The other form worked: keep it. */
  const settleLesson = () => {
    link.state.cold = false;
    if (lesson === undefined) return;
    link.quirks.set(quirks);
    answer.partFirst({ type: "note", code: "quirk-learned", text: `${link.info.ref.model} at ${link.target.root} ${lesson}` });
    lesson = undefined;
  };

  const recover = async (error: unknown): Promise<void> => {
    dog.waiting(false);
    reply?.release();
    reply = undefined;
    decoder = undefined;
    const final = signal.aborted ? new CrucibleError("aborted", "the request was cancelled", { cause: signal.reason }) : faultFor(link, error);
    if (signal.aborted || answer.delivered || CrucibleError.isInstance(error)) throw final;
    const problem = error instanceof Complaint ? error.problem : undefined;
    answer.problemSeen = undefined;
    const learned = problem && meaningOf(problem) !== "overflow" ? learnFrom(problem, quirks) : undefined;
    if (learned && !answer.started) {
      quirks = learned.quirks;
      lesson = lesson === undefined ? learned.text : `${lesson}; ${learned.text}`;
      return;
    }
    const wait = answer.started ? undefined : waitFor(error, problem);
    if (wait === undefined) throw final;
    dog.stop();
    await delay(wait, signal).catch(() => {
      throw new CrucibleError("aborted", "the request was cancelled", { cause: signal.reason });
    });
  };

  /** Milliseconds until the next try, or undefined when there is none. */
  const waitFor = (error: unknown, problem: Problem | undefined): number | undefined => {
    if (!problem) {
      if (!(error instanceof HttpFailure) || error.phase === "connect" || retried) return undefined;
      retried = true;
      return timeouts.busyWaitsMs[0] ?? 0;
    }
    const meaning = meaningOf(problem);
    if (meaning === "loading") {
      if (clock.monotonic() - startedAt > timeouts.loadMs) return undefined;
      answer.part({ type: "loading" });
      return timeouts.loadingWaitMs;
    }
    if (meaning === "busy") {
      const wait = timeouts.busyWaitsMs[busy++];
      if (wait !== undefined) answer.part({ type: "queued" });
      return wait;
    }
    if (meaning !== "server" || problem.status < 500 || retried) return undefined;
    retried = true;
    return timeouts.busyWaitsMs[0] ?? 0;
  };

  const close = () => {
    dog.stop();
    signal.removeEventListener("abort", onAbort);
    if (reply) finishQuietly(reply, answer.closed);
    reply = undefined;
  };

  return {
    async step() {
      try {
        if (!reply || !decoder) {
          await connect();
          return true;
        }
        return await read(reply, decoder);
      } catch (error) {
        const reason: unknown = cut.signal.aborted && !signal.aborted ? cut.signal.reason : error;
        await recover(reason);
        return true;
      }
    },
    close,
  };
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
  throw new CrucibleError("model-missing", `${link.target.root} answered with ${modelSeen} instead of ${link.info.ref.model}`, {
    hint: `load ${link.info.ref.model} in the server, or ask for ${modelSeen} with -m`,
  });
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
    const fault = faultOf(error.problem, { model: link.info.ref.model, url, kind: link.target.kind ?? "openai-compatible" });
    return new CrucibleError(fault.code, fault.message, { retryable: fault.retryable, ...(fault.hint === undefined ? {} : { hint: fault.hint }) });
  }
  if (error instanceof HttpFailure && error.phase === "connect") {
    return new CrucibleError("server-unreachable", `no server at ${url} (${reasonOf(error)})`, { hint: startHint(link.target), retryable: true });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new CrucibleError("server-error", `${url} broke off: ${message}`, { hint: "look at the server's log, then try again", retryable: true, cause: error });
}
