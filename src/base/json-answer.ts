/** The JSON value that a model was asked for, out of whatever it wrote around it. */
import { checkSchema } from "./json-schema.ts";

/** The JSON value in `text` (fences and words around it are tolerated), checked against `schema`. */
export function parseJson(
  text: string,
  schema: Readonly<Record<string, unknown>>,
): { ok: true; value: unknown } | { ok: false; problem: string } {
  const fenced = /```(?:json)?\s*([\s\S]*?)```/.exec(text)?.[1];
  for (const candidate of [text, fenced, text.slice(text.search(/[[{]/))]) {
    if (candidate === undefined || candidate.trim() === "") continue;
    try {
      const value: unknown = JSON.parse(candidate);
      const checked = checkSchema(schema, value);
      return checked.problems.length === 0
        ? { ok: true, value: checked.value }
        : { ok: false, problem: checked.problems[0] ?? "it does not fit" };
    } catch {
      // Not this form; the next candidate may be JSON.
    }
  }
  return { ok: false, problem: "it is not JSON" };
}
