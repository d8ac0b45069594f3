/** A gate over a recording sandbox, with every part replaceable: what a test needs to break it. */
import { posix } from "node:path";
import * as z from "zod/mini";
import { systemClock } from "../../src/base/clock.ts";
import { type Actor, LOCAL_USER } from "../../src/core/actor.ts";
import type { AuditRecord } from "../../src/core/audit-event.ts";
import type { Event, EventBody } from "../../src/core/event.ts";
import type { Grant } from "../../src/core/grant.ts";
import type { Label } from "../../src/core/label.ts";
import type { ToolOutcome } from "../../src/core/ports/gate.ts";
import type { Hands } from "../../src/core/ports/hands.ts";
import type { Human } from "../../src/core/ports/human.ts";
import type { PathFact, PathFacts, Sandbox } from "../../src/core/ports/sandbox.ts";
import { defineTool, type Tool, textResult } from "../../src/core/tool.ts";
import type { Check, Policy } from "../../src/guard/action.ts";
import { createGate, type GateOptions } from "../../src/guard/gate.ts";
import { createMint } from "../../src/guard/grants.ts";
import { createRedactor } from "../../src/guard/redact.ts";
import { checks } from "../../src/parts.ts";
import { secondParser } from "../../src/second-parser.ts";

export const ROOT = "/ws/project";
export const HOME = "/home/dev";

/** Path facts by text alone, as on a machine where nothing is a link. */
export const lexicalFacts: PathFacts = {
  roots: [ROOT, "/tmp"],
  home: HOME,
  cwd: ROOT,
  text: () => undefined,
  look(path, cwd = ROOT): PathFact {
    const expanded = path === "~" ? HOME : path.startsWith("~/") ? HOME + path.slice(1) : path;
    const absolute = posix.resolve(cwd, expanded);
    const root = [ROOT, "/tmp"].find((entry) => absolute === entry || absolute.startsWith(`${entry}/`));
    const kind = absolute.startsWith("/dev/") && absolute !== "/dev/null" ? "other" : "file";
    return { absolute, resolved: absolute, exists: true, kind, links: 1, ...(root ? { root } : {}) };
  },
};

/** Loaded once for all tests. */
export const secondOpinion = secondParser();
await secondOpinion.ready();

export function policyWith(changes: Partial<Policy> = {}): Policy {
  return {
    mode: "default",
    sandbox: "workspace-write",
    paths: {
      facts: lexicalFacts,
      controlHomes: [`${HOME}/.codecrucible`, `${HOME}/.crucible`, `${HOME}/.config/codecrucible`, "/etc/codecrucible"],
      readable: [],
      exposed: [],
    },
    network: { mode: "off", allow: [] },
    rules: [],
    secondOpinion,
    limits: { commandSeconds: 1800, memoryMiB: 0, processes: 512, fileMiB: 2048, concurrent: 16 },
    disallowed: [],
    allowed: [],
    ...changes,
  };
}

export const shellTool = defineTool({
  name: "shell",
  summary: "run",
  input: z.strictObject({ command: z.string() }),
  effects: ["exec"],
  parallel: false,
  timeoutMs: 1000,
  run: async (input: { command: string }) => textResult(`ran ${input.command}`, { exitCode: 0 }),
});
export const readTool = defineTool({
  name: "read",
  summary: "read",
  input: z.strictObject({ path: z.string() }),
  effects: ["read"],
  parallel: true,
  timeoutMs: 1000,
  run: async (input: { path: string }) => textResult(`content of ${input.path}`),
});
export const writeTool = defineTool({
  name: "write",
  summary: "write",
  input: z.strictObject({ path: z.string(), content: z.optional(z.string()) }),
  effects: ["read", "write"],
  parallel: false,
  timeoutMs: 1000,
  run: async (input: { path: string }) => textResult(`wrote ${input.path}`),
});

export interface GateKit {
  readonly events: EventBody[];
  readonly audit: AuditRecord[];
  readonly grants: Grant[];
  /** What happened, in order: `audit`, `flush`, `hands`, event kinds. */
  readonly order: string[];
  /** As if the model had read a text with this label. */
  read(label: Label): void;
  run(tool: string, input: Record<string, unknown>, id?: string): Promise<ToolOutcome>;
}

export interface KitOptions {
  readonly tools?: readonly Tool[];
  readonly checks?: readonly Check[];
  readonly policy?: Partial<Policy>;
  readonly human?: Human;
  readonly audit?: GateOptions["audit"];
  readonly hands?: (grant: Grant) => Hands;
  readonly foreign?: NonNullable<GateOptions["foreign"]>;
  readonly serve?: Sandbox["serve"] extends (lease: never, order: infer Order) => infer Started
    ? (order: Order) => Started
    : never;
  readonly secrets?: readonly string[];
  readonly declared?: readonly string[];
  readonly actor?: Actor;
}

let calls = 0;

export function gateKit(options: KitOptions = {}): GateKit {
  const events: EventBody[] = [];
  const audit: AuditRecord[] = [];
  const grants: Grant[] = [];
  const order: string[] = [];
  const stored: Event[] = [];
  const mint = createMint(() => Date.now());
  const sandbox: Sandbox = {
    paths: lexicalFacts,
    status: async () => ({ backend: "bubblewrap" }),
    survey: () => [],
    verify: async () => ({ backend: "bubblewrap", probes: [] }),
    hands(grant) {
      if (!mint.verify(grant)) throw new Error("not minted by the gate, or used before");
      grants.push(grant);
      order.push("hands");
      return options.hands?.(grant) ?? {};
    },
    async serve(lease, order) {
      if (!mint.verify(lease)) throw new Error("not minted by the gate, or used before");
      grants.push(lease);
      if (!options.serve) throw new Error("no servers here");
      return options.serve(order);
    },
    dial: () => {
      throw new Error("no network here");
    },
    spill: () => "/tmp/spilled",
    foreground: () => undefined,
    background: () => false,
    checkpoints: {
      before: async () => ({ files: 1, dropped: [] }),
      after: () => undefined,
      writes: async () => undefined,
      settled: async () => undefined,
      restored: async () => undefined,
    },
    close: async () => undefined,
  };
  const tools = options.tools ?? [shellTool, readTool, writeTool];
  const gate = createGate({
    tools,
    declared: options.declared ?? tools.map((tool) => tool.name),
    checks: options.checks ?? checks,
    policy: policyWith(options.policy),
    sandbox,
    mint,
    audit: options.audit ?? {
      append: async (record) => {
        audit.push(record);
        order.push(`audit:${record.action}`);
      },
    },
    journal: {
      session: "s1",
      events: () => stored,
      flushed: async () => {
        order.push("flush");
      },
    },
    repository: () => ({ map: () => Promise.reject(new Error("no repository here")) }),
    emit: (body, context) => {
      events.push(body);
      order.push(body.kind);
      const event = { v: 1 as const, seq: events.length, at: 0, session: "s1", epoch: 1, ...context, ...body };
      stored.push(event);
      return event;
    },
    human: options.human ?? { present: false, approve: async () => "no", ask: async () => undefined },
    session: { setTodos: () => undefined },
    reader: () => ({ extract: async () => ({ value: null, requests: 1, tokens: 1 }) }),
    ...(options.foreign ? { foreign: options.foreign } : {}),
    redactor: createRedactor("s1", options.secrets),
    clock: systemClock,
    lifetime: new AbortController().signal,
  });
  return {
    events,
    audit,
    grants,
    order,
    read(label) {
      const end = {
        kind: "tool-end",
        callId: "x",
        tool: "read",
        parts: [],
        failed: false,
        denied: false,
        durationMs: 1,
      } as const;
      stored.push({ v: 1, seq: stored.length, at: 0, session: "s1", epoch: 1, ...end, label });
    },
    run: (tool, input, id = `call${calls++}`) =>
      gate.run(
        { type: "tool-call", id, tool, input },
        { actor: options.actor ?? LOCAL_USER, turn: 1, voice: "developer" },
        new AbortController().signal,
      ),
  };
}
