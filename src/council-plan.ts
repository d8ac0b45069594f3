/** The plan of a council: who sits, what they read, what it may cost, what the record says of them. */
import { speakers } from "./agent/speak.ts";
import { systemClock } from "./base/clock.ts";
import { sha256 } from "./base/hash.ts";
import type { Asked, ConveneParts } from "./convene.ts";
import type { CouncilKind, RiskLevel } from "./core/council.ts";
import type { CouncilOptions } from "./core/ports/app.ts";
import type { VoicePort } from "./core/ports/council.ts";
import type { OpenModel } from "./core/ports/models.ts";
import type { Journal } from "./core/ports/store.ts";
import type { Voice } from "./core/voice.ts";
import { assemble } from "./council/assemble.ts";
import { graver, MODES } from "./council/modes.ts";
import type { CouncilPlan, Member } from "./council/plan.ts";
import { prefixOf } from "./council/prompts.ts";
import { riskOf } from "./council/risk.ts";
import { ruleFor } from "./council/rules.ts";
import { NO_RECORD, type Weights } from "./council/weights.ts";
import { contextFor, hashOf } from "./council-context.ts";
import type { House } from "./house.ts";
import { openRecord } from "./outcomes.ts";
import { loadCouncils, loadVoices } from "./voices.ts";

/** Longest wait for a model that is being loaded (milliseconds). */
const OPEN_MS = 660_000;
/** Part of the model's window that the shared context may fill. */
const WINDOW_SHARE = 0.5;

export async function voicePort(
  { house, models, model, journal, emit }: Pick<ConveneParts, "house" | "models" | "model" | "journal" | "emit">,
  turn: number,
): Promise<VoicePort> {
  const names = house.config.get<readonly string[]>("council.models");
  const signal = AbortSignal.timeout(OPEN_MS);
  const further = await Promise.all(names.map((name) => models.open({ model: name }, signal)));
  const [first = model, ...rest] = further;
  const all: readonly [OpenModel, ...OpenModel[]] = [first, ...rest];
  const ids = loadVoices(house).voices.map(({ id }) => id);
  const modelOf = ({ id }: Voice) => all[Math.max(0, ids.indexOf(id)) % all.length] ?? first;
  return speakers({ models: all, modelOf, turn, journal, emit, clock: systemClock });
}

export async function planFor(
  parts: ConveneParts,
  { voices: port, asked }: { voices: VoicePort; asked: Asked },
  signal: AbortSignal,
): Promise<CouncilPlan> {
  const { house, options, model, gate, copies, journal } = parts;
  const { question, turn } = asked;
  const mode = options.mode ? MODES[options.mode] : undefined;
  const risk = graver(options.risk ?? riskOf(question), mode?.risk);
  const kind: CouncilKind = options.kind === "patch" ? "patch" : options.options ? "answer" : "rank";
  // A wrong name costs no call.
  const rule = options.rule ?? mode?.rule;
  ruleFor(kind, rule);
  const weights = await weightsFor(parts, { port, turn }, signal);
  const assembly = await assembled(house, { kind, risk, options }, { port, weights });
  const checks = kind === "patch" ? (await copies()).checks() : [];
  const tokens = Math.min(
    house.config.get<number>("council.contextTokens"),
    Math.floor(model.window.tokens * WINDOW_SHARE),
  );
  const room = {
    question,
    files: options.files,
    tokens,
    tokensOf: (text: string) => port.tokens(text),
    turn,
    workspace: house.workspace,
  };
  const context = await contextFor(gate, room, signal);
  const prefix = prefixOf({
    question,
    kind,
    ...context,
    checks: checks.map(({ command }) => command),
    ...(options.options ? { options: options.options } : {}),
  });
  const id = councilId(journal);
  return {
    id,
    kind,
    question,
    ...(options.options ? { options: options.options } : {}),
    ...(rule === undefined ? {} : { rule }),
    ...(mode?.synthesis === false ? { synthesis: false } : {}),
    risk,
    ...assembly,
    ...(mode?.whole ? { rungs: [assembly.members.length], wholeRungs: true } : {}),
    seed: options.seed ?? Number.parseInt(sha256(id).slice(0, 7), 16),
    budget: { ...house.config.get<object>("council.budget"), ...options.budget },
    width: Math.max(1, port.width),
    checks,
    weights,
    prefix,
  };
}

async function assembled(
  house: House,
  { kind, risk, options }: { kind: CouncilKind; risk: RiskLevel; options: CouncilOptions },
  { port, weights }: { port: VoicePort; weights: Weights },
) {
  const { voices } = loadVoices(house);
  const presets = await loadCouncils(house, voices);
  const { voices: ids, preset, size, domain } = options;
  const wanted = {
    kind,
    risk,
    cheap: options.next === "write",
    ...(domain === undefined ? {} : { domain }),
    ...(ids === undefined ? {} : { voices: ids }),
    ...(preset === undefined ? {} : { preset }),
    ...(size === undefined ? {} : { size }),
  };
  return assemble(wanted, { voices, presets, groupOf: (voice) => port.group(voice), weights });
}

/** Who reads a change: those named, or every voice whose duty is to find what is wrong. */
export async function membersFor(
  house: House,
  { voices: ids, preset }: { readonly voices?: readonly string[]; readonly preset?: string },
  port: VoicePort,
): Promise<readonly Member[]> {
  const { voices } = loadVoices(house);
  const finders = voices.filter(({ yields }) => yields.includes("claims") || yields.includes("checks"));
  const chosen = ids ?? (preset === undefined ? finders.map(({ id }) => id) : undefined);
  const wanted = {
    kind: "review" as const,
    risk: "medium" as const,
    ...(chosen ? { voices: chosen } : {}),
    ...(preset === undefined ? {} : { preset }),
  };
  const presets = await loadCouncils(house, voices);
  return assemble(wanted, { voices, presets, groupOf: (voice) => port.group(voice), weights: NO_RECORD }).members;
}

/** What the record teaches of the voices as they are now; work that was undone meanwhile counts as wrong. */
async function weightsFor(
  { house, gate }: ConveneParts,
  { port, turn }: { port: VoicePort; turn: number },
  signal: AbortSignal,
): Promise<Weights> {
  const { voices } = loadVoices(house);
  const record = await openRecord(house);
  try {
    await record.lookForUndone((path) => hashOf(gate, `${house.workspace}/${path}`, { turn, signal }));
    return record.weights(Object.fromEntries(voices.map((voice) => [voice.id, port.group(voice)])));
  } finally {
    record.close();
  }
}

/** The start of the session's id, which finds it again; a further council of the session is counted. */
export function councilId(journal: Journal): string {
  const earlier = journal.events().filter(({ kind }) => kind === "council-start").length;
  const start = journal.session.slice(0, 13);
  return earlier === 0 ? start : `${start}.${earlier + 1}`;
}
