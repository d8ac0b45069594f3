/** The gate: the only holder of tool bodies. Every action is judged, asked, audited, granted, run, redacted, in that order. */
import { canonicalJson, wellFormed } from "../base/canonical-json.ts";
import type { Clock } from "../base/clock.ts";
import { CrucibleError, toFault } from "../base/error.ts";
import { sha256 } from "../base/hash.ts";
import type { Actor } from "../core/actor.ts";
import type { Emit, EventContext } from "../core/event.ts";
import type { Grant } from "../core/grant.ts";
import type { Label } from "../core/label.ts";
import type { ToolCallPart } from "../core/message.ts";
import type { CallContext, Gate, ToolOutcome } from "../core/ports/gate.ts";
import type {
  DeferredHands,
  FoundTool,
  Hands,
  ReaderHands,
  RepositoryHands,
  SessionHands,
  SubAgentHands,
  TreeHands,
} from "../core/ports/hands.ts";
import type { Hooks } from "../core/ports/hooks.ts";
import type { Human } from "../core/ports/human.ts";
import type { Languages } from "../core/ports/languages.ts";
import type { Foreign } from "../core/ports/mcp.ts";
import type { Sandbox } from "../core/ports/sandbox.ts";
import type { AuditPort, Journal } from "../core/ports/store.ts";
import { failedResult, type Tool, type ToolResult } from "../core/tool.ts";
import { doubtsOf, type Verdict } from "../core/verdict.ts";
import { type Action, type Check, gatherAction, type Policy } from "./action.ts";
import { sendToBackground } from "./background.ts";
import { hostOf } from "./checks/network-access.ts";
import { contextLabel } from "./context-label.ts";
import { declare, searchDeferred, withIndex } from "./declare.ts";
import { type Ending, end } from "./end-call.ts";
import { foreignHands } from "./foreign.ts";
import type { Mint } from "./grants.ts";
import { afterCall, decide } from "./hooked.ts";
import { type Judgement, judge } from "./judge.ts";
import { keepUndo } from "./keep-undo.ts";
import { limitsOf } from "./limits.ts";
import { namesTool } from "./named-tool.ts";
import { resolvePlaceholders } from "./placeholders.ts";
import { titleOf } from "./question.ts";
import type { Redactor } from "./redact.ts";

export interface GateOptions {
  readonly tools: readonly Tool[];
  /** Names of the tools in the model's tools array; the others are found by `tool_search`. */
  readonly declared: readonly string[];
  readonly checks: readonly Check[];
  readonly policy: Policy;
  readonly sandbox: Sandbox;
  readonly mint: Mint;
  readonly audit: AuditPort;
  readonly journal: Pick<Journal, "flushed" | "session" | "events">;
  readonly emit: Emit;
  /** Whose session it is, when it is not the person's at this machine: every call is theirs then. */
  readonly actor?: Actor;
  readonly human: Human;
  readonly session: SessionHands;
  /** The quarantined reader for one call. */
  readonly reader: (where: EventContext) => ReaderHands;
  /** Hands work on; absent where a sub-agent itself is at work. */
  readonly subAgent?: (where: EventContext) => SubAgentHands;
  /** Language servers; absent where none is asked. */
  readonly languages?: Languages;
  /** What is known of the repository, over what the hands of one call show. */
  readonly repository: (tree: TreeHands) => RepositoryHands;
  readonly hooks?: Hooks;
  /** Tools of foreign servers; absent where there are none. */
  readonly foreign?: Foreign;
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Aborts when the session ends: every lease ends with it. */
  readonly lifetime: AbortSignal;
}

/** Makes the one gate of a session. */
export function createGate(options: GateOptions): Gate {
  const tools = new Map(options.tools.map((tool) => [tool.name, tool]));
  const deferred = options.tools.filter((tool) => !options.declared.includes(tool.name));
  const declarations = options.declared
    .map((name) => tools.get(name))
    .filter((tool) => tool !== undefined)
    .map((tool) => (tool.name === "tool_search" ? withIndex(declare(tool), deferred) : declare(tool)));
  const used = new Set<string>();
  const context = contextLabel(() => options.journal.events());
  const running = new Set<ToolCallPart>();
  const room: Room = { options, tools, deferred, used, context, running };
  return {
    declarations,
    parallel: (name) => tools.get(name)?.parallel ?? false,
    background: () => sendToBackground(options),
    async run(call, where, signal) {
      running.add(call);
      try {
        return await runCall(room, call, { ...where, actor: options.actor ?? where.actor }, signal);
      } finally {
        running.delete(call);
      }
    },
    foreignHands: (actor) =>
      foreignHands(options, { actor: options.actor ?? actor, callId: "", readOnly: planning(options), where: {} }),
  };
}

/** Nothing that is started may write. */
const planning = ({ policy }: GateOptions) => policy.mode === "plan" || policy.sandbox === "read-only";

interface Room {
  readonly options: GateOptions;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly deferred: readonly Tool[];
  readonly used: Set<string>;
  readonly running: ReadonlySet<ToolCallPart>;
  /** The label of what the model has read when a call comes in. */
  readonly context: () => Label;
}

/** `tool_call{name,input}` is judged, recorded and run as the inner call. */
function innerCall(call: ToolCallPart, { deferred, options }: Room): ToolCallPart {
  const { name, input } = call.input as { name?: unknown; input?: unknown };
  if (call.tool !== "tool_call" || typeof name !== "string") return call;
  if (!deferred.some((tool) => tool.name === name) && !options.foreign?.owns(name)) return call;
  return {
    ...call,
    tool: name,
    input: typeof input === "object" && input !== null ? (input as Record<string, unknown>) : {},
  };
}

async function runCall(
  room: Room,
  outer: ToolCallPart,
  context: CallContext,
  signal: AbortSignal,
): Promise<ToolOutcome> {
  const { options } = room;
  const started = options.clock.monotonic();
  const call = innerCall(outer, room);
  const where: EventContext = { turn: context.turn, voice: context.voice, actor: context.actor.id };
  const input = options.redactor.deep(call.input);
  options.emit({ kind: "tool-requested", callId: call.id, tool: call.tool, input }, where);
  const fresh = !room.used.has(call.id);
  room.used.add(call.id);
  if ("command" in call.input) await options.policy.secondOpinion.ready();
  const tool = room.tools.get(call.tool) ?? (await foreignTool(options, call, context, signal));
  const action = await gatherAction({
    call,
    tool,
    actor: context.actor,
    policy: options.policy,
    context: room.context(),
    running: room.running.size - 1,
    fresh,
  }).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  const judgement = action instanceof Error ? failedJudgement(action) : await judge(action, options.checks);
  const given = judgement.verdicts.filter((verdict) => verdict.decision !== "allow");
  const { verdict: first, micros } = judgement;
  options.emit(
    { kind: "verdict-given", callId: call.id, tool: call.tool, verdict: first, verdicts: given, micros },
    where,
  );
  const { verdict, judged } = await decide(options, { action, judgement, where }, signal);
  const ending: Ending = { call, verdict, started, where, action };
  const asked = { call, tool, actor: context.actor };
  const record = () => audited(options, asked, verdict, judged);
  if (action instanceof Error || verdict.decision !== "allow" || !action.tool) {
    await record();
    return end(options, { ...ending, denied: true }, failedResult(`Denied: ${verdict.reason} [${verdict.rule}]`));
  }
  return end(options, ending, await perform(room, action, { verdict, where, record, signal }));
}

/** As its server has it now, so that what is judged is what is called; nothing is started for what is refused anyway. */
async function foreignTool(
  options: GateOptions,
  call: ToolCallPart,
  { actor, ...where }: CallContext,
  signal: AbortSignal,
): Promise<Tool | undefined> {
  const { foreign, policy } = options;
  if (!foreign?.owns(call.tool)) return undefined;
  const refused = policy.disallowed.some((pattern) => namesTool(pattern, call.tool));
  if (refused || policy.mode === "plan") return foreign.pinned(call.tool);
  const hands = foreignHands(options, { actor, callId: call.id, readOnly: planning(options), where });
  return foreign.find(call.tool, hands, signal).catch(() => foreign.pinned(call.tool));
}

interface Performance {
  readonly verdict: Verdict;
  readonly where: EventContext;
  /** Writes the audit record; the action waits for it. */
  readonly record: () => Promise<unknown>;
  readonly signal: AbortSignal;
}

/** Undo material, intent, audit, effect: in this order. A failure of the tool is a result; one of the record is thrown. */
async function perform(room: Room, action: Action, how: Performance): Promise<ToolResult> {
  const { options } = room;
  const { call } = action;
  try {
    await keepUndo(options, action, how);
    const title = titleOf(call.tool, options.redactor.deep(call.input));
    options.emit(
      { kind: "tool-start", callId: call.id, tool: call.tool, title, inputHash: inputHash(call) },
      how.where,
    );
    await options.journal.flushed();
    await how.record();
    return await afterCall(options, action, await execute(room, action, how), how.signal);
  } catch (error) {
    if (how.signal.aborted) return failedResult("Cancelled before it ended.");
    const fault = toFault(error);
    if (fault.code === "storage" || fault.code === "audit" || fault.code === "session-busy") throw error;
    return failedResult(fault.hint ? `${fault.message} (${fault.hint})` : fault.message, { code: fault.code });
  } finally {
    options.sandbox.checkpoints?.after(call.id);
  }
}

function failedJudgement(error: Error): Judgement {
  const verdict: Verdict = {
    decision: "deny",
    check: "validateAgentAction",
    rule: "check.failed",
    risk: "high",
    reason: `the call cannot be examined: ${error.message}`,
  };
  return { verdict, verdicts: [verdict], micros: 0 };
}

function audited(
  options: GateOptions,
  { call, tool, actor }: Pick<Action, "call" | "tool" | "actor">,
  verdict: Verdict,
  judgement: Judgement,
): Promise<unknown> {
  return options.audit.append({
    action: "tool-decision",
    session: options.journal.session,
    actor,
    tool: call.tool,
    ...(tool ? { effects: tool.effects } : {}),
    callId: call.id,
    decision: verdict.decision,
    digest: inputHash(call),
    input: call.input,
    reasons: doubtsOf(judgement.verdicts).map(({ check, rule, decision, risk }) => ({ check, rule, decision, risk })),
    details: { title: titleOf(call.tool, call.input), sandbox: options.policy.sandbox, mode: options.policy.mode },
  });
}

function inputHash(call: ToolCallPart): string {
  return sha256(canonicalJson(wellFormed(call.input)));
}

/** Mints the grant, fetches the hands it opens and runs the tool with them. */
async function execute(room: Room, action: Action, how: Performance): Promise<ToolResult> {
  const { options } = room;
  const { tool, input } = action;
  if (!tool || !input) throw new CrucibleError("internal", "a denied call was about to run");
  const limit = AbortSignal.any([how.signal, AbortSignal.timeout(tool.timeoutMs)]);
  const { actor, call } = action;
  const foreign = foreignHands(options, { actor, callId: call.id, readOnly: planning(options), where: how.where });
  if (tool.foreign) {
    tool.foreign.accept();
    return tool.run(input, { foreign }, limit);
  }
  const terms = grantFor(options, action, tool, how.verdict);
  const lives = tool.effects.includes("jobs") && input["background"] === true;
  if (lives) await leased(options, action);
  const machine = options.sandbox.hands(
    lives ? options.mint.lease({ ...terms, signal: options.lifetime }) : options.mint.grant(terms),
  );
  const settled = await resolvePlaceholders(input, machine, options.redactor);
  if (settled.problem !== undefined) return failedResult(settled.problem);
  const deferred: DeferredHands = {
    search: async (query, signal): Promise<readonly FoundTool[]> => {
      const others = options.policy.mode === "plan" ? [] : ((await options.foreign?.all(foreign, signal)) ?? []);
      return searchDeferred([...room.deferred, ...others], query);
    },
  };
  const hands: Hands = {
    ...machine,
    ...(machine.tree ? { repository: options.repository(machine.tree) } : {}),
    ...(machine.files && options.languages ? { languages: options.languages } : {}),
    ...(tool.effects.includes("human") ? { human: options.human } : {}),
    ...(tool.effects.includes("session") ? { session: options.session, deferred } : {}),
    ...(tool.effects.includes("agents") ? agents(options, how.where) : {}),
  };
  return tool.run(settled.input, hands, limit);
}

function agents({ reader, subAgent }: GateOptions, where: EventContext): Pick<Hands, "reader" | "subAgent"> {
  return { reader: reader(where), ...(subAgent ? { subAgent: subAgent(where) } : {}) };
}

/** Something that lives on is recorded apart: it holds its powers until the session ends. */
function leased(options: GateOptions, action: Action): Promise<unknown> {
  return options.audit.append({
    action: "lease-start",
    session: options.journal.session,
    actor: action.actor,
    tool: action.call.tool,
    callId: action.call.id,
  });
}

function grantFor(options: GateOptions, action: Action, tool: Tool, verdict: Verdict): Grant {
  const asked = verdict.rule !== "ok";
  return {
    callId: action.call.id,
    tool: tool.name,
    inputHash: inputHash(action.call),
    effects: tool.effects,
    readOnly: action.readOnly,
    reveals: asked ? action.paths.map((use) => action.policy.paths.facts.look(use.text, use.cwd).resolved) : [],
    hosts: openHosts(action, asked),
    limits: limitsOf(action.policy.limits),
    expiresAt: options.clock.now() + 60_000,
  };
}

/**
 * What a question showed, the address of a fetch; and for commands that change or run something the list of an
 * allow-list network, as long as nothing untrusted or secret has been read.
 */
function openHosts(action: Action, asked: boolean): readonly string[] {
  const { network } = action.policy;
  if (action.url !== undefined) return [hostOf(action.url)].filter((host) => host !== undefined);
  const { integrity, confidentiality } = action.context;
  const clean = integrity !== "external" && confidentiality !== "secret";
  const runs = action.shell !== undefined && !action.readOnly;
  const listed = network.mode === "allowlist" && clean && runs ? network.allow : [];
  return [...new Set([...(asked ? (action.shell?.hosts ?? []) : []), ...listed])];
}
