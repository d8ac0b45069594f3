/** A workspace whose turns are played by direct changes of files, with a real undo store beside it. */
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
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { sha256 } from "../../src/base/hash.ts";
import type { EventBody } from "../../src/core/event.ts";
import type { UndoStore } from "../../src/core/ports/undo.ts";
import { createCheckpoints, type Recorder } from "../../src/sandbox/checkpoints.ts";
import { pathView } from "../../src/sandbox/paths.ts";
import { restore } from "../../src/sandbox/restore.ts";
import { planUndo, type UndoPlan } from "../../src/sandbox/undo-plan.ts";
import { openUndoStore, type UndoStoreOptions } from "../../src/store/undo-store.ts";

export const never = new AbortController().signal;

export interface UndoKit extends AsyncDisposable {
  readonly base: string;
  readonly workspace: string;
  readonly events: EventBody[];
  readonly recorder: Recorder;
  store(extra?: Partial<UndoStoreOptions>): UndoStore;
  /** One command of a turn. */
  command(turn: number, work: () => unknown): Promise<void>;
  /** A file tool writes a text file where it can. */
  edit(turn: number, name: string, text: string): Promise<void>;
  plan(turns: readonly number[], how?: { doubtful?: boolean; redo?: boolean }): UndoPlan;
  undo(turns: readonly number[], how?: { doubtful?: boolean; redo?: boolean }): Promise<UndoPlan>;
}

export interface UndoKitOptions extends Partial<UndoStoreOptions> {
  readonly base?: string;
  readonly home?: string;
}

let calls = 0;

/** With `base` it works where another kit did, which must have been closed or left behind as by a kill. */
export function undoKit(options: UndoKitOptions = {}): UndoKit {
  const { base = realpathSync(mkdtempSync("/var/tmp/crucible-undo-")), home, ...extra } = options;
  const workspace = join(base, "ws");
  mkdirSync(workspace, { recursive: true });
  const store = (more: Partial<UndoStoreOptions> = {}) =>
    openUndoStore({
      file: join(base, "undo.db"),
      workspace,
      session: "s",
      roots: [workspace],
      bytes: 1 << 30,
      turns: 200,
      clock: systemClock,
      owner: "me",
      isAlive: (owner) => owner === "alive",
      ...extra,
      ...more,
    });
  const events: EventBody[] = [];
  const paths = pathView({
    workspace,
    addDirs: [],
    home: home ?? join(base, "home"),
    tmp: { view: "/tmp", host: join(base, "tmp") },
  });
  const recorder = createCheckpoints(
    {
      paths,
      home: home ?? join(base, "home"),
      session: "s",
      clock: systemClock,
      emit: (body) => {
        events.push(body);
        return { v: 1, seq: events.length, at: 0, session: "s", epoch: 1, ...body };
      },
    },
    async () => store(),
  );
  const plan: UndoKit["plan"] = (turns, { doubtful = false, redo = false } = {}) => {
    const opened = store();
    try {
      const changes = turns
        .toSorted((a, b) => a - b)
        .flatMap((turn) => {
          const saved = opened.turn({ session: "s", turn });
          return saved.state === "kept" ? saved.changes : [];
        });
      const list = redo
        ? changes.map((change) => ({ ...change, before: change.after, after: change.before, doubtful: false }))
        : changes.toReversed();
      return planUndo({ changes: list, roots: [workspace], doubtful });
    } finally {
      opened.close();
    }
  };
  return {
    base,
    workspace,
    events,
    recorder,
    store,
    plan,
    async command(turn, work) {
      const callId = `c${++calls}`;
      await recorder.before({ callId, turn }, never);
      await work();
      recorder.after(callId);
    },
    edit: (turn, name, text) => edit(recorder, { turn, at: join(workspace, name), text }),
    async undo(turns, how) {
      await recorder.settled();
      const found = plan(turns, how);
      const opened = store();
      await restore(found.steps, { store: opened, owner: undefined });
      opened.close();
      return found;
    },
    async [Symbol.asyncDispose]() {
      await recorder.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

async function edit(
  recorder: Recorder,
  { turn, at: named, text }: { turn: number; at: string; text: string },
): Promise<void> {
  if (!isFolder(dirname(named))) return;
  // File tools write at the place that a path leads to, and tell that.
  const at = join(realpathSync(dirname(named)), basename(named));
  const stat = lstatSync(at, { throwIfNoEntry: false });
  if (stat && !stat.isFile()) return;
  const mode = stat ? stat.mode & 0o7777 : 0o644;
  const side = (bytes: Buffer) => ({ entry: `f ${mode.toString(8)} ${sha256(bytes)}`, hash: sha256(bytes), bytes });
  await recorder.writes({ callId: `w${turn}`, turn });
  const [before, after] = [stat ? side(readFileSync(at)) : null, side(Buffer.from(text))];
  recorder.writing({ callId: `w${turn}`, path: at, before, after, folders: new Map() });
  writeFileSync(at, text);
  chmodSync(at, mode);
  recorder.after(`w${turn}`);
}

function isFolder(at: string): boolean {
  try {
    return lstatSync(at).isDirectory();
  } catch {
    return false;
  }
}

/** Every entry below a folder but `.git`, as one text each: kind, mode and content. */
export function treeOf(folder: string, below = ""): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of readdirSync(join(folder, below)).sort()) {
    const path = below === "" ? name : `${below}/${name}`;
    if (name === ".git") continue;
    const stat = lstatSync(join(folder, path));
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isSymbolicLink()) tree[path] = `l ${readlinkSync(join(folder, path))}`;
    else if (stat.isDirectory()) Object.assign(tree, { [path]: `d ${mode}` }, treeOf(folder, path));
    else tree[path] = `f ${mode} ${readFileSync(join(folder, path), "latin1")}`;
  }
  return tree;
}
