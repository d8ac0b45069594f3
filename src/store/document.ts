/** One JSON document on disk, whole or as it was before, readable by the user alone. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Json } from "../base/canonical-json.ts";
import { CrucibleError, errnoOf } from "../base/error.ts";
import { unwritable } from "../base/unwritable.ts";
import type { Document } from "../core/ports/mcp.ts";

/** `what` names it in faults. Reading throws `bad-config` for a file that is no JSON: what it held must not be forgotten silently. */
export function openDocument(file: string, what: string): Document {
  return {
    read: () => {
      try {
        return JSON.parse(readFileSync(file, "utf8")) as unknown;
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return undefined;
        throw new CrucibleError("bad-config", `${file} (${what}) cannot be read`, {
          hint: "mend it or move it away",
          cause: error,
        });
      }
    },
    write: (value: Json) => {
      const temporary = `${file}.${process.pid}.new`;
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        writeFileSync(temporary, `${JSON.stringify(value, null, 1)}\n`, { mode: 0o600, flush: true });
        renameSync(temporary, file);
      } catch (error) {
        throw unwritable(file, error);
      }
    },
  };
}
