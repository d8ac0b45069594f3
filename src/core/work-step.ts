/** What an event tells somebody who waits for work to end: one line, or nothing. */
import { oneLine } from "../base/text.ts";
import type { Event } from "./event.ts";

export function workStep(event: Event): string | undefined {
  switch (event.kind) {
    case "council-start":
      return `council: ${oneLine(event.price, 200)}`;
    case "voice-asked":
      return `${event.asked} is asked (${event.stage})`;
    case "voice-answered":
      return `${event.asked} (${event.stage}, ${event.status}): ${oneLine(event.text, 200)}`;
    case "evidence-found":
      return `check ${event.check}: ${event.outcome}`;
    case "phase-start":
      return `${event.phase}, loop ${event.loop}`;
    case "phase-end":
      return `${event.phase} ends: ${oneLine(event.text, 200)}`;
    case "tool-start":
      return `${event.tool}: ${oneLine(event.title, 200)}`;
    case "model-progress":
      return event.state === "loading" || event.state === "queued" ? `the model is ${event.state}` : undefined;
    case "check-run":
      return `${event.check}: exit ${event.exitCode}`;
    default:
      return undefined;
  }
}
