/** The one error class of the house and the plain `Fault` it carries. */

/** Every expected failure has one of these codes; the CLI maps codes to exit codes. */
export type FaultCode =
  | "usage"
  | "bad-input"
  | "bad-config"
  | "authentication"
  | "server-unreachable"
  | "server-error"
  | "server-stalled"
  | "server-busy"
  | "model-missing"
  | "model-unfit"
  | "context-overflow"
  | "tool-call-invalid"
  | "schema-unmet"
  | "sandbox-unavailable"
  | "denied"
  | "loop-detected"
  | "turn-limit"
  | "budget-spent"
  | "wall-time"
  | "aborted"
  | "session-missing"
  | "session-busy"
  | "storage"
  | "audit"
  | "file-changed"
  | "file-missing"
  | "outside-workspace"
  | "tool-failed"
  | "worker-failed"
  | "compaction-failed"
  | "undecided"
  | "findings"
  | "internal";

/** A failure as data: what failed, and what the person should do next. */
export interface Fault {
  readonly code: FaultCode;
  readonly message: string;
  readonly hint?: string;
  readonly retryable: boolean;
}

const MARK = Symbol.for("codecrucible.error");

/** A `Fault` that can be thrown; `cause` keeps the chain for `--debug`. */
export class CrucibleError extends Error {
  readonly fault: Fault;
  readonly [MARK] = true;

  constructor(code: FaultCode, message: string, options: { hint?: string; retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CrucibleError";
    this.fault = {
      code,
      message,
      retryable: options.retryable ?? false,
      ...(options.hint === undefined ? {} : { hint: options.hint }),
    };
  }

  /** True also for an instance made by another copy of this package. */
  static isInstance(value: unknown): value is CrucibleError {
    return typeof value === "object" && value !== null && MARK in value;
  }
}

/** Turns anything thrown into a `Fault`; unknown errors become `internal`. */
export function toFault(error: unknown): Fault {
  if (CrucibleError.isInstance(error)) return error.fault;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && error.name === "AbortError") {
    return { code: "aborted", message: message || "aborted", retryable: false };
  }
  return { code: "internal", message, retryable: false };
}

/** The system error code (`ENOENT` ...) of a Node error, if it has one. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
