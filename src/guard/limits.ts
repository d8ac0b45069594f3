/** What one call may take, as the sandbox is told. */
import type { Limits } from "../core/grant.ts";
import type { CallLimits } from "./action.ts";

/** Output of a command that goes to the model (bytes); all of it is kept in a file. */
const OUTPUT_BYTES = 30_000;
const MIB = 1024 * 1024;

/** Limits of the configuration as the sandbox takes them. */
export function limitsOf({ commandSeconds, memoryMiB, processes, fileMiB }: CallLimits): Limits {
  return {
    wallMs: commandSeconds * 1000,
    outputBytes: OUTPUT_BYTES,
    memoryBytes: memoryMiB * MIB,
    processes,
    fileBytes: fileMiB * MIB,
  };
}
