/** A session's gate and its throw-away copies over a real workspace and a real sandbox; no model takes part. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { loadConfig } from "../../src/config/load.ts";
import { openCopies } from "../../src/copies.ts";
import type { AuditRecord } from "../../src/core/audit-event.ts";
import { type EditClock, editClock } from "../../src/core/edit-clock.ts";
import type { Emit, Event } from "../../src/core/event.ts";
import type { OpenOptions } from "../../src/core/ports/app.ts";
import type { CopyPort } from "../../src/core/ports/council.ts";
import type { Human } from "../../src/core/ports/human.ts";
import type { Checkpoints, UndoStore } from "../../src/core/ports/undo.ts";
import { createRedactor } from "../../src/guard/redact.ts";
import { memoryBlobs } from "../../src/store/memory-blobs.ts";
import { openUndoStore } from "../../src/store/undo-store.ts";
import { type Bench, workbench } from "../../src/workbench.ts";
import { secondOpinion } from "./guard.ts";
import { type Files, writeFiles } from "./repositories.ts";

export interface CopiesKit extends AsyncDisposable {
  readonly checkpoints: Checkpoints | undefined;
  readonly undoStore: () => UndoStore;
  readonly base: string;
  readonly workspace: string;
  readonly state: string;
  readonly port: CopyPort & AsyncDisposable;
  readonly events: Event[];
  readonly audit: AuditRecord[];
  readonly edits: EditClock;
  readonly signal: AbortSignal;
}

export interface CopiesKitOptions {
  readonly files?: Files;
  readonly given?: Partial<OpenOptions>;
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly secrets?: readonly string[];
  /** The folder that holds the workspace is added to it. */
  readonly withParent?: boolean;
  /** Called before anything is opened. */
  readonly prepare?: (workspace: string) => void;
}

/** Not `/tmp`: inside a session that name means the session's private folder. */
const BASE = "/var/tmp";

export async function copiesKit(options: CopiesKitOptions = {}): Promise<CopiesKit> {
  const base = realpathSync(mkdtempSync(join(BASE, "crucible-")));
  const [workspace, home] = [join(base, "code", "ws"), join(base, "home")];
  mkdirSync(workspace, { recursive: true });
  mkdirSync(home);
  writeFiles(workspace, options.files ?? {});
  options.prepare?.(workspace);
  const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: home };
  const config = await loadConfig({
    env,
    workspace,
    flags: new Map(Object.entries(options.flags ?? {}).map(([key, value]) => [key, { value, place: "flag" }])),
    bare: false,
  });
  const events: Event[] = [];
  const audit: AuditRecord[] = [];
  const emit: Emit = (body, context) => {
    const event = { v: 1, seq: events.length + 1, at: 0, session: "s1", epoch: 1, ...context, ...body } as Event;
    events.push(event);
    return event;
  };
  const human: Human = {
    present: true,
    approve: async () => {
      throw new Error("a person was asked");
    },
    ask: async () => undefined,
  };
  const lifetime = new AbortController();
  const house = { workspace, home, env, config, options: { version: "0", workspace, flags: {}, bare: false } };
  const given = { mode: "default", sandbox: "workspace-write", addDirs: [], allowedTools: [], disallowedTools: [] };
  const bench = {
    house,
    given: { ...given, addDirs: options.withParent ? [join(base, "code")] : [], ...options.given },
    files: { journal: { session: "s1", events: () => events, flushed: async () => undefined }, blobs: memoryBlobs() },
    model: { info: { server: "http://127.0.0.1:9" }, ref: { model: "test" } },
    rules: [],
    secondOpinion,
    audit: { append: async (record: AuditRecord) => void audit.push(record) },
    emit,
    redactor: createRedactor("s1", options.secrets ?? []),
    lifetime: lifetime.signal,
    reader: () => ({}),
    repository: () => ({}),
  } as unknown as Bench;
  const edits = editClock();
  const undoStore = () =>
    openUndoStore({
      ...{ file: join(base, "undo.db"), workspace, session: "s1", roots: [workspace], bytes: 1 << 30, turns: 200 },
      ...{ clock: systemClock, owner: "me", isAlive: () => false },
    });
  const { sandbox, gate } = workbench(bench, {
    ...{ human, output: emit, edits, seen: new Map() },
    undo: async () => undoStore(),
  });
  const port = openCopies(bench, gate, edits);
  const dispose = async () => {
    lifetime.abort();
    await port[Symbol.asyncDispose]();
    await sandbox.close();
    rmSync(base, { recursive: true, force: true });
  };
  const state = config.places.state;
  const { signal } = new AbortController();
  const { checkpoints } = sandbox;
  return {
    ...{ base, workspace, state, port, events, audit, edits, signal, checkpoints, undoStore },
    [Symbol.asyncDispose]: dispose,
  };
}

/** Every file below `folder` but histories: its mode as git knows it, and its content. */
export function treeOf(folder: string, below = ""): Readonly<Record<string, string>> {
  const entries = readdirSync(join(folder, below), { withFileTypes: true }).filter(({ name }) => name !== ".git");
  const found = entries.map((entry): Readonly<Record<string, string>> => {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    const place = join(folder, path);
    if (entry.isDirectory()) return treeOf(folder, path);
    if (entry.isSymbolicLink()) return { [path]: `120000 ${readlinkSync(place)}` };
    const mode = (lstatSync(place).mode & 0o100) === 0 ? "100644" : "100755";
    return { [path]: `${mode} ${readFileSync(place, "latin1")}` };
  });
  return Object.assign({}, ...found) as Readonly<Record<string, string>>;
}

/** A folder with `files` to which git applied `diff`. */
export function applied(
  folder: string,
  files: Files,
  diff: string,
  executable: readonly string[] = [],
): ReturnType<typeof treeOf> {
  mkdirSync(folder);
  writeFiles(folder, files);
  for (const path of executable) chmodSync(join(folder, path), 0o755);
  if (diff !== "")
    execFileSync("git", ["apply", "--whitespace=nowarn", "-"], {
      cwd: folder,
      input: diff,
      stdio: "pipe",
      env: { PATH: process.env["PATH"] ?? "", GIT_CEILING_DIRECTORIES: join(folder, "..") },
    });
  return treeOf(folder);
}
