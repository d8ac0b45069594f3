/** `--debug`: every event and the causes of errors, on standard error or in a file. */
import { appendFileSync } from "node:fs";
import { CrucibleError } from "../base/error.ts";
import type { Event } from "../core/event.ts";
import { harmless } from "./output.ts";

export interface Debug {
  event(event: Event): void;
  error(error: unknown): void;
}

/** `file` undefined = standard error. Throws `bad-input` when the file cannot be written. */
export function createDebug(file: string | undefined): Debug {
  const write = (text: string) => {
    if (file === undefined) return void process.stderr.write(harmless(text));
    try {
      appendFileSync(file, text, { mode: 0o600 });
    } catch (error) {
      throw new CrucibleError("bad-input", `--debug-file ${file} cannot be written`, { cause: error });
    }
  };
  return {
    event: (event) => write(`${JSON.stringify(event)}\n`),
    error(error) {
      for (
        let cause: unknown = error;
        cause !== undefined && cause !== null;
        cause = cause instanceof Error ? cause.cause : undefined
      ) {
        write(`cause: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`);
      }
    },
  };
}
