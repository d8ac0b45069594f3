/** Wires one gate over one sandbox: for a session in its workspace, and for its throw-away copies of it. */
import { checkpointPlace } from "./audit-view.ts";
import { systemClock } from "./base/clock.ts";
import { controlHomes } from "./base/control-places.ts";
import { CrucibleError } from "./base/error.ts";
import { nearest } from "./base/text.ts";
import type { EditClock } from "./core/edit-clock.ts";
import type { Emit } from "./core/event.ts";
import type { OpenOptions } from "./core/ports/app.ts";
import type { Gate } from "./core/ports/gate.ts";
import type { Human } from "./core/ports/human.ts";
import type { Languages } from "./core/ports/languages.ts";
import type { OpenModel } from "./core/ports/models.ts";
import type { Sandbox } from "./core/ports/sandbox.ts";
import type { Policy, ToolPattern } from "./guard/action.ts";
import { parsePattern } from "./guard/checks/policy.ts";
import { createGate, type GateOptions } from "./guard/gate.ts";
import { createMint } from "./guard/grants.ts";
import { type PolicyRule, pathRules } from "./guard/rules.ts";
import type { SecondOpinion } from "./guard/shell/second-opinion.ts";
import type { House, SessionFiles } from "./house.ts";
import { checks, tools } from "./parts.ts";
import { callLimits, modelServers, rememberedApprovals } from "./rules.ts";
import type { SandboxOptions } from "./sandbox/options.ts";
import { createSandbox } from "./sandbox/sandbox.ts";
import { expandHome, sandboxSettings } from "./sandbox-settings.ts";

/** Tools in the model's tools array, in this order for ever; the others are found by `tool_search`. */
export const DECLARED = [
  "read",
  "write",
  "edit",
  "glob",
  "grep",
  "shell",
  "todo_write",
  "ask_user",
  "tool_search",
  "tool_call",
];

/** What all gates of one session share: one record, one policy, one redaction. */
export interface Bench
  extends Pick<
    GateOptions,
    "audit" | "emit" | "redactor" | "lifetime" | "reader" | "repository" | "foreign" | "hooks"
  > {
  readonly house: House;
  readonly given: OpenOptions;
  readonly files: Pick<SessionFiles, "journal" | "blobs">;
  readonly model: OpenModel;
  readonly rules: readonly PolicyRule[];
  readonly secondOpinion: SecondOpinion;
  readonly subAgent?: NonNullable<GateOptions["subAgent"]>;
}

/** Where one gate works. */
export interface Place {
  readonly human: Human;
  /** Takes what running commands print. */
  readonly output: Emit;
  readonly edits: EditClock;
  readonly seen: ReadonlyMap<string, string>;
  /** Of the workspace itself: a copy lies elsewhere, and its servers would read it anew. */
  readonly languages?: Languages;
  /** Opens the undo store; absent where nothing is kept. */
  readonly undo?: NonNullable<SandboxOptions["undo"]>;
  /** A throw-away copy: always confined, without network and without what the person allowed for longer. */
  readonly copy?: NonNullable<SandboxOptions["copy"]>;
}

export interface Workbench {
  readonly sandbox: Sandbox;
  readonly gate: Gate;
}

export function workbench(bench: Bench, place: Place): Workbench {
  const { house, files, model, rules } = bench;
  const { journal, blobs } = files;
  const { copy } = place;
  const given = copy ? inCopy(bench.given) : bench.given;
  const mint = createMint(() => systemClock.now());
  const sandbox = createSandbox({
    ...sandboxSettings(house, given.sandbox, given.addDirs, model.info.server),
    session: journal.session,
    model: model.ref.model,
    blobs,
    seen: place.seen,
    ...ruled(rules, house.workspace),
    ...(copy ? { copy } : {}),
    verify: mint.verify,
    emit: place.output,
    editClock: place.edits,
    ...(place.undo ? { undo: place.undo } : {}),
  });
  const policy = policyFor(bench, given, sandbox);
  const gate = createGate({
    tools,
    declared: DECLARED,
    checks,
    policy: copy ? alone(policy) : policy,
    sandbox,
    mint,
    audit: bench.audit,
    journal,
    emit: bench.emit,
    ...(bench.given.actor ? { actor: bench.given.actor } : {}),
    human: place.human,
    session: {
      setTodos: (todos) => void bench.emit({ kind: "todos-set", todos }),
      skill: async (wanted) => (await import("./extensions.ts")).loadSkill(house, given.bare, wanted),
    },
    ...(bench.hooks ? { hooks: bench.hooks } : {}),
    reader: bench.reader,
    ...(bench.subAgent ? { subAgent: bench.subAgent } : {}),
    repository: bench.repository,
    // What a foreign server sees and does is no part of a copy.
    ...(place.languages ? { languages: place.languages } : {}),
    ...(bench.foreign && !copy ? { foreign: bench.foreign } : {}),
    redactor: bench.redactor,
    clock: systemClock,
    lifetime: bench.lifetime,
  });
  return { sandbox, gate };
}

/** A copy is always confined. Nobody answers there, so what is only opaque runs: it has no network, and nothing of it stays. */
function inCopy(given: OpenOptions): OpenOptions {
  const sandbox = given.sandbox === "off" ? "workspace-write" : given.sandbox;
  return { ...given, sandbox, mode: given.mode === "plan" ? "plan" : "auto" };
}

function alone({ approvals: _none, network, ...policy }: Policy): Policy {
  return { ...policy, network: { ...network, mode: "off", allow: [] }, allowed: [] };
}

function policyFor({ house, model, rules, secondOpinion }: Bench, given: OpenOptions, sandbox: Sandbox): Policy {
  const { config } = house;
  const approvals = rememberedApprovals(house);
  return {
    rules,
    secondOpinion,
    limits: callLimits(config),
    ...(approvals ? { approvals: approvals.of(house.workspace) } : {}),
    get mode() {
      return given.mode;
    },
    sandbox: given.sandbox,
    paths: {
      facts: sandbox.paths,
      controlHomes: [...controlHomes(house.home, house.env), ...Object.values(config.places), checkpointPlace(config)],
      readable: expandHome(config.get("sandbox.read"), house.home),
      exposed: expandHome(config.get("sandbox.expose"), house.home),
    },
    network: {
      mode: given.offline ? "off" : config.get("network.mode"),
      allow: config.get("network.allow"),
      closed: modelServers(config, model.info.server),
    },
    get only() {
      return (given.only ?? []).map((list) => list.map(parsePattern));
    },
    disallowed: [...given.disallowedTools, ...config.get<string[]>("tools.disallow")].map(knownPattern),
    allowed: given.allowedTools.map(knownPattern),
  };
}

/** A pattern for a tool that is not there would silently mean nothing. Throws `usage`. */
function knownPattern(text: string): ToolPattern {
  const pattern = parsePattern(text);
  if (tools.some(({ name }) => name === pattern.tool) || /^mcp(?:_resources)?__/.test(pattern.tool)) return pattern;
  const names = tools.map(({ name }) => name);
  const near = nearest(pattern.tool, names);
  throw new CrucibleError("usage", `there is no tool ${pattern.tool} (${text})`, {
    hint: near ? `did you mean ${near}?` : `there are: ${names.join(", ")}`,
  });
}

function ruled(rules: readonly PolicyRule[], root: string) {
  const found = pathRules(rules, root);
  return found ? { rules: found } : {};
}
