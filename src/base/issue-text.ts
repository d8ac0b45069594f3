/** What is wrong with a value, in words: zod/mini carries no texts of its own. */

/** The fields of a zod issue that are used, as far as its code has them. */
export interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly expected?: unknown;
  readonly keys?: readonly string[];
  readonly values?: readonly unknown[];
  readonly minimum?: unknown;
  readonly maximum?: unknown;
}

/** `path: problem`, without the path when it is empty. */
export function issueText(issue: Issue): string {
  const path = issue.path.map(String).join(".");
  return path === "" ? problemOf(issue) : `${path}: ${problemOf(issue)}`;
}

function problemOf({ code, message, expected, keys, values, minimum, maximum }: Issue): string {
  if (code === "unrecognized_keys" && keys) return `unknown field ${keys.join(", ")}`;
  if (code === "invalid_type" && expected !== undefined) return `${String(expected)} expected`;
  if (code === "invalid_value" && values) return `not a known value: one of ${values.map(String).join(", ")}`;
  if (code === "too_small" && minimum !== undefined) return `too small (least ${String(minimum)})`;
  if (code === "too_big" && maximum !== undefined) return `too large (most ${String(maximum)})`;
  return message === "Invalid input" ? "it does not fit" : message;
}
