/** Project instructions: AGENTS.md of each folder from the working folder up to the workspace, and what they import. */
import { realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { sha256 } from "../base/hash.ts";
import { importsIn } from "../base/imports.ts";
import { isSecretPath } from "../base/secret-names.ts";
import { contains } from "./paths.ts";
import { readVerified } from "./verified-open.ts";

const NAMES = ["AGENTS.md", "CLAUDE.md"];
const MAX_EACH = 32 * 1024;
const MAX_ALL = 64 * 1024;
/** How far imports of imports go. */
const DEPTH = 5;

export interface Instruction {
  readonly path: string;
  readonly text: string;
  /** Hash of `text`. */
  readonly hash: string;
  /** True when the file is longer than what `text` holds. */
  readonly cut: boolean;
}

/** The person's own configuration folder: its AGENTS.md comes last, and its Markdown files may be imported. */
export interface OwnFolder {
  readonly folder: string;
  readonly home: string;
}

interface Reading {
  readonly root: string;
  readonly own: OwnFolder | undefined;
  readonly found: Instruction[];
  readonly seen: Set<string>;
  room: number;
}

/**
 * Nearest first, each followed by what it imports; CLAUDE.md stands in where a folder has no AGENTS.md. Files that lead
 * out of the workspace are left out, and so is a second mention of any.
 */
export function readInstructions(workspace: string, cwd: string, own?: OwnFolder): readonly Instruction[] {
  const root = realpathSync.native(workspace);
  const reading: Reading = { root, own: ownReal(own), found: [], seen: new Set(), room: MAX_ALL };
  for (let folder = realpathSync.native(cwd); contains(root, folder); folder = dirname(folder)) {
    const name = NAMES.find((each) => take(reading, join(folder, each), root, 0));
    if (folder === root || (reading.room <= 0 && name !== undefined)) break;
  }
  if (reading.own) take(reading, join(reading.own.folder, "AGENTS.md"), reading.own.folder, 0);
  return reading.found;
}

function ownReal(own: OwnFolder | undefined): OwnFolder | undefined {
  const there = own !== undefined && statSync(own.folder, { throwIfNoEntry: false })?.isDirectory();
  return there ? { ...own, folder: realpathSync.native(own.folder) } : undefined;
}

/** True when the file is there and says something; what it imports follows it. */
function take(reading: Reading, path: string, root: string, depth: number): boolean {
  if (reading.room <= 0 || !statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const instruction = read(path, root, reading);
  if (!instruction) return false;
  reading.found.push(instruction);
  reading.room -= instruction.text.length;
  if (depth === DEPTH) return true;
  for (const named of importsIn(instruction.text)) importFile(reading, path, named, depth + 1);
  return true;
}

/** Only plain files of the workspace, and Markdown of the person's own folder; a word that names none is just a word. */
function importFile(reading: Reading, from: string, named: string, depth: number): void {
  const { root, own } = reading;
  const home = own?.home ?? "";
  if (named.startsWith("~/") && home === "") return;
  const path = named.startsWith("~/") ? join(home, named.slice(2)) : resolve(dirname(from), named);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) return;
  try {
    const real = realpathSync.native(path);
    if (reading.seen.has(real)) return;
    if (contains(root, real)) take(reading, path, root, depth);
    else if (own && contains(own.folder, real) && real.endsWith(".md")) take(reading, path, own.folder, depth);
  } catch {
    // It went away meanwhile.
  }
}

function read(path: string, root: string, reading: Reading): Instruction | undefined {
  try {
    const real = realpathSync.native(path);
    // A link of that name is no way to a secret of the person's.
    if (!contains(root, real) || reading.seen.has(real) || isSecretPath(real)) return undefined;
    const whole = readVerified(real)
      .bytes.toString("utf8")
      .replace(/^\ufeff/, "");
    if (whole.trim() === "" || whole.includes("\0")) return undefined;
    reading.seen.add(real);
    const max = Math.min(MAX_EACH, reading.room);
    const text = whole.length > max ? whole.slice(0, max).replace(/[\ud800-\udbff]$/, "") : whole;
    return { path, text, hash: sha256(text), cut: text.length < whole.length };
  } catch {
    // It changed while it was opened: the next request finds it again.
    return undefined;
  }
}
