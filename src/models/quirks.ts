/** Ways in which servers differ, learned from their own replies and kept per server, model and version. */

import type { Json } from "../base/canonical-json.ts";
import { isFields } from "../base/json-schema.ts";
import type { QuirkStore } from "../core/ports/models.ts";
import type { Problem } from "./problem.ts";

/** Everything absent means the ordinary form. */
export interface Quirks {
  /** The server takes no tools array: they are described in the system text and calls are read from text. */
  readonly toolsInText?: boolean;
  /** Thinking cannot be switched at all, or only on and off. */
  readonly think?: "none" | "boolean";
  /** The answer starts inside thinking without an opening tag. */
  readonly openThink?: boolean;
  /** Thinking of earlier answers must be sent back, in this field. */
  readonly thinkingBack?: "reasoning_content" | "reasoning";
  /** Strongest form of constrained answer that is taken. */
  readonly format?: "json" | "none";
  readonly maxTokensName?: "max_completion_tokens";
  readonly noStreamUsage?: boolean;
  readonly noReasoningEffort?: boolean;
  readonly noTemplateArguments?: boolean;
  readonly noTemperature?: boolean;
  /** Of the sampling settings, only temperature and top_p are taken. */
  readonly plainSampling?: boolean;
  readonly systemRole?: "developer" | "user";
  /** Tool results must carry the tool's name. */
  readonly toolName?: boolean;
  /** An assistant message must stand between a tool result and the next user message. */
  readonly assistantAfterTool?: boolean;
  /** Arguments of earlier calls must be objects, not JSON text. */
  readonly objectArguments?: boolean;
}

interface Lesson {
  readonly when: RegExp;
  /** The other form, or undefined when it is in use already. */
  readonly learn: (quirks: Quirks) => Quirks | undefined;
  readonly text: string;
}

function set<Key extends keyof Quirks>(key: Key, value: NonNullable<Quirks[Key]>): Lesson["learn"] {
  return (quirks) => (quirks[key] === value ? undefined : { ...quirks, [key]: value });
}

/** First match wins; patterns are the servers' own words. */
const LESSONS: readonly Lesson[] = [
  {
    when: /does not support tools|requires --jinja|enable-auto-tool-choice|tools? (param(eter)?|calling|use) (is |are )?not supported|tool_choice.*not supported/i,
    learn: set("toolsInText", true),
    text: "takes no tools array: tools are described in the system text",
  },
  {
    when: /think value .* not supported|invalid think value|think.*must be (a )?bool/i,
    learn: (quirks) => (quirks.think ? undefined : { ...quirks, think: "boolean" }),
    text: "knows thinking only as on and off",
  },
  {
    when: /does not support thinking|thinking (is )?not supported/i,
    learn: set("think", "none"),
    text: "has no thinking switch",
  },
  { when: /reasoning_effort/i, learn: set("noReasoningEffort", true), text: "takes no reasoning_effort" },
  {
    when: /chat_template_kwargs|return_progress/i,
    learn: set("noTemplateArguments", true),
    text: "takes no template arguments",
  },
  {
    when: /reasoning_content.*(must|required|missing|passed back)|(missing|required).*reasoning_content/i,
    learn: set("thinkingBack", "reasoning_content"),
    text: "wants earlier thinking back",
  },
  {
    when: /`?reasoning`?.*(must be|required|passed back)/i,
    learn: set("thinkingBack", "reasoning"),
    text: "wants earlier thinking back",
  },
  {
    when: /max_completion_tokens/i,
    learn: set("maxTokensName", "max_completion_tokens"),
    text: "wants max_completion_tokens",
  },
  { when: /stream_options|include_usage/i, learn: set("noStreamUsage", true), text: "takes no stream_options" },
  {
    when: /\b(top_k|min_p|repeat_penalty)\b/i,
    learn: set("plainSampling", true),
    text: "takes only temperature and top_p",
  },
  {
    when: /temperature.*(not|unsupported|only)|unsupported.*temperature/i,
    learn: set("noTemperature", true),
    text: "takes no temperature",
  },
  {
    when: /use (the )?['"`]?developer['"`]?|expected ['"`]?developer/i,
    learn: set("systemRole", "developer"),
    text: "wants the developer role",
  },
  {
    when: /system role (is )?not supported|(system|role).{0,20}system.{0,20}(not (supported|allowed)|invalid)/i,
    learn: set("systemRole", "user"),
    text: "has no system role",
  },
  {
    when: /tool.*(name|['"`]name['"`]).*(required|missing|must)|missing.*name.*tool/i,
    learn: set("toolName", true),
    text: "wants the name in tool results",
  },
  {
    when: /(unexpected|after) role.*tool|user.*after.*tool|roles must alternate/i,
    learn: set("assistantAfterTool", true),
    text: "wants an assistant message after tool results",
  },
  {
    when: /can only get item pairs from a mapping|arguments.*(must be|should be|expected).*(object|dict|mapping)|cannot unmarshal string into.*arguments/i,
    learn: set("objectArguments", true),
    text: "wants call arguments as objects",
  },
  {
    when: /response_format|json_schema|invalid format|grammar|structured output/i,
    learn: (quirks) =>
      quirks.format === "none" ? undefined : { ...quirks, format: quirks.format === "json" ? "none" : "json" },
    text: "takes a weaker answer format",
  },
];

/** What a failed request teaches: the quirks for the one retry, or undefined when it teaches nothing new. */
export function learnFrom(
  problem: Problem,
  quirks: Quirks,
): { readonly quirks: Quirks; readonly text: string } | undefined {
  if (problem.status === 503 || problem.status === 429 || problem.status === 401) return undefined;
  for (const lesson of LESSONS) {
    if (!lesson.when.test(problem.message)) continue;
    const learned = lesson.learn(quirks);
    if (learned) return { quirks: learned, text: lesson.text };
  }
  return undefined;
}

/** Quirks of one server, model and version, read once and saved at each change. */
export interface QuirkBook {
  get(): Quirks;
  set(quirks: Quirks): void;
}

export function openQuirks(store: QuirkStore, server: string, model: string, version: string | undefined): QuirkBook {
  const key = `quirks ${server} ${model} ${version ?? "?"}`;
  const stored = store.load(key);
  let quirks: Quirks = isFields(stored) ? (stored as Quirks) : {};
  return {
    get: () => quirks,
    set(next) {
      quirks = next;
      store.save(key, next as { readonly [name: string]: Json });
    },
  };
}
