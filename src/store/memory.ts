/** What a person wants remembered of a workspace: lines of a Markdown file outside it, theirs to edit. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import { oneLine } from "../base/text.ts";
import { unwritable } from "../base/unwritable.ts";

/** All of it is in every session: room is short (characters). */
const MOST_LINE = 500;
const MOST_ALL = 8_000;

export interface Memory {
  readonly file: string;
  list(): readonly string[];
  add(text: string): void;
  replace(lines: readonly string[]): void;
}

/** Where the memory of `workspace` stands below the data place. */
export function memoryFile(data: string, workspace: string): string {
  return join(data, "memory", `${sha256(workspace).slice(0, 16)}.md`);
}

export function workspaceMemory(data: string, workspace: string): Memory {
  const file = memoryFile(data, workspace);
  const list = () => linesOf(file);
  const replace = (lines: readonly string[]) => {
    const kept = lines.map((line) => oneLine(line.replace(/^[-*]\s+/, ""), MOST_LINE)).filter((line) => line !== "");
    if (kept.join("\n").length > MOST_ALL)
      throw new CrucibleError("bad-input", `the memory of ${workspace} holds at most ${MOST_ALL} characters`, {
        hint: "take something out: crucible memory rm N, or crucible memory edit",
      });
    put(file, `<!-- remembered for ${workspace} -->\n${kept.map((line) => `- ${line}\n`).join("")}`);
  };
  return {
    ...{ file, list, replace },
    add(text) {
      if (text.trim() === "") throw new CrucibleError("bad-input", "there is nothing to remember");
      const line = oneLine(text, MOST_LINE);
      if (!list().includes(line)) replace([...list(), line]);
    },
  };
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, "utf8")
      .slice(0, 2 * MOST_ALL)
      .split("\n")
      .flatMap((line) => /^- (.+)$/.exec(line)?.[1] ?? []);
  } catch {
    return [];
  }
}

function put(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.new`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    throw unwritable(file, error);
  }
}
