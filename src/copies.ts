/** Wires throw-away copies of the workspace for a council: each has a sandbox and a gate of its own under the session's policy. */
import { systemClock } from "./base/clock.ts";
import { CrucibleError } from "./base/error.ts";
import { shortId } from "./base/id.ts";
import { type Act, acceptChanges, said, textIn } from "./copy-accept.ts";
import { LOCAL_USER } from "./core/actor.ts";
import { type EditClock, editClock } from "./core/edit-clock.ts";
import type { Emit } from "./core/event.ts";
import type { CheckResult, CopyPort, FileEdit, RepositoryCheck, WorkspaceCopy } from "./core/ports/council.ts";
import type { Gate, ToolOutcome } from "./core/ports/gate.ts";
import { NOBODY } from "./core/ports/human.ts";
import { CHECK_FILES, CHECK_PATHS, type CheckCommand, named, repositoryChecks } from "./council/repository-checks.ts";
import { readFacts } from "./sandbox/check-facts.ts";
import { type MadeCopy, openCopies as openStore } from "./sandbox/copies.ts";
import type { Change } from "./sandbox/copy-changes.ts";
import { gitPatch } from "./sandbox/git-patch.ts";
import { type Bench, type Workbench, workbench } from "./workbench.ts";

/** Characters of a check's output that are kept. */
const KEPT_OUTPUT = 4000;

/**
 * Copies for one session. `bench` is what its gates share, `gate` its own gate (through which `accept` writes) and
 * `edits` its edit clock. Nothing is made before the first `copy`; closing removes every copy.
 */
export function openCopies(bench: Bench, gate: Gate, edits: EditClock): CopyPort & AsyncDisposable {
  const { house, given, files } = bench;
  const store = openStore({
    workspace: house.workspace,
    addDirs: given.addDirs,
    stateDir: `${house.config.places.state}/sandbox`,
    session: files.journal.session,
  });
  const open = new Map<WorkspaceCopy, { readonly made: MadeCopy; readonly inTurn: InTurn; readonly shown: Shown }>();
  const act = actor(bench, gate);
  let known: readonly RepositoryCheck[] | undefined;
  return {
    checks: () => (known ??= checksOf(house)),
    async copy(signal) {
      const made = await store.make(signal);
      const inTurn = queue();
      const shown: Shown = {};
      const copy = workspaceCopy(bench, { made, inTurn, shown }, () => open.delete(copy));
      open.set(copy, { made, inTurn, shown });
      return copy;
    },
    async accept(copy, signal) {
      const found = open.get(copy);
      if (!found) throw new CrucibleError("internal", "a copy that is gone was to be accepted");
      const { workspace } = house;
      // In its turn: whoever closes the copy meanwhile waits, or its missing files would count as deleted.
      return found.inTurn(async () => {
        const changes = found.shown.changes ?? (await found.made.changes(signal));
        return acceptChanges({ workspace, changes, movedOn: store.movedOn, act, edits }, signal);
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...open.keys()].map((copy) => copy[Symbol.asyncDispose]()));
      await store.close();
    },
  };
}

/** What the configuration names, else what the repository's own files do. */
function checksOf({ config, workspace }: Bench["house"]): readonly RepositoryCheck[] {
  const own = config.get<readonly CheckCommand[] | undefined>("council.checks");
  return own ? named(own) : repositoryChecks(readFacts(workspace, CHECK_FILES, CHECK_PATHS));
}

/** Calls are the council's, in the turn that is under way. */
function actor({ files }: Pick<Bench, "files">, gate: Gate): Act {
  return (tool, input, signal) => {
    const { turn } = whereIn({ files });
    const call = { type: "tool-call", id: shortId("copy"), tool, input } as const;
    return gate.run(call, { actor: LOCAL_USER, turn, voice: "council" }, signal);
  };
}

function workspaceCopy(
  bench: Bench,
  { made, inTurn, shown }: { readonly made: MadeCopy; readonly inTurn: InTurn; readonly shown: Shown },
  gone: () => void,
): WorkspaceCopy {
  const lifetime = new AbortController();
  const emit = quietly(bench.emit);
  const own = { ...bench, emit, lifetime: AbortSignal.any([bench.lifetime, lifetime.signal]) };
  const place = { human: NOBODY, output: emit, edits: editClock(), seen: new Map() };
  const desk = workbench(own, { ...place, copy: made.place });
  const room: Room = { desk, made, act: actor(bench, desk.gate) };
  let closed: Promise<void> | undefined;
  const close = async () => {
    gone();
    lifetime.abort();
    await desk.sandbox.close();
    await inTurn(made.remove);
  };
  return {
    edit: (edits, signal) => inTurn(() => editAll(room, edits, signal)),
    run: (command, options, signal) => inTurn(() => runCheck(room, { command, ...options }, signal)),
    work: (order, signal) =>
      inTurn(async () => {
        const { runSubAgent } = await import("./sub-agent.ts");
        return runSubAgent(
          { ...bench, lifetime: own.lifetime },
          { ...order, copy: made.place, where: whereIn(bench) },
          signal,
        );
      }),
    scan: (signal) => inTurn(async () => scanned(bench, await made.changes(signal))),
    diff: () =>
      inTurn(async () => {
        shown.changes = await made.changes(lifetime.signal);
        return bench.redactor.text(await gitPatch(shown.changes));
      }),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}

/** What the last difference told: exactly that is accepted, not what a check left in the copy after it was judged. */
interface Shown {
  changes?: readonly Change[];
}

function whereIn({ files }: Pick<Bench, "files">): { readonly turn: number } {
  return { turn: files.journal.events().findLast((event) => event.kind === "turn-start")?.turn ?? 0 };
}

/** Whoever wrote a file, with whatever: its text is judged as if a tool were to write it. */
async function scanned({ house }: Bench, changes: readonly Change[]): Promise<readonly string[]> {
  const { policyView } = await import("./policy.ts");
  const policy = await policyView(house, {});
  const findings: string[] = [];
  for (const { path, after } of changes) {
    const content = after ? textIn(after) : undefined;
    if (content === undefined) continue;
    const input = { path: `${house.workspace}/${path}`, content };
    const { verdict } = await policy.decide({ tool: "write", input, mode: "workspace-write" });
    if (verdict.decision !== "allow") findings.push(`${path}: ${verdict.reason}`);
  }
  return findings;
}

/** What happens in a copy is on record, but it changes nothing of the workspace: no undo material, nothing seen, no live output. */
function quietly(emit: Emit): Emit {
  return (body, context) => {
    const unheard = body.kind === "file-changed" || body.kind === "snapshot-taken" || body.kind === "tool-delta";
    if (unheard) return { v: 1, seq: 0, at: systemClock.now(), session: "", epoch: 0, ...body };
    if (body.kind !== "tool-end") return emit(body, context);
    const { hash: _none, ...details } = body.details ?? {};
    return emit({ ...body, details: { ...details, copy: true } }, context);
  };
}

/** One after the other. */
type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

function queue(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
}

interface Room {
  readonly desk: Workbench;
  readonly made: MadeCopy;
  readonly act: Act;
}

/** Keeps the files that `paths` name, as far as they are the copy's. */
function keep({ desk, made }: Room, paths: readonly string[]): () => Promise<void> {
  return made.keep(paths.filter((path) => !path.includes("\0")).map((path) => desk.sandbox.paths.look(path).resolved));
}

async function editAll(room: Room, edits: readonly FileEdit[], signal: AbortSignal): Promise<{ problem?: string }> {
  const restore = keep(
    room,
    edits.map(({ path }) => path),
  );
  for (const edit of edits) {
    const outcome = await editOne(room, edit, signal);
    if (!outcome.failed) continue;
    await restore();
    signal.throwIfAborted();
    return { problem: said(outcome) };
  }
  return {};
}

async function editOne({ act, desk }: Room, edit: FileEdit, signal: AbortSignal): Promise<ToolOutcome> {
  const { path, find, replace } = edit;
  // A file that is there is changed only by who has read it as it is now.
  if (!path.includes("\0") && desk.sandbox.paths.look(path).kind === "file")
    await act("read", { path, limit: 1 }, signal);
  if (find !== "") return act("edit", { path, edits: [{ old: find, new: replace }] }, signal);
  return act("write", { path, content: replace }, signal);
}

interface Order {
  readonly command: string;
  readonly timeoutMs: number;
  readonly files?: readonly { readonly path: string; readonly content: string }[];
}

async function runCheck(room: Room, order: Order, signal: AbortSignal): Promise<CheckResult> {
  const { command, timeoutMs, files = [] } = order;
  const restore = keep(
    room,
    files.map(({ path }) => path),
  );
  try {
    for (const { path, content } of files) {
      const written = await editOne(room, { path, find: "", replace: content }, signal);
      if (written.failed) return { outcome: "error", exitCode: null, output: said(written), ms: 0 };
    }
    // The tool counts in seconds and takes no less than one.
    const outcome = await room.act("shell", { command, timeout: timeoutMs / 1000 }, signal);
    signal.throwIfAborted();
    return resultOf(outcome);
  } finally {
    await restore();
  }
}

function resultOf(outcome: ToolOutcome): CheckResult {
  const { exitCode, timedOut, durationMs } = outcome.details ?? {};
  const output = said(outcome).slice(-KEPT_OUTPUT);
  const ms = typeof durationMs === "number" ? durationMs : outcome.durationMs;
  if (outcome.denied || exitCode === undefined) return { outcome: "error", exitCode: null, output, ms };
  if (timedOut === true) return { outcome: "timeout", exitCode: null, output, ms };
  const code = typeof exitCode === "number" ? exitCode : null;
  return { outcome: code === 0 ? "pass" : "fail", exitCode: code, output, ms };
}
