/** The port of a Living Spiral: all that its five phases ask of the world. */
import type { Json } from "../../base/canonical-json.ts";
import type { Emit } from "../event.ts";
import type { RepositoryCheck, Steps } from "./council.ts";

export type SpiralScale = "micro" | "meso" | "epic";

/** A command that tells whether the work is done; `files` are there only while it runs. */
export type AcceptanceCheck = {
  readonly title: string;
  readonly command: string;
  readonly files?: readonly { readonly path: string; readonly content: string }[];
  /** `user`: the person named it; `generated`: a voice wrote it from the words of the task. */
  readonly trust: "user" | "generated";
};

/** One question to one voice, bound to a form. */
export interface SpiralQuestion {
  readonly key: string;
  readonly voice: string;
  readonly text: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** What a run of one command showed. */
export type CheckOutcome = {
  readonly outcome: "pass" | "fail" | "error" | "timeout";
  readonly output: string;
  readonly ms: number;
};

/** Work in a throw-away copy of the workspace. */
export interface Trial extends AsyncDisposable {
  /** One writer works through the plan with its tools, in the copy; a failure of the model comes back as a problem. */
  write(prompt: string, signal: AbortSignal): Promise<{ readonly text: string; readonly problem?: string }>;
  check(command: string, files: AcceptanceCheck["files"], signal: AbortSignal): Promise<CheckOutcome>;
  diff(): Promise<string>;
  /** What the guard's checks of content say of the changed files; empty: nothing. */
  scan(): Promise<readonly string[]>;
  /** Makes the workspace what the copy became. Returns the paths. */
  accept(signal: AbortSignal): Promise<readonly string[]>;
}

export interface SpiralPort {
  readonly steps: Steps;
  readonly emit: Emit;
  readonly checks: readonly RepositoryCheck[];
  /** The value that fits the form, or why there is none. */
  ask(question: SpiralQuestion, signal: AbortSignal): Promise<{ readonly value?: Json; readonly problem?: string }>;
  /** A council on how to do it: the text of what it decided and whoever dissented, or why it did not decide. */
  council(
    question: string,
    scale: SpiralScale,
    signal: AbortSignal,
  ): Promise<{ readonly decided: boolean; readonly text: string; readonly id: string }>;
  trial(signal: AbortSignal): Promise<Trial>;
  /** Asks the person at the end of a phase; undefined when nobody is there. */
  approve(question: string, lines: readonly string[], signal: AbortSignal): Promise<boolean | undefined>;
  /** What earlier spirals of this workspace learned, newest last. */
  lessons(): Promise<readonly string[]>;
  learn(lesson: string): Promise<void>;
}
