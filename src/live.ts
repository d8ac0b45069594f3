/** Wires one live session: journal, gate, sandbox, voice. Loaded while the model server is being asked. */
import { setFlagsFromString } from "node:v8";
import { createVoice, type Voice } from "./agent/loop.ts";
import { systemText } from "./agent/prompt.ts";
import { createReader } from "./agent/reader.ts";
import { attachAudit } from "./attach-audit.ts";
import { auditOptions } from "./audit-view.ts";
import { canonicalJson } from "./base/canonical-json.ts";
import { systemClock } from "./base/clock.ts";
import { CrucibleError, toFault } from "./base/error.ts";
import { byteLength, oneLine } from "./base/text.ts";
import type { ConveneParts } from "./convene.ts";
import { LOCAL_USER } from "./core/actor.ts";
import { type EditClock, editClock } from "./core/edit-clock.ts";
import type { Emit, Event } from "./core/event.ts";
import type { LiveSession, OpenOptions, PromptPart, Work } from "./core/ports/app.ts";
import type { AnswerCache } from "./core/ports/cache.ts";
import type { Conductor } from "./core/ports/conductor.ts";
import type { Models, OpenModel } from "./core/ports/models.ts";
import type { BackendState, Sandbox, SandboxStatus } from "./core/ports/sandbox.ts";
import { lastClock, standing } from "./core/standing.ts";
import type { ForeignParts } from "./foreign-servers.ts";
import { contextLabel } from "./guard/context-label.ts";
import { declare } from "./guard/declare.ts";
import { createRedactor } from "./guard/redact.ts";
import type { PolicyRule } from "./guard/rules.ts";
import type { SecondOpinion } from "./guard/shell/second-opinion.ts";
import type { House, SessionFiles } from "./house.ts";
import { languagesWhenNeeded } from "./languages-when-needed.ts";
import { changeable, liveControls } from "./live-controls.ts";
import { compacting, endHooks, hooksFor, livePrompts, noticing } from "./live-prompts.ts";
import { liveUndo } from "./live-undo.ts";
import { mcpEntries, mcpSecrets, NO_SERVERS } from "./mcp-entries.ts";
import { openAudit } from "./observe/audit.ts";
import { createResourceMeter } from "./observe/resources.ts";
import { tools } from "./parts.ts";
import { knownSecrets, redactDeltas } from "./redaction.ts";
import { repositoryOf } from "./repository.ts";
import { createSandbox } from "./sandbox/sandbox.ts";
import { sandboxSettings } from "./sandbox-settings.ts";
import { secondParser } from "./second-parser.ts";
import { checkpointsOf } from "./session/checkpoints.ts";
import { createBus, createSession } from "./session/session.ts";
import { settleOpenCalls } from "./session/settle.ts";
import { sessionAudit } from "./session-audit.ts";
import { memoryBlobs } from "./store/memory-blobs.ts";
import { instructionsText, surroundingsOf } from "./surroundings.ts";
import { type Bench, DECLARED, type Place, workbench } from "./workbench.ts";

/** What a session needs whatever the model is. */
export function warm(): void {
  for (const tool of tools) if (DECLARED.includes(tool.name)) declare(tool);
}

/** The journal and the model of a session that starts. */
export interface Parts {
  readonly files: SessionFiles;
  readonly model: OpenModel;
  readonly rules: readonly PolicyRule[];
  readonly models: Models;
  /** More lines for the person. */
  readonly notes: readonly string[];
}

export async function startSession(house: House, opened: OpenOptions, parts: Parts): Promise<LiveSession> {
  const { files, model } = parts;
  const { given, now } = changeable(opened);
  const { journal } = files;
  const earlier = journal.events();
  const bus = busFor(journal, given);
  const servers = await mcpEntries(house, given.mcpConfig, given.bare);
  const redactor = createRedactor(journal.session, [...knownSecrets(house), ...mcpSecrets(servers)]);
  const log = openAudit(auditOptions(house.config, redactor.deep));
  const audit = sessionAudit(log, journal.session, beginning(house, given, parts), given.actor);
  const edits = editClock(lastClock(earlier));
  const lifetime = new AbortController();
  const { emit } = bus;
  const repository = repositoryOf(house, given.persist);
  const core = { audit, emit, lifetime: lifetime.signal };
  const hooks = await hooksFor({ house, session: journal.session, bare: given.bare, redactor, ...core });
  const foreign = await foreignFor(house, given, { ...servers, model, journal, ...core });
  const shared = { redactor, repository: repository.hands, ...core };
  const worked = { house, given, files, model, rules: parts.rules, secondOpinion: parserFor(bus) };
  const bench = benchOf({
    ...worked,
    ...shared,
    ...(foreign ? { foreign: foreign.pool } : {}),
    ...(hooks ? { hooks } : {}),
  });
  const languages = languagesWhenNeeded(house, () => gate.foreignHands(LOCAL_USER), lifetime.signal);
  const shown = { human: noticing(given.human, hooks, lifetime.signal), output: redactDeltas(bus, redactor) };
  const own = { ...shown, edits, earlier, session: journal.session, languages };
  const { sandbox, gate } = workbench(bench, placeOf(house, given, own));
  if (given.sandboxRequired) await requireSandbox(sandbox);
  const copies = lazily(async () => (await import("./copies.ts")).openCopies(bench, gate, edits));
  const { answers, problem } = await answersFor(house, given, parts);
  const cache = answers ? { cache: { answers, label: contextLabel(() => journal.events()) } } : {};
  const told = { redact: redactor.text, servers: () => foreign?.pool.index() };
  const writer = voiceFor(house, given, { model, gate, journal, emit, edits, ...told, ...cache, ...compacting(hooks) });
  const convene = { gate, copies: copies.get, writer, models: parts.models, edits };
  const conductor = (work: Work | undefined) => conductorFor(bench, work ?? given, convene);
  const meter = createResourceMeter();
  const session = createSession({ journal, emit, conductor, clock: systemClock, actor: given.actor, ...meter });
  announce(house, given, { model, earlier, emit, fork: files.fork, problem });
  if (given.sandbox === "off") await audit.note("sandbox-off");
  attachAudit(bus, audit);
  const taking = liveUndo({ bench, sandbox, edits, audit, session });
  const prompts = livePrompts({ hooks, now, prompt: taking.prompt, resumed: earlier.length > 0 });
  return {
    id: journal.session,
    workspace: house.workspace,
    face: faceOf(given),
    model: model.info,
    window: model.window,
    notes: [...notesOf(house, given, model), ...servers.notes, ...parts.notes, ...(hooks?.notes ?? [])],
    tools: gate.declarations.map((tool) => tool.name),
    prompt: prompts.prompt,
    ...liveControls({ now, gate, journal, emit, writer }),
    copies: copies.get,
    checkpoints: () => checkpointsOf(journal.events()),
    undo: taking.undo,
    mcp: () => foreign?.live(gate) ?? NO_SERVERS,
    async close() {
      await endHooks(hooks);
      lifetime.abort();
      await Promise.all([copies.close(), foreign?.pool.close(), languages.close()]);
      meter.stop();
      await Promise.all([answers?.close(), sandbox.close(), repository.close()]);
      // What a stopped turn has to say of its end is said before the journal closes.
      await prompts.settled();
      await journal.close();
      // The work is done: a log that cannot be written any more is told by the next session.
      await audit.end().catch(() => undefined);
      log.close();
      files.close();
    },
  };
}

/** Where the session's own gate works. */
function placeOf(
  house: House,
  given: OpenOptions,
  {
    earlier,
    session,
    ...own
  }: Pick<Place, "edits" | "output" | "human" | "languages"> & { earlier: readonly Event[]; session: string },
): Place {
  const undo = { undo: async () => (await import("./undo.ts")).openUndo(house, session, given.addDirs) };
  return { ...own, seen: seenFiles(standing(earlier)), ...(given.persist ? undo : {}) };
}

/** What all gates of the session share, with the reader and those whom work is handed on to. */
function benchOf(parts: Omit<Bench, "subAgent" | "reader">): Bench {
  const { files, model, emit } = parts;
  const bench: Bench = {
    ...parts,
    subAgent: (where) => ({
      work: async (order, signal) => (await import("./sub-agent.ts")).runSubAgent(bench, { ...order, where }, signal),
    }),
    reader: createReader({ voice: "reader", model, journal: files.journal, emit, clock: systemClock }),
  };
  return bench;
}

function faceOf({ spiral, review, council }: Work): string {
  return spiral ? "spiral" : review ? "review" : council ? "council" : "developer";
}

/** Foreign servers; nothing of them is loaded when none is configured, and none is started before it is needed. */
async function foreignFor(house: House, given: OpenOptions, parts: ForeignParts) {
  if (parts.entries.length === 0) return undefined;
  return (await import("./foreign-servers.ts")).openForeign(house, given, parts);
}

/** One voice, or what was asked for instead; nothing of that is loaded for one voice. */
function conductorFor(
  bench: Bench,
  { council, spiral, review, goal }: Work,
  own: Pick<ConveneParts, "gate" | "copies" | "writer" | "models"> & { readonly edits: EditClock },
): Conductor {
  const { house, given, model, emit, files } = bench;
  const { human } = given;
  const parts = { house, model, journal: files.journal, emit, human, ...own };
  if (council) {
    const load = async () => (await import("./convene.ts")).councilConductor({ ...parts, options: council });
    return { run: async (task, signal) => (await load()).run(task, signal) };
  }
  if (review) {
    const load = async () => (await import("./review.ts")).reviewConductor({ ...parts, options: review });
    return { run: async (task, signal) => (await load()).run(task, signal) };
  }
  if (goal) {
    const { gate, writer } = own;
    const load = async () =>
      (await import("./agent/goal.ts")).goalConductor({ inner: writer, gate, emit, edits: own.edits, goal });
    return { run: async (task, signal) => (await load()).run(task, signal) };
  }
  if (!spiral) return own.writer;
  const load = async () => (await import("./spiral.ts")).spiralConductor({ ...parts, options: spiral });
  return { run: async (task, signal) => (await load()).run(task, signal) };
}

/** The bus of a session, with those who opened it listening. */
function busFor(journal: SessionFiles["journal"], { onEvent, onFlushed }: OpenOptions) {
  const bus = createBus(journal);
  bus.subscribe(onEvent);
  if (onFlushed) journal.onFlushed(onFlushed);
  staySmall(bus);
  return bus;
}

/**
 * After the first turn the heap is kept small rather than quick: without this, garbage of a long session stays as
 * resident memory (1,000 turns: 229 MiB, of which 11 are in use). Never before: code compiled with other flags than
 * it was cached with is compiled anew, which a one-shot run would pay for.
 */
function staySmall(bus: ReturnType<typeof createBus>): void {
  const stop = bus.subscribe((event) => {
    if (event.kind !== "turn-end") return;
    stop();
    setFlagsFromString("--optimize-for-size");
  });
}

/** What is made when it is first asked for, and closed only then. */
function lazily<T extends AsyncDisposable>(make: () => Promise<T>) {
  let made: Promise<T> | undefined;
  const get = () => (made ??= make());
  return { get, close: async () => (await made?.catch(() => undefined))?.[Symbol.asyncDispose]() };
}

/** What the record of a session's beginning says. */
function beginning({ workspace }: House, { mode }: OpenOptions, { rules }: Parts) {
  return { workspace, mode, rules: rules.length };
}

/** The cache of answers, or why it does not work; nothing of it is loaded when no answer of this model may be kept. */
async function answersFor(
  house: House,
  given: OpenOptions,
  { model, models }: Parts,
): Promise<{ readonly answers?: AnswerCache; readonly problem?: string }> {
  const { config } = house;
  if (!given.cache || !given.persist) return {};
  const kept = model.sampling.temperature === 0 || config.get<boolean>("cache.anyTemperature");
  if (config.get("cache.answers") === "off" || !kept) return {};
  const { openAnswers } = await import("./answers.ts");
  try {
    return { answers: await openAnswers(house, async () => models) };
  } catch (error) {
    return { problem: `no answer is kept or taken from the cache: ${toFault(error).message}` };
  }
}

type VoiceParts = Pick<
  Parameters<typeof createVoice>[0],
  "model" | "gate" | "journal" | "emit" | "edits" | "cache" | "beforeCompaction"
>;

function voiceFor(
  house: House,
  given: OpenOptions,
  parts: VoiceParts & { redact: (text: string) => string; servers: () => string | undefined },
): Voice {
  const { redact, servers, ...own } = parts;
  return createVoice({
    ...own,
    voice: "developer",
    system: systemText(given.appendSystemPrompt),
    sampling: given.effort === undefined ? {} : { effort: given.effort },
    clock: systemClock,
    surroundings: { ...surroundingsOf(house, given, redact), servers },
  });
}

/** What the person is told at the start. */
function notesOf(house: House, given: OpenOptions, model: OpenModel): readonly string[] {
  const banner = "THE SANDBOX IS OFF: commands run with all your rights (recorded in the audit log)";
  const off = given.sandbox === "off";
  const away = !off && house.config.get("sandbox.backend") === "e2b";
  const elsewhere = "COMMANDS RUN ELSEWHERE: the workspace leaves this machine (sandbox.backend is e2b)";
  return [...house.config.notes, ...model.notes, ...(off ? [banner] : []), ...(away ? [elsewhere] : [])];
}

/** The second shell parser: loaded while the model still writes its first call, never on the way to the first request. */
function parserFor(bus: ReturnType<typeof createBus>): SecondOpinion {
  const parser = secondParser();
  bus.subscribe((event) => void (event.kind === "tool-delta" && parser.ready()));
  return parser;
}

/** The first events of this process: a start or a resumption with what a crash left open, and the model when it is new. */
function announce(
  house: House,
  given: OpenOptions,
  facts: {
    model: OpenModel;
    earlier: readonly Event[];
    emit: Emit;
    fork: SessionFiles["fork"];
    problem: string | undefined;
  },
): void {
  const { model, emit, fork, problem } = facts;
  const earlier = [...facts.earlier];
  const { workspace } = house;
  const { version } = house.options;
  const name = {
    ...(given.name === undefined ? {} : { name: given.name }),
    ...(given.agent === undefined ? {} : { agent: given.agent }),
  };
  if (earlier.length > 0 && !fork) {
    emit({ kind: "session-resume" });
    if (given.name !== undefined) emit({ kind: "session-name", name: given.name });
  } else {
    const start = { workspace, title: oneLine(given.title, 80), program: `codecrucible ${version}`, ...name };
    emit({ kind: "session-start", ...start, ...(fork ? { fork } : {}) });
  }
  settleOpenCalls(earlier, emit);
  const before = earlier.findLast((event) => event.kind === "model-chosen");
  const same = before && canonicalJson([before.model, before.window]) === canonicalJson([model.ref, model.window]);
  if (!same) emit({ kind: "model-chosen", model: model.ref, window: model.window, server: model.info.server });
  if (problem !== undefined) emit({ kind: "model-note", code: "cache-off", text: problem });
}

async function requireSandbox(sandbox: Sandbox): Promise<void> {
  const status = await sandbox.status();
  if (status.backend) return;
  await sandbox.close();
  throw new CrucibleError("sandbox-unavailable", `no sandbox works here: ${status.reason ?? "unknown"}`, {
    hint: status.mend ?? "crucible doctor",
  });
}

/** Probes the sandbox without a session: for `doctor`. */
export async function probeSandbox(
  house: House,
): Promise<SandboxStatus & { readonly backends: readonly BackendState[] }> {
  const sandbox = createSandbox({
    ...sandboxSettings(house, "workspace-write", []),
    session: "probe",
    model: "none",
    verify: () => false,
    blobs: memoryBlobs(),
    emit: memoryEmit(),
    editClock: editClock(),
  });
  try {
    return { ...(await sandbox.status()), backends: sandbox.survey() };
  } finally {
    await sandbox.close();
  }
}

/** An emit for work outside any session: nothing is kept. */
function memoryEmit(): Emit {
  return (body) => ({ v: 1, seq: 0, at: systemClock.now(), session: "", epoch: 0, ...body });
}

/** Hashes of what the agent last saw of each file, from results of reads and writes. */
function seenFiles(events: readonly Event[]): ReadonlyMap<string, string> {
  const seen = new Map<string, string>();
  for (const event of events) {
    if (event.kind === "file-changed" && event.after !== null) seen.set(event.path, event.after);
    if (event.kind !== "tool-end" || event.failed) continue;
    const { path, hash } = event.details ?? {};
    if (typeof path === "string" && typeof hash === "string") seen.set(path, hash);
  }
  return seen;
}

/** The head of the first request, part by part. */
export async function promptParts(house: House): Promise<readonly PromptPart[]> {
  const declared = DECLARED.map((name) => tools.find((tool) => tool.name === name)).filter(
    (tool) => tool !== undefined,
  );
  const instructions = instructionsText(house);
  const texts: [string, string][] = [
    ["system text", systemText()],
    ...declared.map((tool): [string, string] => [`tool ${tool.name}`, canonicalJson(declare(tool))]),
    ...(instructions === undefined ? [] : [["project instructions", instructions] as [string, string]]),
  ];
  return texts.map(([name, text]) => ({
    name,
    text,
    bytes: byteLength(text),
    tokens: Math.ceil(byteLength(text) / 4),
  }));
}
