/** The one place where things are wired: every room meets the others here and in live.ts, through ports. */

import { existsSync, realpathSync } from "node:fs";
import { freemem } from "node:os";
import { resolve } from "node:path";
import { auditOptions, auditView, refuseCheckpointsIn } from "./audit-view.ts";
import { systemClock } from "./base/clock.ts";
import { CrucibleError, toFault } from "./base/error.ts";
import { uuid } from "./base/id.ts";
import { oneLine } from "./base/text.ts";
import { worktreesIn } from "./base/worktree-place.ts";
import { hasExtensions } from "./config/extension-places.ts";
import { homeFolder, loadConfig, readEnvironment, setUserValue } from "./config/load.ts";
import { workspaceTrust } from "./config/trust.ts";
import { worktreeOrigin } from "./config/worktree-origin.ts";
import { LOCAL_USER } from "./core/actor.ts";
import type { AuditRecord } from "./core/audit-event.ts";
import type { Event } from "./core/event.ts";
import { nameOf } from "./core/message.ts";
import type { Sampling } from "./core/model.ts";
import type { App, ApprovalsView, LiveSession, OpenOptions, TrustView } from "./core/ports/app.ts";
import { LOCAL_PROVIDERS, type Models, type OpenModel } from "./core/ports/models.ts";
import type { Blobs, Sessions } from "./core/ports/store.ts";
import type { Tier } from "./core/route.ts";
import type { AppOptions, House, SessionFiles } from "./house.ts";
import { createModels } from "./models/models.ts";
import { loadRules, rememberedApprovals } from "./rules.ts";
import { repositoryRoot } from "./sandbox/git-state.ts";
import { sqliteBlobs } from "./store/blobs.ts";
import { openDatabase } from "./store/database.ts";
import { createQuirkStore } from "./store/quirks.ts";
import { sqliteSessions } from "./store/sessions.ts";

/** Loads the configuration and wires the program; rooms are imported when they are first needed. */
export async function createApp(options: AppOptions): Promise<App> {
  const env = readEnvironment();
  const home = homeFolder(env);
  const workspace = repositoryRoot(options.workspace, home);
  const config = await loadConfig({ env, workspace, flags: options.flags, bare: options.bare });
  const project = worktreeOrigin(config.places.data, workspace) ?? workspace;
  const house: House = { options, workspace, project, env, home, config };
  return {
    version: options.version,
    workspace,
    config: { ...config, set: (key, text) => setAndRecord(house, key, text) },
    audit: auditView(config),
    open: (given) => openSession(house, given),
    sessions: async () => (await openStore(house)).sessions,
    importSession: (text) => importSession(house, text),
    models: () => openModels(house),
    sandboxStatus: async () => (await import("./live.ts")).probeSandbox(house),
    sandbox: async () => (await import("./confined.ts")).sandboxView(house),
    policy: async (place) => (await import("./policy.ts")).policyView(house, place),
    prompt: async () => (await import("./live.ts")).promptParts(house),
    redaction: async () => (await import("./redaction.ts")).redactionFor(house),
    files: async () => (await import("./sandbox/snapshot.ts")).keptFiles(workspace, AbortSignal.timeout(10_000)),
    performance: (span) => performanceOf(house, span),
    answers: async () => (await import("./answers.ts")).openAnswers(house, () => openModels(house)),
    voices: async () => (await import("./voices.ts")).voicesView(house),
    councils: async () => (await import("./councils.ts")).councilsView((await openStore(house)).sessions, house),
    undo: async () => (await import("./undo-view.ts")).undoView(house, (await openStore(house)).sessions),
    newestVersion: async (registry) =>
      (await import("./update.ts")).newestVersion(registry, "codecrucible", new AbortController().signal),
    languages: async () => (await import("./languages.ts")).surveyLanguages(house),
    trust: () => trustView(house),
    extensions: async () => (await import("./extensions.ts")).loadExtensions(house, house.options.bare),
    hooks: async () => (await import("./hooks.ts")).loadHooks(house, house.options.bare),
    memory: async () => (await import("./memory-view.ts")).memoryView(house),
    importPlan: async (options) => (await import("./import-setup.ts")).importPlan(house, options),
    approvals: () => approvalsView(house),
    mcp: async () => (await import("./mcp-view.ts")).mcpView(house),
    worktrees: async () => (await import("./worktrees.ts")).worktreesView(house, () => openStore(house)),
  };
}

async function openStore(house: House): Promise<{ sessions: Sessions; blobs: Blobs; close(): void }> {
  const db = await openDatabase(`${house.config.places.data}/journal.db`);
  return { sessions: sqliteSessions(db, systemClock), blobs: sqliteBlobs(db), close: () => db.close() };
}

/** The session of an exported file, as one of this workspace. */
async function importSession(house: House, text: string): Promise<string> {
  const id = uuid(systemClock.now());
  const { importedEvents } = await import("./session/import.ts");
  const events = importedEvents(text, id);
  const start = events.find((event) => event.kind === "session-start");
  const title = start?.kind === "session-start" ? start.title : "";
  const { sessions, close } = await openStore(house);
  try {
    sessions.adopt({ id, workspace: house.workspace, title: oneLine(title, 80) }, events);
    return id;
  } finally {
    close();
  }
}

/** The configured model of each tier. */
function tiersOf({ config }: House): Readonly<Partial<Record<Tier, string>>> {
  const named = (["fast", "quality", "embed"] as const).map((tier) => [
    tier,
    config.get<string | undefined>(`tiers.${tier}`),
  ]);
  return Object.fromEntries(named.filter(([, name]) => name !== undefined));
}

async function openModels(house: House): Promise<Models> {
  const { env, config } = house;
  const model = config.get<string | undefined>("model");
  const temperature = config.get<number | undefined>("temperature");
  const effort = config.get<Sampling["effort"]>("effort");
  const registry = `${config.places.data}/models.json`;
  return createModels({
    env,
    sampling: { ...(temperature === undefined ? {} : { temperature }), ...(effort === undefined ? {} : { effort }) },
    tiers: tiersOf(house),
    fallback: config.get<string[]>("fallback"),
    servers: config.get("servers"),
    windows: config.get("windows"),
    profiles: config.get("profiles"),
    ...(model === undefined ? {} : { defaultModel: model }),
    embedded: { registry, any: existsSync(registry), gpu: config.get("embedded.gpu") },
    quirks: createQuirkStore(`${config.places.state}/servers.json`),
    clock: systemClock,
    freeMemoryBytes: freemem,
  });
}

const DAY_MS = 86_400_000;

/** Folds the stored events of the sessions that changed in the span; events before it do not count. */
async function performanceOf(house: House, { days, all }: { days: number; all: boolean }) {
  const [{ sessions }, { createPerformance }] = await Promise.all([
    openStore(house),
    import("./observe/performance.ts"),
  ]);
  const since = systemClock.now() - days * DAY_MS;
  const performance = createPerformance();
  const rows = sessions.list(all ? undefined : house.workspace).filter(({ updatedAt }) => updatedAt >= since);
  const events = rows.flatMap(({ id }) => sessions.read(id)).filter(({ at }) => at >= since);
  for (const event of events.toSorted((a, b) => a.at - b.at)) performance.take(event);
  return performance.report();
}

/** Trust and what changes it, each change recorded. */
function trustView(house: House): TrustView {
  const trust = workspaceTrust(house.config.places, house.workspace, systemClock.now);
  return {
    subjects: trust.subjects,
    async give(subjects) {
      await recordDecision(house, { action: "trust-given", details: { files: subjects.map(({ path }) => path) } });
      trust.give(subjects, LOCAL_USER.id);
    },
    async revoke() {
      trust.revoke(LOCAL_USER.id);
      await recordDone(house, { action: "trust-revoked" }, `nothing in ${house.workspace} is trusted now`);
    },
  };
}

function approvalsView(house: House): ApprovalsView {
  const store = rememberedApprovals(house);
  return {
    list: () => store?.list() ?? [],
    async revoke(ids) {
      store?.revoke(ids);
      const what = { action: "approval-revoked", details: { ids: [...ids] } } as const;
      await recordDone(house, what, `${ids.length} revoked`);
    },
  };
}

/** The record names the key alone: values may be secret. */
async function setAndRecord(house: House, key: string, text: string): Promise<string> {
  const file = await setUserValue(house.config.places, key, text);
  await recordDone(house, { action: "config-change", details: { key, file } }, `${key} set in ${file}`);
  return file;
}

/** What tightens or is the person's own takes effect first: when it cannot be recorded, the fault says that it was done. */
async function recordDone(house: House, what: Pick<AuditRecord, "action" | "details">, done: string): Promise<void> {
  try {
    await recordDecision(house, what);
  } catch (error) {
    const { code, message, ...fault } = toFault(error);
    throw new CrucibleError(code, `${done}, but without a record: ${message}`, { ...fault, cause: error });
  }
}

/** A decision made outside any session. */
async function recordDecision(house: House, what: Pick<AuditRecord, "action" | "details">): Promise<void> {
  const { openAudit } = await import("./observe/audit.ts");
  const audit = openAudit(auditOptions(house.config, (value) => value));
  try {
    await audit.append({ session: "", actor: LOCAL_USER, ...what });
  } finally {
    audit.close();
  }
}

type Store = Awaited<ReturnType<typeof openStore>>;

/** A new session, an older one, or a fork of it; without a store it lives in memory. */
async function openJournal(
  house: House,
  given: OpenOptions,
  { id, store }: { id: string; store: Store | undefined },
): Promise<SessionFiles> {
  const { workspace } = house;
  if (!store) {
    const [{ memoryJournal }, { memoryBlobs }] = await Promise.all([
      import("./store/memory-journal.ts"),
      import("./store/memory-blobs.ts"),
    ]);
    return { journal: memoryJournal(id, systemClock), blobs: memoryBlobs(), close: () => undefined };
  }
  const { sessions, blobs } = store;
  const keepDays = house.config.get<number | undefined>("sessions.keepDays");
  const close = () => {
    if (keepDays !== undefined) sessions.prune(systemClock.now() - keepDays * DAY_MS);
    store.close();
  };
  const row = {
    id,
    workspace,
    title: oneLine(given.title, 80),
    ...(given.name === undefined ? {} : { name: given.name }),
  };
  if (given.resume === undefined) return { journal: sessions.create(row), blobs, close };
  const found = given.resume === "newest" ? sessions.list(workspace)[0] : sessions.find(given.resume, workspace);
  if (!found)
    throw new CrucibleError("session-missing", `there is no session in ${workspace} yet`, {
      hint: existsSync(worktreesIn(house.config.places.data))
        ? 'start one: crucible "what to do"; one in a worktree goes on with -w NAME -c (crucible worktree list)'
        : 'start one: crucible "what to do"',
    });
  if (found.workspace !== workspace)
    throw new CrucibleError("usage", `session ${found.id} belongs to ${found.workspace}`, {
      hint:
        worktreeOrigin(house.config.places.data, found.workspace) === workspace
          ? `go on in its worktree: crucible -r ${found.id}`
          : `go there, or: crucible -C ${found.workspace} -r ${found.id}`,
    });
  if (given.fork) {
    const journal = sessions.fork(found.id, row);
    return { journal, blobs, fork: { session: found.id, seq: journal.events().at(-1)?.seq ?? 0 }, close };
  }
  const journal = sessions.open(found.id);
  return { journal, blobs, close };
}

/** Lets waiting sockets be read and written. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A folder above the home holds everybody's files: no place to let an agent write. */
function refuseHuge({ workspace, home }: House, addDirs: readonly string[]): void {
  const huge = (folder: string) => folder === "/" || (home !== folder && home.startsWith(`${folder}/`));
  const folder = [workspace, ...addDirs.map(realOf)].find(huge);
  if (folder === undefined) return;
  throw new CrucibleError("usage", `${folder} is not a project: it holds the system's or everybody's files`, {
    hint: "go into a project folder, or name one with -C or --add-dir",
  });
}

/** An absent folder is left to whoever opens it. */
function realOf(path: string): string {
  return existsSync(path) ? realpathSync.native(path) : resolve(path);
}

/** The agent that a session works as: as it was begun, or as it is asked for at its beginning. Throws `usage`. */
async function withAgent(house: House, given: OpenOptions, events: readonly Event[]): Promise<OpenOptions> {
  const start = events.findLast((event) => event.kind === "session-start");
  if (start && given.agent !== undefined && given.agent !== start.agent)
    throw new CrucibleError(
      "usage",
      `this session was begun ${start.agent ? `as agent ${start.agent}` : "without an agent"}`,
      {
        hint: "begin a new one with --agent",
      },
    );
  const name = given.agent ?? start?.agent;
  return name === undefined ? given : (await import("./extensions.ts")).asAgent(house, given, name);
}

/** What is wrong with, or not trusted of, skills, commands and agents; nothing is loaded where there are none. */
async function extensionNotes(house: House, { bare }: OpenOptions): Promise<readonly string[]> {
  const { config, home, workspace } = house;
  if (!hasExtensions({ places: config.places, home, workspace, bare })) return [];
  return (await import("./extensions.ts")).loadExtensions(house, bare).notes;
}

async function openSession(house: House, opened: OpenOptions): Promise<LiveSession> {
  refuseHuge(house, opened.addDirs);
  const given = opened.resume === undefined ? await withAgent(house, opened, []) : opened;
  refuseCheckpointsIn([house.workspace, ...given.addDirs], house.config);
  const rules = await loadRules(house, { ...house, bare: house.options.bare });
  const models = await openModels(house);
  const { startSession, warm } = await import("./live.ts");
  const store = given.persist ? await openStore(house) : undefined;
  let files: SessionFiles | undefined;
  try {
    // A session that never reached a model would only be in the way of `-c`.
    const asking = given.resume === undefined ? openModel(house, given, models, []) : undefined;
    asking?.catch(() => undefined);
    // Short work while the server answers, each behind a turn of the event loop that sends the next question.
    // Long work stays before the question: a loop that stands still would take the answer for late.
    await turn();
    warm();
    await turn();
    const id = given.sessionId ?? uuid(systemClock.now());
    const notes = [...(store ? await finishUndo(house, store.sessions) : []), ...(await extensionNotes(house, given))];
    const fresh = await asking;
    files = await openJournal(house, given, { id, store });
    const model = fresh ?? (await openModel(house, given, models, files.journal.events()));
    const asked = opened.resume === undefined ? given : await withAgent(house, given, files.journal.events());
    return await startSession(house, asked, { files, model, rules, models, notes });
  } catch (error) {
    await files?.journal.close().catch(() => undefined);
    store?.close();
    throw error;
  }
}

/** An undo that a kill cut off is ended before anything else; one look for a file where there is none. */
async function finishUndo(house: House, sessions: Sessions): Promise<readonly string[]> {
  if (!existsSync(`${house.config.places.data}/undo-unfinished`)) return [];
  return (await import("./undo-view.ts")).undoView(house, sessions).finish();
}

/** Longest wait for a model that is being loaded (milliseconds). */
const OPEN_MS = 660_000;

async function openModel(
  house: House,
  given: OpenOptions,
  models: Models,
  events: readonly Event[],
): Promise<OpenModel> {
  const choice = { ...rememberedModel(house, events, given), ...given.model };
  const limit = AbortSignal.timeout(OPEN_MS);
  const signal = given.signal ? AbortSignal.any([given.signal, limit]) : limit;
  const model = await models.open(choice, signal);
  if (model.window.source !== "assumed" || !given.askWindow) return model;
  const tokens = await given.askWindow(nameOf(model.ref));
  if (tokens === undefined) return model;
  const windows = {
    ...house.config.get<Record<string, number>>("windows"),
    [nameOf(model.ref)]: tokens,
  };
  await setUserValue(house.config.places, "windows", JSON.stringify(windows));
  return models.open({ ...choice, context: tokens }, signal);
}

/** The model, server and window of the session so far, unless the person names others. */
function rememberedModel(house: House, events: readonly Event[], given: OpenOptions): Partial<OpenOptions["model"]> {
  const last = events.findLast((event) => event.kind === "model-chosen");
  const { model, baseUrl, localProvider, context } = given.model;
  if (!last || model !== undefined || baseUrl !== undefined || localProvider !== undefined) return {};
  const window = context === undefined ? { window: last.window } : {};
  const { provider } = last.model;
  const name = `${provider}/${last.model.model}`;
  const fallback = given.model.fallback ?? house.config.get<string[]>("fallback");
  // Ollama's `:latest` may be left out.
  const one = [...Object.values(tiersOf(house)), ...fallback].find((own) => own === name || `${own}:latest` === name);
  if (one !== undefined) return { model: one, remembered: true, ...window };
  const configured = house.config
    .get<readonly { name: string }[]>("servers")
    .some((server) => server.name === provider);
  if (configured) return { model: `${provider}/${last.model.model}`, ...window };
  if (provider === "embedded") return { model: name, ...window };
  const local = LOCAL_PROVIDERS.find((name) => name === provider);
  return { model: last.model.model, baseUrl: last.server, ...(local ? { localProvider: local } : {}), ...window };
}
