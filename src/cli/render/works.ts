/** What councils, reviews and spirals tell people; loaded with that work alone, so that a run of one voice does not read it. */
import type { Event } from "../../core/event.ts";
import type { Output } from "../output.ts";
import { councilLine, councilText } from "./council-text.ts";
import { reviewText } from "./review-text.ts";
import { phaseLines, spiralText } from "./spiral-text.ts";

type Style = Output["style"];

export interface WorkTexts {
  /** As it goes on. */
  lines(event: Event, style: Style): readonly string[];
  /** At its end, whole. */
  report(event: Event, style: Style): string | undefined;
}

export const works: WorkTexts = {
  lines(event, style) {
    const said = councilLine(event);
    return said === undefined ? (phaseLines(event, style) ?? []) : [style.dim(said)];
  },
  report(event, style) {
    switch (event.kind) {
      case "decision-made":
        return councilText(event.report, style);
      case "review-end":
        return reviewText(event.report, style);
      case "spiral-end":
        return spiralText(event.report, style);
      default:
        return undefined;
    }
  },
};
