/** What a voice and a model say to each other. */
import type { Label } from "./label.ts";

export interface TextPart {
  readonly type: "text";
  readonly text: string;
  /** Where it comes from, if not from the one who speaks (piped input in a prompt). */
  readonly label?: Label;
}

/** Reasoning that a model showed apart from its answer. */
export interface ThinkingPart {
  readonly type: "thinking";
  readonly text: string;
}

export interface ImagePart {
  readonly type: "image";
  readonly mediaType: string;
  /** Base64 without a data-URL head. */
  readonly data: string;
}

export interface ToolCallPart {
  readonly type: "tool-call";
  readonly id: string;
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Why a model stopped. `aborted`: the stream was cut; the text so far is kept. */
export type StopReason = "stop" | "length" | "tool-calls" | "filtered" | "aborted";

/** Tokens of one model request. `reported` comes from the server, `estimated` from byte counts. */
export interface Usage {
  readonly input: number;
  readonly cached?: number;
  /** `estimated` from the time that reading the prompt took. */
  readonly cachedSource?: "reported" | "estimated";
  readonly output: number;
  readonly source: "reported" | "estimated";
  /** Milliseconds the server (or, failing that, our clock) gives for each stage. */
  readonly loadMs?: number;
  readonly prefillMs?: number;
  readonly decodeMs?: number;
}

export interface ModelRef {
  readonly provider: string;
  readonly model: string;
  readonly digest?: string;
}

export interface UserMessage {
  readonly role: "user";
  readonly parts: readonly (TextPart | ImagePart)[];
}

export interface AssistantMessage {
  readonly role: "assistant";
  readonly parts: readonly (TextPart | ThinkingPart | ToolCallPart)[];
  readonly voice: string;
  readonly model: ModelRef;
  readonly usage: Usage;
  readonly stop: StopReason;
}

export interface ToolMessage {
  readonly role: "tool";
  readonly callId: string;
  readonly tool: string;
  readonly parts: readonly (TextPart | ImagePart)[];
  readonly failed: boolean;
}

export type Message = UserMessage | AssistantMessage | ToolMessage;

/** The plain text of a message's text parts. */
export function textOf(message: Message): string {
  return message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** The person's words of a prompt, images left out. */
export function wordsOf(prompt: readonly (TextPart | ImagePart)[]): string {
  return prompt.map((part) => (part.type === "text" ? part.text : "")).join("\n");
}

/** `provider/model`, as it is written with `-m` and in the configuration. */
export function nameOf({ provider, model }: Pick<ModelRef, "provider" | "model">): string {
  return `${provider}/${model}`;
}
