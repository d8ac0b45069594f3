/** The turns of a session as a person goes back to them: a fold over its events. */
import { CrucibleError } from "../base/error.ts";
import { oneLine } from "../base/text.ts";
import type { Event } from "../core/event.ts";
import { wordsOf } from "../core/message.ts";
import type { Checkpoint, TurnKey, UndoOptions } from "../core/ports/undo.ts";
import { undoneTurns } from "../core/standing.ts";

interface Draft {
  readonly turn: number;
  readonly title: string;
  readonly at: number;
  readonly paths: Set<string>;
  more: number;
  added: number;
  removed: number;
}

/** Oldest first. */
export function checkpointsOf(events: readonly Event[]): Checkpoint[] {
  const drafts: Draft[] = [];
  for (const event of events) {
    if (event.kind === "turn-start") {
      const title = oneLine(wordsOf(event.prompt), 80);
      drafts.push({ turn: event.turn ?? 0, title, at: event.at, paths: new Set(), more: 0, added: 0, removed: 0 });
      continue;
    }
    // A command that is found out about late names its turn.
    const draft = event.turn === undefined ? drafts.at(-1) : drafts.findLast(({ turn }) => turn === event.turn);
    if (draft) count(draft, event);
  }
  const undone = undoneTurns(events);
  return drafts.map(({ paths, more, ...draft }) => ({
    ...draft,
    files: paths.size + more,
    undone: undone.has(draft.turn),
  }));
}

function count(draft: Draft, event: Event): void {
  if (event.kind === "file-changed") draft.paths.add(event.path);
  if (event.kind === "effects-found") {
    for (const path of event.paths) draft.paths.add(path);
    draft.more += event.more;
  }
  if (event.kind !== "tool-end" || event.failed || event.details?.["copy"] === true) return;
  const { added, removed } = event.details ?? {};
  if (typeof added === "number") draft.added += added;
  if (typeof removed === "number") draft.removed += removed;
}

/** The turns that are meant, newest first. Throws `usage`. */
export function turnsToUndo(checkpoints: readonly Checkpoint[], { turns = 1, to }: UndoOptions): readonly Checkpoint[] {
  const open = checkpoints.filter(({ undone }) => !undone).toReversed();
  if (open.length === 0) throw new CrucibleError("usage", "there is nothing to undo in this session");
  if (to === undefined) {
    if (Number.isSafeInteger(turns) && turns >= 1 && turns <= open.length) return open.slice(0, turns);
    throw new CrucibleError("usage", `undo ${turns}: this session has ${open.length} turns that stand`, {
      hint: "see: crucible undo --list",
    });
  }
  if (open.some(({ turn }) => turn === to)) return open.filter(({ turn }) => turn >= to);
  throw new CrucibleError("usage", `there is no turn ${to} that stands in this session`, {
    hint: "see: crucible undo --list",
  });
}

/** The turns of the last undo that can be done again, oldest first. Throws `usage`. */
export function turnsToRedo(events: readonly Event[]): readonly number[] {
  let stack: (readonly number[])[] = [];
  for (const event of events) {
    if (event.kind === "turn-start") stack = [];
    if (event.kind === "turn-undone") stack.push(event.turns);
    if (event.kind === "turn-redone") stack.pop();
  }
  const last = stack.at(-1);
  if (last) return last.toSorted((a, b) => a - b);
  throw new CrucibleError("usage", "there is no undo to take back: none was made since the last prompt");
}

/** Where the undo material of a turn lies: a fork's older turns are those of the session that it left. */
export function keyOf(events: readonly Event[], session: string, turn: number): TurnKey {
  let inside = false;
  for (const event of events) {
    if (event.kind === "turn-start" && event.turn === turn) inside = true;
    if (inside && event.kind === "session-start" && event.fork) return { session: event.fork.session, turn };
  }
  return { session, turn };
}
