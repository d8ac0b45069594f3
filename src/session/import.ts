/** A session from a file: its events become one of ours, with everything in it taken for a stranger's word. */
import { CrucibleError } from "../base/error.ts";
import type { Event } from "../core/event.ts";
import { EXTERNAL_LABEL } from "../core/label.ts";

/** Kinds that only mean something where they happened: undo material, approvals, jobs, councils' steps. */
const LOCAL = new Set([
  "file-changed",
  "snapshot-taken",
  "turn-undone",
  "approval-asked",
  "approval-given",
  "verdict-given",
  "job-start",
  "job-end",
  "step-done",
  "check-run",
  "session-resume",
]);

/** Reads JSON lines as `sessions export` writes them. Throws `bad-input` with the line number. */
export function importedEvents(text: string, session: string): readonly Event[] {
  const events = text.split("\n").flatMap((line, index): Event[] => {
    if (line.trim() === "") return [];
    const event = parsed(line, index + 1);
    if (LOCAL.has(event.kind)) return [];
    return [{ ...foreign(event), session }];
  });
  if (!events.some(({ kind }) => kind === "session-start"))
    throw new CrucibleError("bad-input", "this is no exported session: it has no beginning", {
      hint: "write one with: crucible sessions export ID --format jsonl",
    });
  return events.map((event, index) => ({ ...event, seq: index + 1 }));
}

function parsed(line: string, number: number): Event {
  const bad = (why: string, cause?: unknown) =>
    new CrucibleError("bad-input", `line ${number} is no event of a session: ${why}`, {
      hint: "write the file with: crucible sessions export ID --format jsonl",
      ...(cause === undefined ? {} : { cause }),
    });
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw bad("not JSON", error);
  }
  const event = value as Partial<Event>;
  if (typeof value !== "object" || value === null || typeof event.kind !== "string") throw bad("it has no kind");
  if (event.v !== 1) throw bad(`version ${String(event.v)}`);
  if (typeof event.at !== "number" || typeof event.epoch !== "number") throw bad("it has no time");
  return event as Event;
}

/** Nobody here vouches for what a file says its text is. */
function foreign(event: Event): Event {
  if (event.kind === "tool-end") {
    const { details: _none, ...rest } = event;
    return { ...rest, label: EXTERNAL_LABEL };
  }
  if (event.kind !== "turn-start") return event;
  const prompt = event.prompt.map((part) => (part.type === "text" ? { ...part, label: EXTERNAL_LABEL } : part));
  return { ...event, prompt };
}
