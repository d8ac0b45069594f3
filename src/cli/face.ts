/** What a conversation is held through: a view with a beginning and an end. */
import type { App } from "../core/ports/app.ts";
import type { Conversation } from "./conversation.ts";
import type { PromptHistory } from "./prompt-history.ts";
import type { SlashCommand } from "./slash/slash.ts";
import type { View } from "./view.ts";

export interface FaceOptions {
  readonly app: App;
  readonly env: Readonly<Record<string, string>>;
  readonly history: PromptHistory;
  readonly commands: Readonly<Record<string, SlashCommand>>;
  readonly color: boolean;
  readonly verbose: boolean;
  readonly sandboxOff: boolean;
  /** A question waits, or a long turn has ended. */
  readonly notice: (text: string) => void;
}

export interface KeyRow {
  readonly action: string;
  readonly keys: readonly string[];
  readonly about: string;
}

export interface Face {
  readonly view: View;
  /** Told at the start. */
  readonly notes: readonly string[];
  /** Every key and what it does. */
  keys(): readonly KeyRow[];
  start(conversation: Conversation): void;
  stop(): void;
}
