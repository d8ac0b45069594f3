/** Small facts learned about model servers, kept in one JSON file. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Json } from "../base/canonical-json.ts";
import { errnoOf } from "../base/error.ts";
import type { QuirkStore } from "../core/ports/models.ts";
import { storageError } from "./schema.ts";

/** What is learned survives the process; a file that cannot be read is learned anew. */
export function createQuirkStore(file: string): QuirkStore {
  const read = (): Record<string, Json> => {
    try {
      return JSON.parse(readFileSync(file, "utf8")) as Record<string, Json>;
    } catch (error) {
      if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError) return {};
      throw storageError(`cannot read ${file}`, error);
    }
  };
  let known: Record<string, Json> | undefined;
  return {
    load: (key) => {
      known ??= read();
      return known[key];
    },
    save(key, value) {
      known = { ...read(), [key]: value };
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      const temporary = `${file}.${process.pid}.new`;
      writeFileSync(temporary, JSON.stringify(known, null, 1), { mode: 0o600 });
      renameSync(temporary, file);
    },
  };
}
