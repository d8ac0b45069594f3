/** Puts the real value behind a redaction placeholder where it already stands in the same file, and nowhere else. */
import type { Hands } from "../core/ports/hands.ts";
import type { Redactor } from "./redact.ts";

type Input = Readonly<Record<string, unknown>>;

/** Input with placeholders resolved, or the reason why the call must not run: no placeholder is ever written. */
export async function resolvePlaceholders(
  input: Input,
  hands: Hands,
  redactor: Redactor,
): Promise<{ input: Input; problem?: string }> {
  if (!hands.fileWrites || typeof input["path"] !== "string") return { input };
  const names = new Set(redactor.placeholders(JSON.stringify(input)));
  if (names.size === 0) return { input };
  const current = await hands.files?.read(input["path"]).catch(() => undefined);
  const text = current ? Buffer.from(current.bytes).toString("utf8") : "";
  const values = new Map<string, string>();
  for (const name of names) {
    const value = redactor.reveal(name);
    if (value === undefined || !text.includes(value)) {
      return {
        input,
        problem: `${name} stands for a secret that is not in ${input["path"]}; it cannot be written there. Leave that part of the file alone or ask the person.`,
      };
    }
    values.set(name, value);
  }
  return { input: replaceDeep(input, values) as Input };
}

function replaceDeep(value: unknown, values: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return [...values].reduce((text, [name, real]) => text.replaceAll(name, real), value);
  if (Array.isArray(value)) return value.map((item) => replaceDeep(item, values));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceDeep(item, values)]));
}
