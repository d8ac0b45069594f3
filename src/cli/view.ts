/** What a conversation needs of a screen: the full terminal face and the linear one for screen readers both are one. */
import type { Event } from "../core/event.ts";
import type { Human } from "../core/ports/human.ts";
import type { Outcome } from "../core/task.ts";
import type { Output } from "./output.ts";

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly about?: string;
}

export interface View {
  readonly style: Output["style"];
  readonly columns: number;
  readonly human: Human;
  /** Lines that stay. */
  say(lines: readonly string[]): void;
  /** What the person said, as it stands in the conversation. */
  said(text: string, how: "prompt" | "steering" | "command" | "slash"): void;
  event(event: Event): void;
  ended(outcome: Outcome, durationMs: number): void;
  /** Something that the status shows is different now. */
  changed(): void;
  /** `preset`: the question comes up by itself; Enter alone means this value, which must be the harmless one. */
  choose(title: string, choices: readonly Choice[], preset?: string): Promise<string | undefined>;
  /** A line of free text; undefined when the person would rather not. */
  line(title: string): Promise<string | undefined>;
  /** Puts text where the person writes. */
  propose(text: string): void;
  /** The terminal belongs to `work` until it is done. */
  alone<T>(work: () => T | Promise<T>): Promise<T>;
  redraw(): void;
  setTheme(name: string): void;
}
