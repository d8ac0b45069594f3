/** Questions of a conversation: one at a time, in the order in which they came. */
import { type ApprovalAnswer, answerOf, type Human, type Refusal } from "../../core/ports/human.ts";
import { harmless } from "../output.ts";
import type { Choice } from "../view.ts";
import { approvalDialog, type Dialog, listDialog, textDialog } from "./dialogs.ts";
import type { Theme } from "./theme.ts";

export interface Questions {
  readonly human: Human;
  /** What stands now. */
  readonly dialog: Dialog | undefined;
  /** `preset`: it comes up by itself, and Enter alone means this. */
  choose(title: string, choices: readonly Choice[], preset?: string): Promise<string | undefined>;
  line(title: string): Promise<string | undefined>;
}

export interface QuestionsPlace {
  readonly theme: Theme;
  readonly settle: (lines: readonly string[]) => void;
  /** The question that is asked is another one now. */
  readonly changed: () => void;
  /** A question waits. */
  readonly notice: (text: string) => void;
}

type Make<T> = (answer: (value: T | undefined) => void) => Dialog;

const OTHER = "something else …";

export function createQuestions({ theme, settle, changed, notice }: QuestionsPlace): Questions {
  let dialog: Dialog | undefined;
  let asked: Promise<unknown> = Promise.resolve();
  const ask = <T>(make: Make<T>, signal?: AbortSignal): Promise<T | undefined> => {
    const next = asked.then(() => {
      if (signal?.aborted) return undefined;
      const { promise, resolve } = Promise.withResolvers<T | undefined>();
      const done = (value: T | undefined) => {
        dialog = undefined;
        signal?.removeEventListener("abort", cancelled);
        changed();
        resolve(value);
      };
      const cancelled = () => done(undefined);
      signal?.addEventListener("abort", cancelled, { once: true });
      dialog = make(done);
      changed();
      return promise;
    });
    asked = next.catch(() => undefined);
    return next;
  };
  const human: Human = {
    present: true,
    async approve(question, signal) {
      notice(`asks: ${question.title}`);
      const given =
        (await ask<ApprovalAnswer | Refusal>((done) => approvalDialog(theme, question, done), signal)) ?? "no";
      const { answer, reason } = answerOf(given);
      const words = { yes: "allowed once", always: "allowed always", no: "not allowed" }[answer];
      const line = `${words}: ${question.title}${reason === "" ? "" : ` (${reason})`}`;
      settle([theme.faint(harmless(line).replaceAll("\n", " "))]);
      return given;
    },
    async ask(title, options, signal) {
      notice(`asks: ${title}`);
      const choices = [...options, OTHER].map((label) => ({ value: label, label }));
      const chosen =
        options.length === 0
          ? OTHER
          : await ask<string>(
              (done) => listDialog(theme, { title, choices, preset: options[0] ?? OTHER }, done),
              signal,
            );
      const answer =
        chosen === OTHER ? await ask<string>((done) => textDialog(theme, { title }, done), signal) : chosen;
      settle([theme.faint(`${harmless(title)} → ${harmless(answer ?? "(no answer)")}`)]);
      return answer;
    },
  };
  return {
    human,
    get dialog() {
      return dialog;
    },
    choose: (title, choices, preset) =>
      ask<string>((done) => listDialog(theme, { title, choices, ...(preset === undefined ? {} : { preset }) }, done)),
    line: (title) => ask<string>((done) => textDialog(theme, { title, asked: true }, done)),
  };
}
