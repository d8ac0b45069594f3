/** Events of a session as lines that stay: words, calls, notes, reports. */
import { readFileSync } from "node:fs";
import type { Event, EventOf } from "../../core/event.ts";
import type { Outcome } from "../../core/task.ts";
import { harmless } from "../output.ts";
import { cacheText } from "../render/cache-text.ts";
import { faultLine } from "../render/renderer.ts";
import { todoLines } from "../render/todo-lines.ts";
import { toolLines } from "../render/tool-lines.ts";
import { short } from "../render/usage-text.ts";
import { works } from "../render/works.ts";
import type { Theme } from "./theme.ts";

/** What is shown of a command that still runs. */
const TAIL_LINES = 5;
const TAIL_CHARACTERS = 4_000;
/** Characters of one output that are shown when all of it is asked for. */
const WHOLE = 4_000_000;

export interface Transcript {
  take(event: Event): void;
  /** Another session: what was shown of the one before is no longer asked for. */
  forget(): void;
  /** What the model thought last, and the last output of a tool, whole. */
  details(): readonly string[];
  /** What runs now. */
  readonly running: string | undefined;
  /** The end of what it has printed so far. */
  tail(): readonly string[];
}

export interface TranscriptPlace {
  readonly theme: Theme;
  readonly columns: () => number;
  readonly verbose: boolean;
  readonly settle: (lines: readonly string[]) => void;
  readonly stream: (text: string) => void;
  readonly endStream: () => void;
}

export function createTranscript(place: TranscriptPlace): Transcript {
  const titles = new Map<string, string>();
  /** Calls that run, with the end of what they have printed. */
  const open = new Map<string, string>();
  let last: EventOf<"tool-end"> | undefined;
  let thought = "";
  // Inside a spiral a council is one phase of five: its whole report would hide the others.
  let spiral = false;
  const tell = (lines: readonly string[]) => {
    if (lines.length === 0) return;
    place.endStream();
    place.settle(lines);
  };
  const ended = (event: EventOf<"tool-end">) => {
    open.delete(event.callId);
    last = event;
    const shown = { style: place.theme, columns: place.columns(), verbose: place.verbose, more: "Ctrl+O shows all" };
    tell(toolLines(event, titles.get(event.callId), shown));
  };
  const report = (event: Event) => {
    const text = works.report(event, place.theme);
    if (text !== undefined) tell(["", ...text.trimEnd().split("\n"), ""]);
  };
  const show = (event: Event) => {
    const theme = place.theme;
    switch (event.kind) {
      case "turn-start":
        spiral = false;
        return;
      case "text-delta":
        return place.stream(event.text);
      case "model-end":
        return place.endStream();
      case "tool-requested":
        place.endStream();
        titles.set(event.callId, `${event.tool} ${firstWord(event.input)}`);
        return;
      case "tool-start":
        open.set(event.callId, "");
        titles.set(event.callId, event.title);
        return;
      case "tool-delta": {
        const printed = open.get(event.callId);
        if (printed !== undefined) open.set(event.callId, (printed + event.text).slice(-TAIL_CHARACTERS));
        return;
      }
      case "tool-end":
        return ended(event);
      case "cache-looked":
        return event.hit ? tell([theme.yellow(cacheText(event))]) : undefined;
      case "model-note":
        return tell([theme.yellow(harmless(event.text))]);
      case "route-decided":
        return event.changed ? tell([theme.faint(`route: ${harmless(event.reason)}`)]) : undefined;
      case "context-compacted":
        return tell([theme.faint(`context compacted: ${short(event.before)} -> ${short(event.after)} tokens`)]);
      case "loop-broken":
        return tell([
          theme.yellow(`the model goes in circles (${event.pattern}); it was told to do something different`),
        ]);
      case "todos-set":
        return event.todos.every(({ status }) => status === "done") ? tell(todoLines(event, theme)) : undefined;
      case "job-start":
        return tell([theme.faint(`job ${event.job} runs in the background: ${harmless(event.command)}`)]);
      case "job-end":
        return tell([
          theme.faint(`job ${event.job} ended${event.exitCode === null ? "" : ` with exit ${event.exitCode}`}`),
        ]);
      case "council-start":
      case "evidence-found":
      case "phase-end":
        return tell(works.lines(event, theme));
      case "spiral-start":
        spiral = true;
        return;
      case "decision-made":
        return spiral ? undefined : report(event);
      case "review-end":
      case "spiral-end":
        return report(event);
      default:
    }
  };
  return {
    take(event) {
      // What a council reads and runs in its copies is told in lines of its own.
      if (event.voice === "council") return;
      if (event.kind === "model-start") thought = "";
      else if (event.kind === "thinking-delta") thought = (thought + event.text).slice(-WHOLE);
      else show(event);
    },
    forget() {
      last = undefined;
      thought = "";
    },
    details() {
      return detailLines(place, last && { event: last, title: titles.get(last.callId) }, thought);
    },
    get running() {
      const id = [...open.keys()].at(-1);
      return id === undefined ? undefined : titles.get(id);
    },
    tail() {
      const printed = [...open.values()].at(-1) ?? "";
      const lines = harmless(printed).replaceAll("\t", "  ").trimEnd().split("\n");
      return printed.trim() === "" ? [] : lines.slice(-TAIL_LINES);
    },
  };
}

/** All that the last tool gave, and what the model thought since. */
function detailLines(
  { theme }: TranscriptPlace,
  last: { readonly event: EventOf<"tool-end">; readonly title: string | undefined } | undefined,
  thought: string,
): readonly string[] {
  const text = harmless(thought).trim();
  const thoughts = text === "" ? [] : [theme.bold("what the model thought"), ...text.split("\n").map(theme.faint)];
  const look = { style: theme, columns: 10_000, verbose: true, more: "" };
  const shown = [...(last ? toolLines(whole(last.event), last.title, look) : []), ...thoughts];
  return shown.length > 0 ? shown : ["nothing to show yet"];
}

/** With all that was printed, where it was too long for the model and its file is still there. */
function whole(event: EventOf<"tool-end">): EventOf<"tool-end"> {
  const file = event.details?.["spillAt"];
  if (typeof file !== "string") return event;
  try {
    return { ...event, parts: [{ type: "text", text: readFileSync(file, "utf8").slice(0, WHOLE) }] };
  } catch {
    return event;
  }
}

function firstWord(input: Readonly<Record<string, unknown>>): string {
  const word = Object.values(input).find((value) => typeof value === "string");
  return typeof word === "string" ? word : "";
}

/** What is told at the end of a turn. */
export function outcomeLines(outcome: Outcome, theme: Theme): readonly string[] {
  const { verification, openDenials, fault } = outcome;
  const proved = harmless(verification.text);
  return [
    ...(proved === "" ? [] : [(verification.status === "passed" ? theme.green : theme.yellow)(proved)]),
    ...openDenials.map((denial) => theme.yellow(`denied: ${harmless(denial.tool)}: ${harmless(denial.reason)}`)),
    ...(fault ? [(fault.code === "aborted" ? theme.yellow : theme.red)(harmless(faultLine(fault)))] : []),
  ];
}
