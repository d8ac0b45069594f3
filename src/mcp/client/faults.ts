/** What goes wrong with a foreign server, as faults that name it and what to do next. */
import { CrucibleError } from "../../base/error.ts";
import { withoutHidden } from "../../base/invisible.ts";
import { oneLine } from "../../base/text.ts";

export function loginNeeded(server: string, cause?: unknown): CrucibleError {
  return new CrucibleError("authentication", `MCP server ${server} wants a login`, {
    hint: `crucible mcp login ${server}`,
    cause,
  });
}

/** A failure while it starts, with the last thing it said. */
export function startFailed(server: string, error: unknown, lastWords: string): CrucibleError {
  if (CrucibleError.isInstance(error) && error.fault.code !== "tool-failed") return error;
  const words = oneLine(withoutHidden(lastWords).slice(-600), 300);
  const said = words === "" ? "" : `; it said: ${words}`;
  return new CrucibleError("tool-failed", `MCP server ${server} did not start: ${textOf(error)}${said}`, {
    hint: `crucible mcp test ${server}`,
    cause: error,
  });
}

/** It went away while it was answering: nobody knows whether it did what was asked. */
export function endedWhile(server: string, lastWords: string): CrucibleError {
  const words = oneLine(withoutHidden(lastWords).slice(-600), 300);
  const said = words === "" ? "" : ` (it said: ${words})`;
  return new CrucibleError(
    "tool-failed",
    `MCP server ${server} ended before it answered${said}; whether the call did its work is not known`,
    { hint: `crucible mcp test ${server}` },
  );
}

/** The words of anything thrown, on one line. */
export function textOf(error: unknown): string {
  return oneLine(withoutHidden(error instanceof Error ? error.message : String(error)), 400);
}
