/** Project instructions: AGENTS.md of each folder from the working folder up to the workspace. */
import { realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { sha256 } from "../base/hash.ts";
import { contains } from "./paths.ts";
import { readVerified } from "./verified-open.ts";

const NAMES = ["AGENTS.md", "CLAUDE.md"];
const MAX_EACH = 32 * 1024;
const MAX_ALL = 64 * 1024;

export interface Instruction {
  readonly path: string;
  readonly text: string;
  /** Hash of `text`. */
  readonly hash: string;
  /** True when the file is longer than what `text` holds. */
  readonly cut: boolean;
}

/** Nearest first; CLAUDE.md stands in where a folder has no AGENTS.md. Files that lead out of the workspace are left out. */
export function readInstructions(workspace: string, cwd: string): readonly Instruction[] {
  const root = realpathSync.native(workspace);
  const found: Instruction[] = [];
  let room = MAX_ALL;
  for (let folder = realpathSync.native(cwd); contains(root, folder); folder = dirname(folder)) {
    const instruction = readIn(folder, root, Math.min(MAX_EACH, room));
    if (instruction) {
      found.push(instruction);
      room -= instruction.text.length;
    }
    if (folder === root || room <= 0) break;
  }
  return found;
}

function readIn(folder: string, root: string, max: number): Instruction | undefined {
  for (const name of NAMES) {
    const path = join(folder, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
    try {
      const real = realpathSync.native(path);
      if (!contains(root, real)) continue;
      const whole = readVerified(real)
        .bytes.toString("utf8")
        .replace(/^\ufeff/, "");
      if (whole.trim() === "" || whole.includes("\0")) continue;
      const text = whole.length > max ? whole.slice(0, max).replace(/[\ud800-\udbff]$/, "") : whole;
      return { path, text, hash: sha256(text), cut: text.length < whole.length };
    } catch {
      // It changed while it was opened: the next request finds it again.
    }
  }
  return undefined;
}
