/** Wires foreign servers to a session: who answers them, what is kept of them, and what a face may ask. Loaded when one is configured. */
import { createSampler } from "./agent/sampler.ts";
import { systemClock } from "./base/clock.ts";
import { shortId } from "./base/id.ts";
import { LOCAL_USER } from "./core/actor.ts";
import type { Emit } from "./core/event.ts";
import type { OpenOptions } from "./core/ports/app.ts";
import type { Gate } from "./core/ports/gate.ts";
import { answerOf } from "./core/ports/human.ts";
import type { LiveMcp, McpAnswers, McpEntry } from "./core/ports/mcp.ts";
import type { OpenModel } from "./core/ports/models.ts";
import type { AuditPort, Journal } from "./core/ports/store.ts";
import type { House } from "./house.ts";
import { oauthBook } from "./mcp/client/oauth.ts";
import { pinBook } from "./mcp/client/pins.ts";
import { createPool } from "./mcp/client/pool.ts";
import { openDocument } from "./store/document.ts";

export interface ForeignParts {
  readonly entries: readonly McpEntry[];
  readonly model: OpenModel;
  readonly journal: Journal;
  readonly emit: Emit;
  readonly audit: AuditPort;
  readonly lifetime: AbortSignal;
}

/** What is kept of foreign servers: in the user's state, beside the audit log. */
export function mcpBooks(house: House) {
  const folder = `${house.config.places.state}/mcp`;
  return {
    pins: pinBook(openDocument(`${folder}/pins.json`, "pinned tools of MCP servers")),
    oauth: oauthBook(openDocument(`${folder}/logins.json`, "logins at MCP servers"), systemClock.now),
  };
}

export function openForeign(house: House, given: OpenOptions, parts: ForeignParts) {
  let roots: readonly string[] = [house.workspace, ...given.addDirs];
  const pool = createPool(parts.entries, {
    ...mcpBooks(house),
    version: house.options.version,
    answers: answersOf(given, parts),
    roots: () => roots,
    clock: systemClock,
    offline: given.offline,
    lifetime: parts.lifetime,
    note: (server, text) => void parts.emit({ kind: "server-note", server, text }),
  });
  const live = (gate: Gate): LiveMcp => ({
    servers: pool.servers,
    prompts: (signal) => pool.prompts(gate.foreignHands(LOCAL_USER), signal),
    runPrompt: (server, name, args, signal) =>
      pool.runPrompt({ server, name, args }, gate.foreignHands(LOCAL_USER), signal),
    setRoots: (folders) => {
      roots = folders;
      pool.rootsChanged();
    },
  });
  return { pool, live };
}

function answersOf({ human }: OpenOptions, { model, journal, emit, audit }: ForeignParts): McpAnswers {
  const sampler = { voice: "mcp", model, journal, emit, clock: systemClock };
  return {
    human,
    sample: (order, signal) => createSampler(sampler, {})(order, signal),
    consent: async ({ server, title, lines }, signal) => {
      if (!human.present) return false;
      const callId = shortId("sampling");
      const tool = `mcp__${server}`;
      emit({ kind: "approval-asked", callId, title, lines });
      const { answer } = answerOf(await human.approve({ callId, tool, title, lines, rules: [] }, signal));
      emit({ kind: "approval-given", callId, answer, by: LOCAL_USER.id });
      const { session } = journal;
      await audit.append({
        session,
        actor: LOCAL_USER,
        action: "approval",
        tool,
        callId,
        decision: answer,
        details: { title },
      });
      return answer !== "no";
    },
  };
}
