/** Questions of a conversation: one at a time, in the order in which they came. */
import type { Human } from "../../core/ports/human.ts";
import { harmless } from "../output.ts";
import type { Choice } from "../view.ts";
import { approvalDialog, type Dialog, listDialog, textDialog } from "./dialogs.ts";
import type { Theme } from "./theme.ts";

export interface Questions {
  readonly human: Human;
  /** What has the keys now. */
  readonly dialog: Dialog | undefined;
  choose(title: string, choices: readonly Choice[]): Promise<string | undefined>;
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
      const answer = await ask<"yes" | "always" | "no">((done) => approvalDialog(theme, question, done), signal);
      const words = { yes: "allowed once", always: "allowed always", no: "not allowed" }[answer ?? "no"];
      settle([theme.faint(`${words}: ${harmless(question.title).replaceAll("\n", " ")}`)]);
      return answer ?? "no";
    },
    async ask(title, options, signal) {
      notice(`asks: ${title}`);
      const choices = [...options, OTHER].map((label) => ({ value: label, label }));
      const chosen =
        options.length === 0 ? OTHER : await ask<string>((done) => listDialog(theme, { title, choices }, done), signal);
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
    choose: (title, choices) => ask<string>((done) => listDialog(theme, { title, choices }, done)),
    line: (title) => ask<string>((done) => textDialog(theme, { title }, done)),
  };
}
