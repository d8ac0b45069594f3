/** Keys that were not meant for the question on the screen: they came before it could be read. */
import type { Dialog } from "./dialogs.ts";

/** A key this soon after another may have been meant for what stood there before (milliseconds). */
const TYPING_MS = 700;

export interface EarlyKeys {
  /** A key went to the prompt. */
  typed(): void;
  /** The prompt was sent: what comes next is no part of it. */
  sent(): void;
  /** True for a key that `dialog` must not take: of a word that is being typed, or held since the question before. */
  isEarly(dialog: Dialog): boolean;
}

export function createEarlyKeys(): EarlyKeys {
  let last = Number.NEGATIVE_INFINITY;
  let heeded: { readonly dialog: Dialog; readonly at: number } | undefined;
  return {
    typed() {
      last = performance.now();
    },
    sent() {
      last = Number.NEGATIVE_INFINITY;
    },
    isEarly(dialog) {
      const now = performance.now();
      const held = dialog.decides && heeded && heeded.dialog !== dialog && now - heeded.at < TYPING_MS;
      const early = held || now - last < TYPING_MS;
      if (early) last = now;
      else heeded = { dialog, at: now };
      return early;
    },
  };
}
