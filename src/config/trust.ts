/** Trust in what a workspace would have run or steer: given by the person, bound to the bytes of each file. */
import { type Dirent, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { CrucibleError } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import type { TrustSubject } from "../core/ports/app.ts";
import type { Places } from "./places.ts";
import { appendRecord, readRecords } from "./record-file.ts";
import { worktreeOrigin } from "./worktree-origin.ts";

/** Files and folders of a workspace that start programs, change settings or add to what the model is told to do. */
const SUBJECTS = [
  ...[".codecrucible", ".crucible", ".mcp.json", ".agents/skills"],
  ...[".claude/skills", ".claude/commands", ".claude/agents"],
];
const MAX_FILES = 500;
const MAX_BYTES = 1024 * 1024;

/** Made when the file is first read: most starts never do. */
const makeRecord = () =>
  z.strictObject({
    workspace: z.string(),
    files: z.record(z.string(), z.string()),
    by: z.string(),
    at: z.number(),
  });

export interface Trust {
  /** Everything there that trust is about, sorted by path. Throws `bad-config` for links, huge files or too many. */
  subjects(): readonly TrustSubject[];
  /** True when the person trusted a file with exactly these bytes (their SHA-256) at this place. */
  holds(path: string, hash: string): boolean;
  /** Trusts exactly `subjects`: what was shown, not what lies there by now. */
  give(subjects: readonly TrustSubject[], by: string): void;
  revoke(by: string): void;
}

/**
 * Trust in `workspace` (its real path). `now` is in milliseconds since the epoch. A worktree of a session is trusted
 * as the checkout that it was begun from: trust is in bytes, and the same bytes at the same place mean the same there.
 * The later decision of the two counts.
 */
export function workspaceTrust(places: Places, workspace: string, now: () => number): Trust {
  const file = join(places.state, "trust.jsonl");
  const origin = worktreeOrigin(places.data, workspace);
  const trusted = (): Readonly<Record<string, string>> =>
    readRecords(file, makeRecord()).findLast(
      (entry) => entry.workspace === workspace || (origin !== undefined && entry.workspace === origin),
    )?.files ?? {};
  const holds = (path: string, hash: string) => {
    const files = trusted();
    return Object.hasOwn(files, path) && files[path] === hash;
  };
  return {
    holds,
    subjects() {
      const files = trusted();
      return SUBJECTS.flatMap((path) => filesAt(workspace, path)).map(({ path, content }) => {
        const hash = sha256(content);
        const known = Object.hasOwn(files, path) ? files[path] : undefined;
        const state = known === undefined ? "new" : known === hash ? "trusted" : "changed";
        return { path, text: content.toString("utf8"), hash, bytes: content.length, state } as const;
      });
    },
    give(subjects, by) {
      const files = Object.fromEntries(subjects.map(({ path, hash }) => [path, hash]));
      appendRecord(file, { workspace, files, by, at: now() });
    },
    revoke: (by) => appendRecord(file, { workspace, files: {}, by, at: now() }),
  };
}

function filesAt(workspace: string, path: string): { path: string; content: Buffer }[] {
  const pending = [path];
  const found: { path: string; content: Buffer }[] = [];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const full = join(workspace, next);
    const stat = lstatSync(full, { throwIfNoEntry: false });
    if (!stat) continue;
    if (stat.isDirectory()) {
      const inner: Dirent[] = readdirSync(full, { withFileTypes: true });
      pending.push(...inner.map((entry) => `${next}/${entry.name}`));
    } else if (!stat.isFile()) throw refuse(full, "is a link or a special file");
    else if (stat.size > MAX_BYTES) throw refuse(full, "is larger than 1 MiB");
    else found.push({ path: next, content: readFileSync(full) });
    if (found.length + pending.length > MAX_FILES) throw refuse(full, `is one of more than ${MAX_FILES} files`);
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function refuse(path: string, why: string): CrucibleError {
  return new CrucibleError("bad-config", `${path} ${why}: it cannot be trusted`, {
    hint: "take it away, or put plain files in its place",
  });
}
