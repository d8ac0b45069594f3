/** The one place where things are wired: every room meets the others here, through ports. */
import { canonicalJson } from "./base/canonical-json.ts";
import { systemClock } from "./base/clock.ts";
import { CrucibleError } from "./base/error.ts";
import { uuid } from "./base/id.ts";
import { byteLength, oneLine } from "./base/text.ts";
import { type Config, homeFolder, type LoadOptions, loadConfig, readEnvironment, setUserValue } from "./config/load.ts";
import { editClock } from "./core/edit-clock.ts";
import type { Emit, Event } from "./core/event.ts";
import type { Sampling } from "./core/model.ts";
import type { App, AuditView, LiveSession, OpenOptions, PromptPart } from "./core/ports/app.ts";
import type { Models, OpenModel } from "./core/ports/models.ts";
import type { Sandbox, SandboxStatus } from "./core/ports/sandbox.ts";
import type { Blobs, Journal, Sessions } from "./core/ports/store.ts";
import type { SandboxMode } from "./core/verdict.ts";

/** Tools in the model's tools array, in this order for ever; the others are found by `tool_search`. */
const DECLARED = ["read", "write", "edit", "glob", "grep", "shell", "todo_write", "ask_user", "tool_search", "tool_call"];

export interface AppOptions {
  readonly version: string;
  readonly workspace: string;
  readonly flags: LoadOptions["flags"];
  readonly bare: boolean;
}

/** Everything a session shares with the program. */
interface House {
  readonly options: AppOptions;
  readonly env: Record<string, string>;
  readonly home: string;
  readonly config: Config;
}

/** Loads the configuration and wires the program; rooms are imported when they are first needed. */
export async function createApp(options: AppOptions): Promise<App> {
  const env = readEnvironment();
  const config = await loadConfig({ env, workspace: options.workspace, flags: options.flags, bare: options.bare });
  const house: House = { options, env, home: homeFolder(env), config };
  return {
    version: options.version,
    workspace: options.workspace,
    config: { ...config, set: (key, text) => setUserValue(config.places, key, text) },
    audit: auditView(house),
    open: (given) => openSession(house, given),
    sessions: async () => (await openStore(house)).sessions,
    models: () => openModels(house),
    sandboxStatus: () => probeSandbox(house),
    prompt: () => promptParts(house),
  };
}

async function openStore(house: House): Promise<{ sessions: Sessions; blobs: Blobs; close(): void }> {
  const [{ openDatabase }, { sqliteSessions }, { sqliteBlobs }] = await Promise.all([import("./store/database.ts"), import("./store/sessions.ts"), import("./store/blobs.ts")]);
  const db = await openDatabase(`${house.config.places.data}/journal.db`);
  return { sessions: sqliteSessions(db, systemClock), blobs: sqliteBlobs(db), close: () => db.close() };
}

async function openModels(house: House): Promise<Models> {
  const [{ createModels }, { createQuirkStore }, { freemem }] = await Promise.all([import("./models/models.ts"), import("./store/quirks.ts"), import("node:os")]);
  const { env, config } = house;
  const model = config.get<string | undefined>("model");
  return createModels({
    env,
    servers: config.get("servers"),
    windows: config.get("windows"),
    ...(model === undefined ? {} : { defaultModel: model }),
    quirks: createQuirkStore(`${config.places.state}/servers.json`),
    clock: systemClock,
    freeMemoryBytes: freemem,
  });
}

function auditView(house: House): AuditView {
  const folder = `${house.config.places.state}/audit`;
  return {
    folder,
    head: async () => (await import("./observe/audit-verify.ts")).auditHead(folder),
    verify: async (expected) => (await import("./observe/audit-verify.ts")).verifyAudit(folder, expected),
  };
}

/** Environment values whose names say that they are secret. */
function secretValues(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env)
    .filter(([name, value]) => /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/i.test(name) && value.length >= 12 && !value.startsWith("/"))
    .map(([, value]) => value);
}

interface SessionFiles {
  readonly journal: Journal;
  readonly blobs: Blobs;
  readonly resumed: boolean;
  close(): void;
}

/** A new session, an older one, or a fork of it. */
async function openJournal(house: House, given: OpenOptions): Promise<SessionFiles> {
  const { workspace } = house.options;
  const id = given.sessionId ?? uuid(systemClock.now());
  if (!given.persist) {
    const [{ memoryJournal }, { memoryBlobs }] = await Promise.all([import("./store/memory-journal.ts"), import("./store/memory-blobs.ts")]);
    return { journal: memoryJournal(id, systemClock), blobs: memoryBlobs(), resumed: false, close: () => undefined };
  }
  const { sessions, blobs, close } = await openStore(house);
  const row = { id, workspace, title: oneLine(given.title, 80), ...(given.name === undefined ? {} : { name: given.name }) };
  if (given.resume === undefined) return { journal: sessions.create(row), blobs, resumed: false, close };
  const found = given.resume === "newest" ? sessions.list(workspace)[0] : sessions.find(given.resume, workspace);
  if (!found) throw new CrucibleError("session-missing", `there is no session in ${workspace} yet`, { hint: 'start one: crucible "what to do"' });
  if (found.workspace !== workspace) throw new CrucibleError("usage", `session ${found.id} belongs to ${found.workspace}`, { hint: `go there, or: crucible -C ${found.workspace} -r ${found.id}` });
  return { journal: given.fork ? sessions.fork(found.id, row) : sessions.open(found.id), blobs, resumed: true, close };
}

/** The rooms a session needs: loaded while the model server is being asked. */
async function loadRooms() {
  const [guard, grants, redact, sandbox, audit, agent, prompt, session, settle, parts, control, patterns, instructions, git] = await Promise.all([
    import("./guard/gate.ts"),
    import("./guard/grants.ts"),
    import("./guard/redact.ts"),
    import("./sandbox/sandbox.ts"),
    import("./observe/audit.ts"),
    import("./agent/loop.ts"),
    import("./agent/prompt.ts"),
    import("./session/session.ts"),
    import("./session/settle.ts"),
    import("./parts.ts"),
    import("./base/control-places.ts"),
    import("./guard/checks/policy.ts"),
    import("./sandbox/instructions.ts"),
    import("./sandbox/git-state.ts"),
  ]);
  return { ...guard, ...grants, ...redact, ...sandbox, ...audit, ...agent, ...prompt, ...session, ...settle, ...parts, ...control, parsePattern: patterns.parsePattern, ...instructions, ...git };
}

async function openSession(house: House, given: OpenOptions): Promise<LiveSession> {
  const loading = loadRooms();
  const models = await openModels(house);
  const files = await openJournal(house, given);
  try {
    const model = await models.open({ ...rememberedModel(files.journal.events(), given), ...given.model }, AbortSignal.timeout(660_000));
    return await startSession(house, given, { files, model, rooms: await loading });
  } catch (error) {
    await files.journal.close().catch(() => undefined);
    files.close();
    throw error;
  }
}

/** The model and window of the session so far, unless the person names another. */
function rememberedModel(events: readonly Event[], given: OpenOptions): Partial<OpenOptions["model"]> {
  const last = events.findLast((event) => event.kind === "model-chosen");
  const { model, baseUrl, localProvider, context } = given.model;
  if (!last || model !== undefined || baseUrl !== undefined || localProvider !== undefined) return {};
  return { model: `${last.model.provider}/${last.model.model}`, ...(context === undefined ? { window: last.window } : {}) };
}

interface Parts {
  readonly files: SessionFiles;
  readonly model: OpenModel;
  readonly rooms: Awaited<ReturnType<typeof loadRooms>>;
}

async function startSession(house: House, given: OpenOptions, parts: Parts): Promise<LiveSession> {
  const { files, model, rooms } = parts;
  const { journal } = files;
  const { config } = house;
  const earlier = journal.events();
  const bus = rooms.createBus(journal);
  bus.subscribe(given.onEvent);
  const redactor = rooms.createRedactor(secretValues(house.env));
  const audit = rooms.openAudit(`${config.places.state}/audit`, systemClock, redactor.deep);
  const mint = rooms.createMint(() => systemClock.now());
  const edits = editClock(lastClock(earlier));
  const lifetime = new AbortController();
  const sandbox = rooms.createSandbox({ ...sandboxSettings(house, given.sandbox, given.addDirs), session: journal.session, model: model.ref.model, verify: mint.verify, blobs: files.blobs, emit: bus.emit, editClock: edits, seen: seenFiles(earlier) });
  if (given.sandboxRequired) await requireSandbox(sandbox);
  const gate = rooms.createGate({
    tools: rooms.tools,
    declared: DECLARED,
    checks: rooms.checks,
    policy: {
      mode: given.mode,
      sandbox: given.sandbox,
      paths: { facts: sandbox.paths, controlHomes: [...rooms.controlHomes(house.home, house.env), ...Object.values(config.places)], readable: expandHome(config.get("sandbox.read"), house.home), exposed: expandHome(config.get("sandbox.expose"), house.home) },
      network: { mode: given.offline ? "off" : config.get("network.mode"), allow: config.get("network.allow") },
      disallowed: [...given.disallowedTools, ...config.get<string[]>("tools.disallow")].map(rooms.parsePattern),
      allowed: given.allowedTools.map(rooms.parsePattern),
    },
    sandbox,
    mint,
    audit,
    journal,
    emit: bus.emit,
    human: given.human,
    session: { setTodos: (todos) => void bus.emit({ kind: "todos-set", todos }) },
    redactor,
    clock: systemClock,
    lifetime: lifetime.signal,
    snapshots: given.persist,
  });
  const { workspace } = house.options;
  const conductor = rooms.createVoice({
    voice: "developer",
    system: rooms.systemText(given.appendSystemPrompt),
    model,
    sampling: samplingOf(house, given),
    gate,
    journal,
    emit: bus.emit,
    clock: systemClock,
    edits,
    surroundings: {
      date: () => new Date(systemClock.now()).toISOString().slice(0, 10),
      git: async () => rooms.gitState(workspace),
      cwd: () => workspace,
      mode: () => given.mode,
      instructions: async () => (given.bare ? undefined : rooms.readInstructions(workspace, workspace)),
    },
  });
  const session = rooms.createSession({ journal, emit: bus.emit, conductor, clock: systemClock });
  const started = earlier.length > 0;
  if (started) {
    bus.emit({ kind: "session-resume" });
    rooms.settleOpenCalls(earlier, bus.emit);
  } else bus.emit({ kind: "session-start", workspace, title: oneLine(given.title, 80), program: `codecrucible ${house.options.version}`, ...(given.name === undefined ? {} : { name: given.name }) });
  const before = earlier.findLast((event) => event.kind === "model-chosen");
  if (!before || canonicalJson([before.model, before.window]) !== canonicalJson([model.ref, model.window])) {
    bus.emit({ kind: "model-chosen", model: model.ref, window: model.window, server: model.info.server });
  }
  if (given.sandbox === "off") await audit.append({ action: "sandbox-off", session: journal.session, actor: "local" });
  return {
    id: journal.session,
    workspace,
    model: model.info,
    window: model.window,
    notes: [...config.notes, ...model.notes, ...(given.sandbox === "off" ? ["THE SANDBOX IS OFF: commands run with all your rights (recorded in the audit log)"] : [])],
    tools: gate.declarations.map((tool) => tool.name),
    prompt: (prompt, options) => session.prompt(prompt, options),
    async close() {
      lifetime.abort();
      await sandbox.close();
      await journal.close();
      audit.close();
      files.close();
    },
  };
}

function samplingOf(house: House, given: OpenOptions): Sampling {
  const temperature = house.config.get<number | undefined>("temperature");
  const effort = given.effort ?? house.config.get<Sampling["effort"]>("effort");
  return { ...(temperature === undefined ? {} : { temperature }), ...(effort === undefined ? {} : { effort }) };
}

const expandHome = (paths: readonly string[], home: string) => paths.map((path) => (path === "~" || path.startsWith("~/") ? home + path.slice(1) : path));

function sandboxSettings(house: House, mode: SandboxMode, addDirs: readonly string[]) {
  const { config, env, home, options } = house;
  return {
    workspace: options.workspace,
    addDirs,
    home,
    env,
    stateDir: `${config.places.state}/sandbox`,
    mode,
    clock: systemClock,
    config: { read: config.get<string[]>("sandbox.read"), expose: config.get<string[]>("sandbox.expose"), env: config.get<Record<string, string>>("sandbox.env") },
  };
}

async function requireSandbox(sandbox: Sandbox): Promise<void> {
  const status = await sandbox.status();
  if (status.backend) return;
  await sandbox.close();
  throw new CrucibleError("sandbox-unavailable", `no sandbox works here: ${status.reason ?? "unknown"}`, { hint: status.mend ?? "crucible doctor" });
}

/** Probes the sandbox without a session: for `doctor`. */
async function probeSandbox(house: House): Promise<SandboxStatus> {
  const [{ createSandbox }, { memoryBlobs }] = await Promise.all([import("./sandbox/sandbox.ts"), import("./store/memory-blobs.ts")]);
  const sandbox = createSandbox({ ...sandboxSettings(house, "workspace-write", []), session: "probe", model: "none", verify: () => false, blobs: memoryBlobs(), emit: memoryEmit(), editClock: editClock() });
  try {
    return await sandbox.status();
  } finally {
    await sandbox.close();
  }
}

/** An emit for work outside any session: nothing is kept. */
function memoryEmit(): Emit {
  return (body) => ({ v: 1, seq: 0, at: systemClock.now(), session: "", epoch: 0, ...body });
}

/** The edit clock where a session left it. */
function lastClock(events: readonly Event[]): number {
  return events.reduce((clock, event) => (event.kind === "file-changed" || event.kind === "check-run" ? Math.max(clock, event.clock) : clock), 0);
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

async function promptParts(house: House): Promise<readonly PromptPart[]> {
  const [{ systemText }, { declare }, { tools }, { readInstructions }] = await Promise.all([import("./agent/prompt.ts"), import("./guard/declare.ts"), import("./parts.ts"), import("./sandbox/instructions.ts")]);
  const { workspace } = house.options;
  const declared = DECLARED.map((name) => tools.find((tool) => tool.name === name)).filter((tool) => tool !== undefined);
  const instructions = await readInstructions(workspace, workspace);
  const texts: [string, string][] = [["system text", systemText()], ...declared.map((tool): [string, string] => [`tool ${tool.name}`, canonicalJson(declare(tool))]), ...(instructions === undefined ? [] : [["project instructions", instructions] as [string, string]])];
  return texts.map(([name, text]) => ({ name, text, bytes: byteLength(text), tokens: Math.ceil(byteLength(text) / 4) }));
}
