/** What goes wrong with a foreign server, as faults that name it and what to do next. */
import { dirname, isAbsolute } from "node:path";
import { CrucibleError } from "../../base/error.ts";
import { withoutHidden } from "../../base/invisible.ts";
import { oneLine } from "../../base/text.ts";
import type { McpEntry } from "../../core/ports/mcp.ts";

export function loginNeeded(server: string, cause?: unknown): CrucibleError {
  return new CrucibleError("authentication", `MCP server ${server} wants a login`, {
    hint: `crucible mcp login ${server}`,
    cause,
  });
}

/** A failure while it starts, with the last thing it said. */
export function startFailed(entry: McpEntry, error: unknown, lastWords: string): CrucibleError {
  const server = entry.name;
  if (CrucibleError.isInstance(error) && error.fault.code !== "tool-failed") return error;
  const words = oneLine(withoutHidden(lastWords).slice(-600), 300);
  const said = words === "" ? "" : `; it said: ${words}`;
  return new CrucibleError("tool-failed", `MCP server ${server} did not start: ${textOf(error)}${said}`, {
    hint: unseen(entry, lastWords) ?? `crucible mcp test ${server}`,
    cause: error,
  });
}

/** What to do when it did not find itself: outside the workspace and the system it sees only what `read` names. */
function unseen(entry: McpEntry, lastWords: string): string | undefined {
  if (entry.transport === "http" || !NOT_FOUND.test(lastWords)) return undefined;
  const { name, command, args } = entry;
  const path = [command, ...args].find((word) => isAbsolute(word) && lastWords.includes(word));
  if (path === undefined && !lastWords.includes(command)) return undefined;
  const [where, folder] =
    path === undefined ? ["a folder of your own", "FOLDER"] : [installation(path), installation(path)];
  return `if it is installed in ${where}, open that to it: crucible mcp add ${name} --read ${folder} …, or "read": ["${folder}"] in its entry of your own mcp.json`;
}

const NOT_FOUND = /not found|no such file|cannot find (?:module|package)|can't open file|MODULE_NOT_FOUND|ENOENT/i;

/** The packages that a program was installed with, or its own folder. */
function installation(path: string): string {
  const at = path.indexOf("/node_modules/");
  return at < 0 ? dirname(path) : path.slice(0, at + "/node_modules".length);
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
