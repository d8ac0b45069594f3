/** Moves planted files into quarantine and puts replaced ones back, one line about each. */
import { cpSync, lchownSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { toFault } from "../base/error.ts";
import { shortId } from "../base/id.ts";
import type { Entry } from "./control-state.ts";
import type { SandboxContext } from "./options.ts";
import { openVerified } from "./verified-open.ts";

export interface Mender {
  readonly notes: string[];
  moveAway(path: string, reason: string): void;
  /** Links and kept short files only. */
  putBack(path: string, entry: Entry): void;
}

export function createMender(context: Pick<SandboxContext, "stateDir" | "session" | "owner">): Mender {
  const notes: string[] = [];
  const moved = new Set<string>();
  const attempt = (path: string, what: string, act: (place: string) => void) => {
    try {
      // Through the open folder: a job that still runs cannot turn the path elsewhere meanwhile.
      using folder = openVerified(dirname(path), "directory");
      act(process.platform === "linux" ? `/proc/self/fd/${folder.fd}/${basename(path)}` : path);
      notes.push(`${path} was ${what}`);
    } catch (error) {
      notes.push(`${path} should have been ${what}; that failed: ${toFault(error).message}`);
    }
  };
  const quarantine = (path: string) => {
    const folder = join(context.stateDir, "sandbox", "quarantine", context.session);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return join(folder, `${shortId("q")}-${basename(path)}`);
  };
  return {
    notes,
    moveAway: (path, reason) => {
      if (moved.has(path)) return;
      moved.add(path);
      attempt(path, `moved away: ${reason}`, (place) => move(place, quarantine(path)));
    },
    putBack: (path, { kind, text }) => {
      if (text === undefined) return;
      attempt(path, "put back as it was before", (place) => {
        const fresh = `${place}.${shortId("back")}`;
        if (kind === "link") symlinkSync(text, fresh);
        else writeFileSync(fresh, text, { encoding: "latin1", flag: "wx" });
        if (context.owner) lchownSync(fresh, context.owner.uid, context.owner.gid);
        rmSync(place, { recursive: true, force: true });
        renameSync(fresh, place);
      });
    },
  };
}

function move(place: string, target: string): void {
  try {
    renameSync(place, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw error;
    cpSync(place, target, { recursive: true, verbatimSymlinks: true, filter: isCopied });
    rmSync(place, { recursive: true, force: true });
  }
}

/** Pipes and sockets hold nothing, and cannot be copied. */
function isCopied(path: string): boolean {
  const stat = lstatSync(path);
  return stat.isFile() || stat.isDirectory() || stat.isSymbolicLink();
}
