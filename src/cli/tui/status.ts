/** The rows below the prompt: model, window, speed, share of the cache, who works, mode, sandbox. */
import { truncateToWidth, visibleWidth } from "@earendil-works/pi-tui";
import { plural } from "../../base/text.ts";
import { nameOf, type Usage } from "../../core/message.ts";
import type { Conversation } from "../conversation.ts";
import { lineOf } from "../output.ts";
import { usageTexts } from "../render/usage-text.ts";
import type { Theme } from "./theme.ts";

export interface StatusFacts {
  readonly conversation: Conversation | undefined;
  readonly usage: Usage | undefined;
  /** Voices at work in a council. */
  readonly voices: number;
  readonly sandbox: string;
}

/** One row, or two where one is too narrow. */
export function statusRows(
  { conversation, usage, voices, sandbox }: StatusFacts,
  theme: Theme,
  width: number,
): string[] {
  const model = conversation?.model;
  const left = model ? [lineOf(nameOf(model.ref)), ...usageTexts(usage, model.window)] : ["no model yet"];
  const face = voices > 0 ? plural(voices, "voice") : (conversation?.live?.face ?? "developer");
  const right = [face, conversation?.mode ?? "default", sandbox === "" ? "" : `sandbox ${sandbox}`].filter(Boolean);
  const [a, b] = [left.join(" · "), right.join(" · ")];
  const gap = width - visibleWidth(a) - visibleWidth(b) - 1;
  const rows = gap > 0 ? [`${a}${" ".repeat(gap)}${b}`] : [a, b];
  return rows.map((row) => theme.faint(truncateToWidth(row, width, "…")));
}
