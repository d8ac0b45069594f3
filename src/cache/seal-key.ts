/** The key that seals what goes into shared tiers: made once, readable by its owner alone. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const BYTES = 32;

/** Two processes that make it at the same time end with the same key. */
export function sealKey(file: string): Uint8Array {
  for (;;) {
    try {
      const key = readFileSync(file);
      if (key.length === BYTES) return key;
      // Half written by a process that died: whoever writes it now wins.
      writeFileSync(file, randomBytes(BYTES), { mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      try {
        writeFileSync(file, randomBytes(BYTES), { mode: 0o600, flag: "wx" });
      } catch (raced) {
        if ((raced as NodeJS.ErrnoException).code !== "EEXIST") throw raced;
      }
    }
  }
}
