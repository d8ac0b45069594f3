/** What a person changes or does beside the prompts of a live session: mode, style, own calls, the background, the name. */
import type { Voice } from "./agent/loop.ts";
import { CrucibleError } from "./base/error.ts";
import { LOCAL_USER } from "./core/actor.ts";
import type { Emit } from "./core/event.ts";
import type { LiveSession, OpenOptions } from "./core/ports/app.ts";
import type { Gate } from "./core/ports/gate.ts";
import type { Journal } from "./core/ports/store.ts";
import { turnsBegun } from "./core/standing.ts";

/** What holds now. */
export type Now = { -readonly [Key in "mode" | "style"]: OpenOptions[Key] } & {
  /** The only tools of the turn at work. */
  narrow: readonly string[] | undefined;
};

/** `given` is `opened` with the mode and style that hold when somebody looks at them. */
export function changeable(opened: OpenOptions): { readonly given: OpenOptions; readonly now: Now } {
  const now: Now = { mode: opened.mode, style: opened.style, narrow: undefined };
  const only = () => [...(opened.only ?? []), ...(now.narrow ? [now.narrow] : [])];
  const given: OpenOptions = Object.defineProperties(
    { ...opened },
    {
      mode: { get: () => now.mode, enumerable: true },
      style: { get: () => now.style, enumerable: true },
      only: { get: only, enumerable: true },
    },
  );
  return { given, now };
}

export interface ControlParts {
  readonly now: Now;
  readonly gate: Gate;
  readonly journal: Journal;
  readonly emit: Emit;
  readonly writer: Voice;
}

type Controls = Pick<LiveSession, "compact" | "setMode" | "setStyle" | "own" | "background" | "events" | "rename">;

export function liveControls({ now, gate, journal, emit, writer }: ControlParts): Controls {
  return {
    async compact(signal) {
      const fault = await writer.compact(LOCAL_USER, signal);
      if (fault)
        throw new CrucibleError(fault.code, fault.message, fault.hint === undefined ? {} : { hint: fault.hint });
      await journal.flushed();
    },
    setStyle(style) {
      now.style = style;
    },
    setMode(next) {
      if (next === now.mode) return;
      now.mode = next;
      emit({ kind: "mode-set", mode: next });
    },
    async own(call, signal) {
      const { ownCall } = await import("./own-call.ts");
      return ownCall(gate, { ...call, turn: turnsBegun(journal.events()) }, signal);
    },
    background: () => gate.background(),
    events: () => journal.events(),
    rename: (name) => void emit({ kind: "session-name", name }),
  };
}
