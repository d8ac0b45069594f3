/** The register of worktrees of one repository: where they lie, what is known of each, and who is in it. */
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod/mini";
import { sha256 } from "../base/hash.ts";
import { unwritable } from "../base/unwritable.ts";
import { worktreeRecord, worktreesIn } from "../base/worktree-place.ts";
import type { WorktreeRecord } from "../core/ports/worktrees.ts";
import { writeWhole } from "./replace-file.ts";

const RECORD = z.strictObject({
  name: z.string(),
  path: z.string(),
  repository: z.string(),
  origin: z.string(),
  branch: z.string(),
  base: z.string(),
  ownBranch: z.boolean(),
  state: z.enum(["making", "ready", "leaving"]),
  at: z.number(),
});

export interface WorktreeRegister {
  /** Where all of this repository lie. */
  readonly folder: string;
  pathOf(name: string): string;
  /** An empty folder for `name`, of the owner of `like`. Throws `storage`. */
  makeFolder(name: string, like: string): void;
  read(name: string): WorktreeRecord | undefined;
  /** On disk when it returns. Throws `storage`. */
  write(record: WorktreeRecord): void;
  /** Takes folder and record away. Throws `storage`. */
  removeFolder(name: string): void;
  forget(name: string): void;
  list(): readonly WorktreeRecord[];
  /** Takes the worktree for this process; undefined when another has it. The kernel ends the hold with its holder. */
  hold(name: string): Disposable | undefined;
}

/** `repository` is the common folder of git, links resolved. */
export function worktreeRegister(data: string, repository: string): WorktreeRegister {
  const above = basename(repository) === ".git" ? dirname(repository) : repository;
  const title =
    basename(above)
      .replaceAll(/[^A-Za-z0-9_-]+/g, "-")
      .replace(/^-+/, "") || "repository";
  const all = real(worktreesIn(data));
  const folder = join(all, `${title.slice(0, 40)}-${sha256(repository).slice(0, 8)}`);
  const pathOf = (name: string) => join(folder, name);
  const fileOf = (name: string) => worktreeRecord(pathOf(name));
  const read = (name: string): WorktreeRecord | undefined => {
    try {
      const found = z.safeParse(RECORD, JSON.parse(readFileSync(fileOf(name), "utf8")));
      // What lies elsewhere by now (a folder that was moved) is another repository's.
      return found.success && found.data.repository === repository && found.data.path === pathOf(name)
        ? found.data
        : undefined;
    } catch {
      return undefined;
    }
  };
  return {
    ...{ folder, pathOf, read },
    makeFolder(name, like) {
      try {
        mkdirSync(pathOf(name), { recursive: true, mode: 0o700 });
        const { uid, gid } = statSync(like);
        if (process.geteuid?.() === 0) chownSync(pathOf(name), uid, gid);
      } catch (error) {
        throw unwritable(pathOf(name), error);
      }
    },
    write: (record) => writeWhole(fileOf(record.name), JSON.stringify(record)),
    removeFolder(name) {
      try {
        rmSync(pathOf(name), { recursive: true, force: true });
      } catch (error) {
        throw unwritable(pathOf(name), error);
      }
    },
    forget: (name) => rmSync(fileOf(name), { force: true }),
    list: () =>
      namesIn(join(folder, ".records"))
        .flatMap((name) => read(name) ?? [])
        .toSorted((a, b) => b.at - a.at),
    hold: (name) => hold(fileOf(name).replace(/json$/, "lock")),
  };
}

/** Links resolved, also of what is not made yet. */
function real(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(real(dirname(path)), basename(path));
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => (name.endsWith(".json") ? [name.slice(0, -5)] : []));
}

function hold(file: string): Disposable | undefined {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const lock = new DatabaseSync(file);
    try {
      lock.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
      return { [Symbol.dispose]: () => lock.close() };
    } catch (error) {
      lock.close();
      if (isBusy(error)) return undefined;
      throw error;
    }
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** SQLITE_BUSY (sqlite.org/rescode.html). */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === 5;
}
