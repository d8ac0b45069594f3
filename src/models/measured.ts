/** One answer on its way out: waits for a seat, tells the breaker how it ended, and learns the model's rates. */
import { type FaultCode, toFault } from "../base/error.ts";
import type { Usage } from "../core/message.ts";
import type { ModelPart, ModelRequest } from "../core/model.ts";
import type { Priority } from "../core/ports/models.ts";
import type { Link } from "./exchange.ts";
import { generate } from "./generate.ts";
import type { Lane, Pass } from "./lane.ts";
import type { RateBook } from "./rates.ts";

export interface Way {
  readonly link: Link;
  readonly lane: Lane;
  readonly rates: RateBook;
}

/** As `generate`, through the lane. Leaving the loop early frees the seat and teaches nothing. */
export async function* generateMeasured(
  { link, lane, rates }: Way,
  request: ModelRequest,
  signal: AbortSignal,
  priority: Priority,
): AsyncGenerator<ModelPart, void> {
  let pass: Pass | undefined;
  let entering: Promise<Pass> | undefined;
  try {
    let ahead = 0;
    const { slots } = lane.seats;
    entering = lane.enter(priority, signal, () => {
      ahead = slots.active + slots.waiting;
    });
    entering.catch(() => undefined);
    if (ahead > 0) yield { type: "queued", ahead };
    pass = await entering;
  } catch (error) {
    yield { type: "failure", fault: signal.aborted ? cancelled : toFault(error) };
    return;
  } finally {
    // The reader left while it waited: a seat that comes later goes back.
    if (!pass) entering?.then((late) => late.end("aborted")).catch(() => undefined);
  }
  let code: FaultCode | undefined = "aborted";
  const watch = stopwatch(link);
  try {
    for await (const part of generate(link, request, signal)) {
      if (part.type === "failure") code = part.fault.code;
      else if (part.type === "finish") code = undefined;
      if (watch.see(part)) pass.answering();
      yield part;
    }
  } finally {
    pass.end(code);
    const sample = watch.sample(code);
    if (sample) rates.learn(sample);
  }
}

const cancelled = { code: "aborted", message: "the request was cancelled", retryable: false } as const;

/** Takes the times of one answer. */
function stopwatch({ clock, calibration }: Link) {
  const started = clock.monotonic();
  let first: number | undefined;
  let last = started;
  let usage: Usage | undefined;
  let validCalls = 0;
  let invalidCalls = 0;
  return {
    /** True at the first sign of an answer. */
    see(part: ModelPart): boolean {
      if (part.type === "usage") usage = part.usage;
      if (part.type === "tool-call" && !part.repaired.includes("reasked")) validCalls++;
      if (part.type === "reask") invalidCalls++;
      if (part.type !== "text" && part.type !== "thinking" && part.type !== "tool-call") return false;
      last = clock.monotonic();
      const isFirst = first === undefined;
      first ??= last;
      return isFirst;
    },
    /** Undefined when the answer was cut: half an answer has no rate. */
    sample(code: FaultCode | undefined) {
      if (code !== undefined && code !== "tool-call-invalid") return undefined;
      const cold = usage?.loadMs !== undefined && usage.loadMs > 500;
      const { ratio } = calibration;
      return {
        ...(usage ? { usage } : {}),
        ...(first === undefined || cold ? {} : { ttftMs: first - started }),
        ...(first === undefined ? {} : { decodeMs: last - first }),
        validCalls,
        invalidCalls,
        ...(ratio === undefined ? {} : { bytesPerToken: ratio }),
      };
    },
  };
}
