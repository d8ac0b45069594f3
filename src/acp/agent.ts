/** The agent of an editor: what it can do, its sessions, and who they are. */
import {
  type AgentApp,
  type AgentContext,
  agent,
  type ClientCapabilities,
  type McpServer,
  methods,
  PROTOCOL_VERSION,
  RequestError,
} from "@agentclientprotocol/sdk";
import { systemClock } from "../base/clock.ts";
import { CrucibleError, toFault } from "../base/error.ts";
import { uuid } from "../base/id.ts";
import type { Ground, Serving } from "../core/ports/serving.ts";
import { editorServers } from "./editor-servers.ts";
import { modelOption, modeNamed, modesNow } from "./modes.ts";
import { createEditorSession, type EditorSession } from "./session.ts";

/** Sessions of one answer to session/list. */
const PAGE = 100;

export interface EditorAgent {
  readonly app: AgentApp;
  /** Ends every session. */
  close(): Promise<void>;
}

interface Asked {
  readonly cwd: string;
  readonly mcpServers?: readonly McpServer[];
  readonly additionalDirectories?: readonly string[];
}

export function editorAgent(serving: Serving): EditorAgent {
  const sessions = new Map<string, { readonly session: EditorSession; readonly ground: Ground }>();
  let able: ClientCapabilities = {};
  const at = (id: string) => {
    const found = sessions.get(id);
    if (!found) throw RequestError.sessionNotFound(id);
    return found;
  };
  const state = async (id: string) => {
    const { session, ground } = at(id);
    return { modes: modesNow(session.mode), configOptions: await modelOption(ground, session.model) };
  };
  /** What opens or closes one session is done one after the other: none is lost that another put away. */
  const turns = new Map<string, Promise<unknown>>();
  const inTurn = <T>(id: string, work: () => Promise<T>): Promise<T> => {
    const mine = (turns.get(id) ?? Promise.resolve()).then(work, work);
    turns.set(id, mine);
    const leave = () => void (turns.get(id) === mine && turns.delete(id));
    mine.then(leave, leave);
    return mine;
  };
  const begin = (client: AgentContext, asked: Asked, id?: string): Promise<string> =>
    id === undefined ? open(client, asked) : inTurn(id, () => open(client, asked, id));
  const open = async (client: AgentContext, asked: Asked, id?: string): Promise<string> => {
    const { mcpServers = [], additionalDirectories = [] } = asked;
    const ground = await serving.ground(asked.cwd);
    const own = id ?? uuid(systemClock.now());
    if (id !== undefined) await refuseStranger(ground, id);
    await sessions.get(own)?.session.close();
    const given = { ...editorServers(mcpServers), addDirs: [...ground.base.addDirs, ...additionalDirectories] };
    const { tell } = serving;
    const session = createEditorSession({
      id: own,
      ground,
      client,
      able: () => able,
      given,
      known: id !== undefined,
      tell,
    });
    sessions.set(own, { session, ground });
    return own;
  };
  const app = agent({ name: "codecrucible" })
    .onRequest(methods.agent.initialize, ({ params }) => {
      able = params.clientCapabilities ?? {};
      return description(serving.version);
    })
    .onRequest(methods.agent.authenticate, () => ({}))
    .onRequest(methods.agent.session.new, ({ params, client }) =>
      told(async () => {
        const sessionId = await begin(client, params);
        // The editor knows the session by the answer: what is told of it comes after that.
        setImmediate(() => sessions.get(sessionId)?.session.greet());
        return { sessionId, ...(await state(sessionId)) };
      }),
    )
    .onRequest(methods.agent.session.load, ({ params, client }) =>
      told(async () => {
        const id = await begin(client, params, params.sessionId);
        await at(id).session.replay();
        at(id).session.greet();
        return state(id);
      }),
    )
    .onRequest(methods.agent.session.resume, ({ params, client }) =>
      told(async () => state(await begin(client, params, params.sessionId))),
    )
    .onRequest(methods.agent.session.list, ({ params }) => told(() => listed(serving, params)))
    .onRequest(methods.agent.session.close, ({ params }) => told(() => end(params.sessionId)))
    .onRequest(methods.agent.session.prompt, ({ params, signal }) =>
      told(async () => ({ stopReason: await at(params.sessionId).session.prompt(params.prompt, signal) })),
    )
    .onRequest(methods.agent.session.setMode, ({ params }) =>
      told(async () => {
        const mode = modeNamed(params.modeId);
        if (!mode) throw RequestError.invalidParams({ modeId: params.modeId }, "there is no such mode");
        at(params.sessionId).session.setMode(mode);
        return {};
      }),
    )
    .onRequest(methods.agent.session.setConfigOption, ({ params }) =>
      told(async () => {
        if (params.configId !== "model" || typeof params.value !== "string")
          throw RequestError.invalidParams({ configId: params.configId }, "there is no such option");
        const { session, ground } = at(params.sessionId);
        await session.setModel(params.value);
        return { configOptions: await modelOption(ground, session.model) };
      }),
    )
    .onNotification(methods.agent.session.cancel, ({ params }) => sessions.get(params.sessionId)?.session.cancel());
  const end = (id: string) =>
    inTurn(id, async () => {
      const { session } = at(id);
      sessions.delete(id);
      await session.close();
      return {};
    });
  return {
    app,
    async close() {
      await Promise.allSettled(turns.values());
      await Promise.allSettled([...sessions.values()].map(({ session }) => session.close()));
    },
  };
}

function description(version: string) {
  return {
    protocolVersion: PROTOCOL_VERSION,
    agentInfo: { name: "codecrucible", title: "CodeCrucible Synth", version },
    authMethods: [],
    agentCapabilities: {
      loadSession: true,
      promptCapabilities: { image: true, embeddedContext: true },
      mcpCapabilities: { http: true, sse: false },
      sessionCapabilities: { list: {}, resume: {}, close: {}, additionalDirectories: {} },
    },
  };
}

/** A session belongs to its folder. Throws `session-missing`. */
async function refuseStranger({ app }: Ground, id: string): Promise<void> {
  const rows = (await app.sessions()).list(app.workspace);
  if (rows.some((row) => row.id === id)) return;
  throw new CrucibleError("session-missing", `there is no session ${id} in ${app.workspace}`, {
    hint: "crucible sessions list",
  });
}

async function listed(serving: Serving, { cwd, cursor }: { cwd?: string | null; cursor?: string | null }) {
  const { app } = await serving.ground(cwd ?? undefined);
  const from = Number(cursor ?? 0);
  const rows = (await app.sessions()).list(typeof cwd === "string" ? app.workspace : undefined);
  const sessions = rows.slice(from, from + PAGE).map(({ id, workspace, title, name, updatedAt }) => ({
    sessionId: id,
    cwd: workspace,
    title: name ?? title,
    updatedAt: new Date(updatedAt).toISOString(),
  }));
  return { sessions, ...(rows.length > from + PAGE ? { nextCursor: `${from + PAGE}` } : {}) };
}

/** Faults as the protocol's errors: what failed, and what to do next. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RequestError) throw error;
    const { code, message, hint } = toFault(error);
    const number = { "session-missing": -32_002, usage: -32_602, "bad-input": -32_602 }[code as string] ?? -32_603;
    throw new RequestError(number, hint === undefined ? message : `${message}. ${hint}`, { code });
  }
}
