/** Larger work while it goes on: voices of a council side by side, phases of a spiral, what is still to do. */
import { truncateToWidth, visibleWidth } from "@earendil-works/pi-tui";
import type { Event, EventOf } from "../../core/event.ts";
import { harmless } from "../output.ts";
import { todoLines } from "../render/todo-lines.ts";
import type { Theme } from "./theme.ts";

/** Narrowest cell of a voice, its gap included. */
const CELL = 38;
const PHASES = ["collapse", "council", "synthesis", "rebirth", "reflection"] as const;
/** Lines of the list of what is to be done. */
const TODOS = 8;

interface VoiceCell {
  state: "asked" | "ok" | "lost";
  stage: string;
  text: string;
}

export interface WorksView {
  take(event: Event): void;
  /** Another session, with what has happened in it. */
  begin(events: readonly Event[]): void;
  lines(width: number): string[];
  /** How many voices are at work, and on what. */
  readonly voices: number;
}

export function createWorksView(theme: Theme): WorksView {
  const voices = new Map<string, VoiceCell>();
  let phase: EventOf<"phase-start"> | undefined;
  let todos: EventOf<"todos-set"> | undefined;
  const works: WorksView = {
    get voices() {
      return voices.size;
    },
    begin(events) {
      voices.clear();
      phase = undefined;
      todos = undefined;
      for (const event of events) if (event.kind === "turn-start" || event.kind === "todos-set") works.take(event);
    },
    take(event) {
      switch (event.kind) {
        case "turn-start":
          voices.clear();
          phase = undefined;
          // A list that an earlier turn left unfinished says nothing of this one.
          todos = undefined;
          return;
        case "voice-asked":
          voices.set(event.asked, { state: "asked", stage: event.stage, text: "" });
          return;
        case "voice-answered":
          voices.set(event.asked, {
            state: event.status === "ok" ? "ok" : "lost",
            stage: event.stage,
            text: event.status === "ok" ? event.text : event.status,
          });
          return;
        case "phase-start":
          phase = event;
          voices.clear();
          return;
        case "decision-made":
        case "review-end":
          voices.clear();
          return;
        case "todos-set":
          todos = event.todos.every(({ status }) => status === "done") ? undefined : event;
          return;
        case "turn-end":
          voices.clear();
          phase = undefined;
          return;
        default:
      }
    },
    lines(width) {
      return [
        ...(phase ? [phaseLine(phase, theme)] : []),
        ...voiceGrid([...voices], width, theme),
        ...(todos ? todoLines(window(todos), theme).map((line) => truncateToWidth(line, width, "…")) : []),
      ];
    },
  };
  return works;
}

function phaseLine({ phase, loop }: EventOf<"phase-start">, theme: Theme): string {
  const at = PHASES.indexOf(phase as (typeof PHASES)[number]);
  const marks = PHASES.map((name, index) =>
    index < at ? theme.green(`✔ ${name}`) : index === at ? theme.accent(`▸ ${name}`) : theme.faint(`· ${name}`),
  );
  return `${marks.join("  ")}${loop > 1 ? theme.faint(`  loop ${loop}`) : ""}`;
}

/** As many cells in a row as fit. */
function voiceGrid(voices: readonly (readonly [string, VoiceCell])[], width: number, theme: Theme): string[] {
  if (voices.length === 0) return [];
  const across = Math.max(1, Math.min(voices.length, Math.floor(width / CELL)));
  const wide = Math.floor(width / across);
  const cells = voices.map(([name, cell]) => {
    const mark = { asked: theme.accent("▸"), ok: theme.green("✔"), lost: theme.red("✗") }[cell.state];
    const said = cell.state === "asked" ? `${cell.stage} …` : cell.text;
    const text = `${mark} ${theme.bold(name)} ${theme.faint(harmless(said).replaceAll("\n", " "))}`;
    const cut = truncateToWidth(text, wide - 2, "…");
    return `${cut}${" ".repeat(Math.max(0, wide - visibleWidth(cut)))}`;
  });
  const rows: string[] = [];
  for (let at = 0; at < cells.length; at += across)
    rows.push(
      cells
        .slice(at, at + across)
        .join("")
        .trimEnd(),
    );
  return rows;
}

/** The part of a long list around what is being done. */
function window(event: EventOf<"todos-set">): EventOf<"todos-set"> {
  const { todos } = event;
  if (todos.length <= TODOS) return event;
  const now = Math.max(
    0,
    todos.findIndex(({ status }) => status !== "done"),
  );
  const from = Math.min(Math.max(0, now - 2), todos.length - TODOS);
  return { ...event, todos: todos.slice(from, from + TODOS) };
}
