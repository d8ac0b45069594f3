/** One value that is dear to make, kept in a file under the hash of what it was made from. */
import { readFileSync } from "node:fs";
import { canonicalJson } from "../base/canonical-json.ts";
import { sha256 } from "../base/hash.ts";
import { replaceFile } from "./replace-file.ts";

/** The kept value of `key`, else that of `make`, which is then kept. A file that is absent, damaged or of another key is ignored, and one that cannot be written is no fault. */
export function keptValue<T>(file: string, key: string, make: () => T): T {
  const kept = read(file, key);
  if (kept) return kept.value as T;
  const value = make();
  replaceFile(file, JSON.stringify({ key, sum: sha256(canonicalJson(value)), value }));
  return value;
}

function read(file: string, key: string): { readonly value: unknown } | undefined {
  try {
    const kept = JSON.parse(readFileSync(file, "utf8")) as Partial<Record<"key" | "sum" | "value", unknown>>;
    return kept.key === key && kept.sum === sha256(canonicalJson(kept.value)) ? { value: kept.value } : undefined;
  } catch {
    return undefined;
  }
}
