/** Small facts learned about model servers, kept in one JSON file. */
import { readFileSync } from "node:fs";
import type { Json } from "../base/canonical-json.ts";
import type { QuirkStore } from "../core/ports/models.ts";
import { replaceFile } from "./replace-file.ts";

/** What is learned survives the process if it can; a file that cannot be read or written is learned anew, never a fault. */
export function createQuirkStore(file: string): QuirkStore {
  const read = (): Record<string, Json> | undefined => {
    try {
      const value: unknown = JSON.parse(readFileSync(file, "utf8"));
      return typeof value === "object" && value !== null && !Array.isArray(value)
        ? (value as Record<string, Json>)
        : undefined;
    } catch {
      return undefined;
    }
  };
  let known: Record<string, Json> | undefined;
  return {
    load: (key) => {
      known ??= read() ?? {};
      return known[key];
    },
    save(key, value) {
      known = { ...known, ...read(), [key]: value };
      // An answer is worth more than what it taught: this process knows it, the next one learns it again.
      replaceFile(file, JSON.stringify(known, null, 1));
    },
  };
}
