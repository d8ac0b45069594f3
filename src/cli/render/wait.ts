/** The words of the status line before the first token: loading, the queue, how much of the prompt is read, how long still. */
import type { EventOf } from "../../core/event.ts";
import { harmless } from "../output.ts";

/** Less than this is not worth a countdown (milliseconds). */
const WORTH_TELLING = 2_000;

export interface Wait {
  start(event: EventOf<"model-start">): void;
  progress(event: EventOf<"model-progress">): void;
  text(): string;
}

/** `now`: milliseconds of a clock that never goes back. */
export function createWait(now: () => number = () => performance.now()): Wait {
  let since = 0;
  let expected: number | undefined;
  let progress: EventOf<"model-progress"> | undefined;
  const left = (until: number | undefined) => {
    if (until === undefined) return "";
    const ms = until - now();
    return ms < WORTH_TELLING ? "" : `, about ${span(ms)} to the first token`;
  };
  return {
    start(event) {
      since = now();
      expected = event.expectedMs === undefined ? undefined : since + event.expectedMs;
      progress = undefined;
    },
    progress(event) {
      // The server reads the prompt only when nobody is before it and the model is there.
      if (event.state !== "prefill") since = now();
      progress = event;
    },
    text() {
      switch (progress?.state) {
        case "queued":
          return progress.ahead ? `queued behind ${progress.ahead}` : "queued: the server is busy";
        case "loading":
          return `loading the model, ${span(now() - since)}`;
        case "reask":
          return `mending a call: ${harmless(progress.text ?? "")}`;
        case "prefill": {
          const { done = 0, total = 0 } = progress;
          const part = total > 0 ? done / total : 0;
          const spent = now() - since;
          const until = part > 0.05 && part < 1 ? now() + (spent * (1 - part)) / part : expected;
          return `reading the prompt ${Math.round(part * 100)} %${left(until)}`;
        }
        default:
          return `thinking${left(expected)}`;
      }
    },
  };
}

function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  return seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
