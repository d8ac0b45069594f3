/** Replaces secrets by placeholders that stay the same for one value in one session. */
import { sha256 } from "../base/hash.ts";
import { findSecrets } from "./secrets.ts";

export interface Redactor {
  /** Text with every known or secret-shaped value replaced. */
  text(input: string): string;
  /** The same for every string inside a JSON value. */
  deep<T>(value: T): T;
  /** The value behind a placeholder of this session. */
  reveal(placeholder: string): string | undefined;
  /** Placeholders of this session that stand in `input`. */
  placeholders(input: string): readonly string[];
}

const PLACEHOLDER = /\[redacted:[a-z-]+:[0-9a-f]{8}\]/g;

/**
 * A redactor for one session: the same value has the same placeholder in every process that works on it.
 * `values` are secrets known by value (8 characters or more).
 */
export function createRedactor(session: string, values: readonly string[] = []): Redactor {
  const kept = new Map<string, string>();
  const registered = values.filter((value) => value.length >= 8);

  const placeholder = (kind: string, value: string): string => {
    const name = `[redacted:${kind}:${sha256(`${session}\n${value}`).slice(0, 8)}]`;
    kept.set(name, value);
    return name;
  };
  const text = (input: string): string => {
    let output = input;
    for (const value of registered)
      if (output.includes(value)) output = output.replaceAll(value, placeholder("value", value));
    const spans = findSecrets(output);
    for (const span of spans.toReversed()) {
      output =
        output.slice(0, span.start) +
        placeholder(span.kind, output.slice(span.start, span.end)) +
        output.slice(span.end);
    }
    return output;
  };
  const deep = <T>(value: T): T => {
    if (typeof value === "string") return text(value) as T;
    if (Array.isArray(value)) return value.map(deep) as T;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, deep(item)])) as T;
  };
  return {
    text,
    deep,
    reveal: (name) => kept.get(name),
    placeholders: (input) => (input.match(PLACEHOLDER) ?? []).filter((name) => kept.has(name)),
  };
}
