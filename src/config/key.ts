/** What a configuration key is, and how a value for it is read and checked. */
import * as z from "zod/mini";
import { issueText } from "../base/issue-text.ts";

/**
 * `any`: the usual order. `user`: a project file that sets it is an error.
 * `tighten`: the stricter value of all layers wins.
 */
export type Scope = "any" | "user" | "tighten";

export interface Key {
  readonly scope: Scope;
  readonly schema: z.ZodMiniType;
  readonly fallback: unknown;
  readonly about: string;
  /** A further environment variable that sets it. */
  readonly variable?: string;
  /** For `tighten`: the stricter of two values. */
  readonly tighter?: (a: unknown, b: unknown) => unknown;
  /** For `any`: an object whose entries are taken from all layers, each from the uppermost that has it. */
  readonly entries?: true;
}

/** Reads one value from text (flag, variable, `config set`): JSON where the key is not a string. */
export function parseValue(key: Key, text: string): { ok: true; value: unknown } | { ok: false; problem: string } {
  const asText = z.safeParse(key.schema, text);
  if (asText.success) return { ok: true, value: asText.data };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = text.includes(",") || Array.isArray(key.fallback) ? text.split(",").map((item) => item.trim()) : text;
  }
  return checkValue(key, json);
}

/** Checks a value against its key; the problem is one short clause. */
export function checkValue(key: Key, value: unknown): { ok: true; value: unknown } | { ok: false; problem: string } {
  const result = z.safeParse(key.schema, value);
  if (result.success) return { ok: true, value: result.data };
  const [issue] = result.error.issues;
  return { ok: false, problem: issue ? issueText(issue) : "wrong type" };
}
