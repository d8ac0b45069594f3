/** Watches the workspace while calls change it: one look before each command, one after it, and what file tools write. */
import type { Checkpoints, EffectCall, SavedChange, SavedListing, SavedStep, UndoStore } from "../core/ports/undo.ts";
import type { SandboxContext } from "./options.ts";
import { contains } from "./paths.ts";
import { look as lookAt, recoverCut, type Watched } from "./recover.ts";

/** What a killed command did after its last sign of life is doubtful. */
const HEARTBEAT_MS = 50;
const MOST_PATHS = 100;

interface Content {
  readonly entry: string;
  readonly hash: string;
  readonly bytes: Uint8Array;
}

/** What a file tool is about to put at a path. */
export interface Writing {
  readonly callId: string;
  readonly path: string;
  readonly before: Content | null;
  readonly after: Content;
  /** Folders that were made for it, each with its entry. */
  readonly folders: ReadonlyMap<string, string>;
}

export interface Recorder extends Checkpoints {
  /** On disk when it returns. Throws `storage`. */
  writing(write: Writing): void;
  jobStarted(callId: string, job: string): void;
  jobEnded(job: string): void;
  /** Everything has ended: a last look where something is open. */
  close(): Promise<void>;
}

interface Opened extends Watched {
  readonly listings: SavedListing[];
}

type Context = Pick<SandboxContext, "paths" | "home" | "session" | "emit" | "clock">;

const never = new AbortController().signal;

/** The undo material of one session; `open` opens the store when it is first needed. */
export function createCheckpoints(context: Context, open: () => Promise<UndoStore>): Recorder {
  const roots = coveredRoots(context);
  const turns = new Map<string, number>();
  /** Commands without a look after their end: when they ended. */
  const running = new Map<string, number | undefined>();
  const wrote = new Set<string>();
  /** Background commands, and the calls that started them. */
  const jobs = new Map<string, string>();
  const inTurn = queue();
  let opened: Opened | undefined;
  const room = async () => (opened ??= await openRoom(open));
  const callOf = (callId: string): EffectCall => ({ callId, turn: turns.get(callId) ?? 0 });
  const beat = heart(() => opened?.store.alive());

  /** Without a call what is found belongs to a background command, if there is one; with null to nobody. */
  const look = async (step: SavedStep, callId: string | null | undefined, signal: AbortSignal) => {
    const watched = await room();
    for (const root of watched.listings.length === 0 ? roots : []) watched.listings.push(watched.store.listing(root));
    const blamed = callId === undefined ? [...jobs.values()].at(-1) : (callId ?? undefined);
    const until = typeof callId === "string" ? running.get(callId) : undefined;
    const blame = blamed === undefined ? undefined : { call: callOf(blamed), session: context.session };
    const doubtful = callId === undefined;
    const seen = await lookAt(watched, step, blame && { ...blame, until, doubtful }, signal);
    if (blame && seen.changes.length > 0) tell(context, blame.call, seen.changes);
    return seen;
  };
  const makeRoom = () => {
    if (running.size + jobs.size === 0) beat.stop();
    announce(context, opened?.store.prune().length ?? 0);
  };
  const finish = async (callId: string) => {
    const lasting = [...jobs.values()].includes(callId);
    await look(lasting ? { background: callId } : { close: [callId] }, callId, never);
    running.delete(callId);
    makeRoom();
  };
  const off = once(() => context.emit({ kind: "model-note", code: "undo-off", text: OFF }));

  return {
    async before(call, signal) {
      if (roots.length === 0) {
        off();
        return { files: 0, dropped: context.paths.roots.filter((root) => contains(root, context.home)).map(holdsHome) };
      }
      turns.set(call.callId, call.turn);
      return inTurn.run(async () => {
        const { files, dropped } = await look({ open: call }, undefined, signal);
        running.set(call.callId, undefined);
        beat.start();
        return { files, dropped };
      });
    },
    async writes(call) {
      turns.set(call.callId, call.turn);
      if (roots.length === 0) off();
      else await inTurn.run(room);
    },
    after(callId) {
      if (wrote.delete(callId)) inTurn.beside(async () => makeRoom());
      if (!running.has(callId)) return;
      running.set(callId, context.clock.now());
      inTurn.beside(() => finish(callId));
    },
    writing(write) {
      const root = roots.find((each) => contains(each, write.path));
      if (!opened || root === undefined) return;
      keepWrite(opened, callOf(write.callId), write);
      wrote.add(write.callId);
    },
    jobStarted: (callId, job) => void jobs.set(job, callId),
    jobEnded(job) {
      const callId = jobs.get(job);
      if (callId === undefined) return;
      inTurn.beside(async () => {
        // The call that started it may not have been looked at itself: then that look closes it.
        await look(running.has(callId) ? {} : { close: [callId] }, undefined, never);
        jobs.delete(job);
        makeRoom();
      });
    },
    async settled() {
      if (jobs.size > 0) inTurn.beside(async () => void (await look({}, undefined, never)));
      await inTurn.done();
    },
    async restored() {
      if (jobs.size > 0) await inTurn.run(() => look({}, null, never));
    },
    async close() {
      beat.stop();
      const left = () => [...running.keys(), ...jobs.values()];
      // A failure here is told by nobody: whoever comes next finds the command open and looks again.
      await inTurn.done().catch(() => undefined);
      if (left().length > 0)
        await inTurn.run(() => look({ close: left() }, [...running.keys()].at(-1), never)).catch(() => undefined);
      opened?.store.close();
      opened = undefined;
    },
  };
}

const OFF = "undo is off here: the folder holds your whole home, or everything";
const holdsHome = (root: string) => `${root} (it holds your whole home folder)`;

async function openRoom(open: () => Promise<UndoStore>): Promise<Opened> {
  const store = await open();
  await recoverCut(store, never);
  return { store, listings: [], heavy: new Set(), looks: new Map() };
}

/** Not `/tmp`, and nothing that holds the whole home; a root inside another is covered with it. */
export function coveredRoots({ paths, home }: Pick<Context, "paths" | "home">): readonly string[] {
  const own = paths.roots.filter((path) => path !== paths.tmp.view && !contains(path, home));
  return own.filter((path) => !own.some((other) => other !== path && contains(other, path)));
}

/** A file tool's change is known beforehand: no look is needed, and the next one finds nothing new. */
function keepWrite({ store, listings }: Opened, call: EffectCall, write: Writing): void {
  const { path, before, after, folders } = write;
  store.put(new Map([before, after].flatMap((side) => (side ? [[side.hash, side.bytes] as const] : []))));
  const list: SavedChange[] = [...folders].map(([folder, entry]) => ({ path: folder, before: null, after: entry }));
  list.push({ path, before: before?.entry ?? null, after: after.entry });
  const listing = listings.find(({ root }) => contains(root, path));
  const set = new Map(list.map((change) => [change.path, { entry: change.after ?? "", stamp: "" }]));
  store.save({ changes: { call, list }, ...(listing ? { listings: [{ id: listing.id, set, gone: [] }] } : {}) });
  for (const [each, state] of set) listing?.entries.set(each, state);
}

function tell({ emit }: Context, { callId, turn }: EffectCall, changes: readonly SavedChange[]): void {
  const paths = changes.filter(({ before, after }) => !isFolder(before ?? after)).map(({ path }) => path);
  const more = Math.max(0, paths.length - MOST_PATHS);
  if (paths.length > 0) emit({ kind: "effects-found", callId, paths: paths.slice(0, MOST_PATHS), more }, { turn });
}

const isFolder = (entry: string | null) => entry?.startsWith("d ") ?? false;

function announce({ emit }: Context, dropped: number): void {
  if (dropped === 0) return;
  const text = `undo lets go of the oldest ${dropped === 1 ? "turn" : `${dropped} turns`} (undo.turns, undo.maxMegabytes)`;
  emit({ kind: "model-note", code: "undo-dropped", text });
}

/** Signs of life while something runs. One that cannot be written is the next command's to tell. */
function heart(sign: () => void) {
  let timer: NodeJS.Timeout | undefined;
  const beat = () => {
    try {
      sign();
    } catch {
      // The store tells it when it matters.
    }
  };
  return {
    start() {
      timer ??= setInterval(beat, HEARTBEAT_MS).unref();
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

function once(work: () => unknown): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

/** One after the other. What nobody waits for keeps its failure for whoever comes next. */
function queue() {
  let last: Promise<unknown> = Promise.resolve();
  let failure: unknown;
  const run = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(() => {
      if (failure !== undefined) throw failure;
      return work();
    });
    last = next.catch(() => undefined);
    return next;
  };
  const beside = (work: () => Promise<void>): void => {
    run(work).catch((error: unknown) => {
      failure = error;
    });
  };
  const done = async () => {
    await last;
    if (failure !== undefined) throw failure;
  };
  return { run, beside, done };
}
