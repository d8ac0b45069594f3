/** How long answers are, and what the model is told of it. */

export const STYLES = ["concise", "normal", "verbose"] as const;
export type OutputStyle = (typeof STYLES)[number];

/** Said to the model when it changes; a normal style that never changed is not said at all. */
export const STYLE_TEXTS: Readonly<Record<OutputStyle, string>> = {
  concise: "style: concise (at most four lines unless more is asked for; no preamble, no summary of what was done)",
  normal: "style: normal",
  verbose: "style: verbose (explain what you do and why, with the alternatives)",
};
