/** Keeps what stood before the commands that run, in memory and on disk, and sweeps when one ends or was killed with us. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../base/hash.ts";
import { processStart } from "../base/process-stat.ts";
import type { Grant } from "../core/grant.ts";
import { type ControlState, controlState } from "./control-state.ts";
import { sweep } from "./control-sweep.ts";
import { createMender } from "./mender.ts";
import type { SandboxContext } from "./options.ts";
import { mergeTrees, type Tree, treeScanner } from "./tree-scan.ts";

export interface ControlWatch {
  /** Called before a command starts, with the tree as it is; the returned function sweeps and says what it did. */
  begin(grant: Pick<Grant, "readOnly" | "reveals">, tree: Tree): () => string[];
}

/** While several commands run the first one's state counts: no command hides behind another. */
export function createControlWatch(context: SandboxContext, scan: () => Tree): ControlWatch {
  const { paths } = context;
  const roots = paths.own;
  const place = folderOf(context);
  const record = join(place, `${prefixOf(context)}${process.pid}-${startOf(process.pid)}.json`);
  const live = new Set<symbol>();
  let before: ControlState | undefined;
  return {
    begin: (grant, tree) => {
      // What a command makes of a copy goes with the copy.
      if (grant.readOnly || context.mode === "off" || context.copy) return () => [];
      const me = Symbol("command");
      if (!before) {
        before = controlState(roots, tree);
        mkdirSync(place, { recursive: true, mode: 0o700 });
        writeFileSync(record, JSON.stringify(before), { mode: 0o600 });
      }
      live.add(me);
      const shown = new Set(grant.reveals.map((path) => paths.look(path).resolved));
      return () => {
        const mender = createMender(context);
        if (before) sweep(before, scan(), mender, shown);
        live.delete(me);
        if (live.size === 0) {
          before = undefined;
          rmSync(record, { force: true });
        }
        return mender.notes;
      };
    },
  };
}

/** Sweeps after the commands of sessions in this workspace that were killed; gives the lines about it. */
export function sweepAfterKill(context: SandboxContext): string[] {
  if (context.copy) return [];
  const mender = createMender(context);
  for (const name of list(folderOf(context))) {
    if (!name.startsWith(prefixOf(context))) continue;
    const [pid = "", started = ""] = name.slice(prefixOf(context).length, -".json".length).split("-");
    if (startOf(Number(pid)) === started) continue;
    const path = join(folderOf(context), name);
    const before = read(path);
    if (before) {
      const trees = before.roots.map((root) => treeScanner(root, context.stateDir)());
      sweep(before, mergeTrees(trees), mender, new Set());
    }
    rmSync(path, { force: true });
  }
  return mender.notes;
}

function folderOf(context: SandboxContext): string {
  return join(context.stateDir, "sandbox", "watch");
}

function prefixOf(context: SandboxContext): string {
  return `${sha256(context.paths.workspace).slice(0, 16)}-`;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A record that was cut short says nothing; its command had not begun. */
function read(path: string): ControlState | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ControlState;
  } catch {
    return undefined;
  }
}

/** Start time of a process (proc_pid_stat(5), field 22): with it a number is not taken for an earlier owner's. */
function startOf(pid: number): string {
  try {
    return processStart(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return "";
  }
}
