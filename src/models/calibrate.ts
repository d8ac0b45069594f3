/** How many tokens a prompt has: estimated from bytes, calibrated by what the server reports, alarmed when they part. */

/** Bytes per token assumed before a model has answered; the margin makes the estimate err upwards. */
const PRIOR_BYTES_PER_TOKEN = 4;
const MARGIN = 1.25;
/** A ratio outside these bounds is no token count of that text (a cut prompt, a stub). */
const PLAUSIBLE = { least: 1.2, most: 9 };
/** What an image costs, in tokens; servers differ between about 250 and 1,500. */
const IMAGE_TOKENS = 800;

/** A prompt as sent: the text that counts, in order, and the images in it. */
export interface Prompt {
  readonly text: string;
  readonly bytes: number;
  readonly images: number;
}

export interface Estimate {
  readonly tokens: number;
  readonly calibrated: boolean;
}

export type Reading =
  | { readonly state: "plausible" }
  | { readonly state: "unverified"; readonly why: string }
  /** The server evaluated clearly less than was sent. */
  | { readonly state: "cut"; readonly expected: number; readonly reported: number };

/** One per model digest. */
export interface Calibration {
  /** Bytes per token as measured, if any answer told. */
  readonly ratio: number | undefined;
  estimate(prompt: Prompt): Estimate;
  /** Takes in a reported count (evaluated and cached). `window`: undefined when it is only assumed. */
  report(prompt: Prompt, tokens: number | undefined, window: number | undefined): Reading;
}

/** `known`: bytes per token measured by an earlier process. */
export function createCalibration(known?: number): Calibration {
  /** The last prompt whose count is known: what it and the next one share needs no estimate. */
  let anchor: { prompt: Prompt; tokens: number } | undefined;
  let ratio: number | undefined = known;

  const estimate = (prompt: Prompt): Estimate => {
    const images = prompt.images * IMAGE_TOKENS;
    if (ratio === undefined)
      return { tokens: Math.ceil((prompt.bytes / PRIOR_BYTES_PER_TOKEN + images) * MARGIN), calibrated: false };
    if (anchor && prompt.text.startsWith(anchor.prompt.text)) {
      const more = (prompt.bytes - anchor.prompt.bytes) / ratio + (prompt.images - anchor.prompt.images) * IMAGE_TOKENS;
      return { tokens: Math.ceil(anchor.tokens + more), calibrated: true };
    }
    return { tokens: Math.ceil(prompt.bytes / ratio + images), calibrated: true };
  };

  return {
    get ratio() {
      return ratio;
    },
    estimate,
    report(prompt, tokens, window) {
      if (tokens === undefined || tokens <= 0)
        return { state: "unverified", why: "the server reports no prompt tokens" };
      const expected = estimate(prompt);
      const constant =
        anchor !== undefined &&
        anchor.tokens === tokens &&
        Math.abs(prompt.bytes - anchor.prompt.bytes) > anchor.prompt.bytes * 0.02;
      if (constant)
        return {
          state: "unverified",
          why: `the server reports ${tokens} prompt tokens for prompts of different length`,
        };
      const cut =
        expected.calibrated &&
        window !== undefined &&
        tokens < 0.9 * expected.tokens &&
        expected.tokens >= 0.4 * window;
      if (cut) return { state: "cut", expected: expected.tokens, reported: tokens };
      const measured = prompt.bytes / Math.max(tokens - prompt.images * IMAGE_TOKENS, 1);
      if (prompt.images === 0 && (measured < PLAUSIBLE.least || measured > PLAUSIBLE.most)) {
        return { state: "unverified", why: `the server reports ${tokens} prompt tokens for ${prompt.bytes} bytes` };
      }
      if (prompt.images === 0) ratio = measured;
      if (ratio !== undefined) anchor = { prompt, tokens };
      return { state: "plausible" };
    },
  };
}
