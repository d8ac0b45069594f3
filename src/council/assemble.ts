/** Who sits in a council, in which order they are asked, and how far it climbs. */
import { CrucibleError } from "../base/error.ts";
import { nearest } from "../base/text.ts";
import type { CouncilKind, RiskLevel, VoiceId } from "../core/council.ts";
import type { CouncilMember, CouncilPreset, Voice } from "../core/voice.ts";
import type { Member } from "./plan.ts";
import { accuracyOf, type Weights } from "./weights.ts";

export interface Wanted {
  readonly kind: CouncilKind;
  readonly risk: RiskLevel;
  readonly domain?: string;
  /** Names typed by the person. */
  readonly voices?: readonly VoiceId[];
  readonly preset?: string;
  /** One voice may be enough: the work goes on after it, and is checked again. */
  readonly cheap?: boolean;
  /** How many, and no fewer. */
  readonly size?: number;
}

export interface Assembly {
  readonly members: readonly Member[];
  readonly rungs: readonly number[];
  readonly wholeRungs: boolean;
  readonly domain?: string;
}

/** Without a record: who brings most, first. Patches need two solutions and a test early. */
const ORDER: Readonly<Record<"patch" | "other", readonly VoiceId[]>> = {
  patch: [
    "developer",
    "implementor",
    "guardian",
    "explorer",
    "analyzer",
    "security",
    "maintainer",
    "architect",
    "optimizer",
    "designer",
  ],
  other: [
    "developer",
    "architect",
    "analyzer",
    "explorer",
    "implementor",
    "security",
    "maintainer",
    "optimizer",
    "guardian",
    "designer",
  ],
};
const LADDER = [1, 3, 10];

/** Throws `usage` for a voice or a council that is not there. */
export function assemble(
  wanted: Wanted,
  {
    voices,
    presets,
    groupOf,
    weights,
  }: {
    readonly voices: readonly Voice[];
    readonly presets: readonly CouncilPreset[];
    readonly groupOf: (voice: Voice) => string;
    readonly weights: Weights;
  },
): Assembly {
  const preset = wanted.preset === undefined ? undefined : named(wanted.preset, presets, "council");
  const domain = wanted.domain ?? preset?.domain;
  const chosen = wanted.voices?.map((id): CouncilMember => ({ voice: id, dependsOn: [] })) ?? preset?.members;
  const all = chosen ?? usual(wanted, voices, { weights, domain });
  const members = all.map(({ voice: id, dependsOn }): Member => {
    const voice = named(id, voices, "voice");
    return { voice, group: groupOf(voice), dependsOn };
  });
  const asked = chosen ? members : alternated(members);
  const sized = wanted.size === undefined ? asked : asked.slice(0, Math.max(1, wanted.size));
  const whole = wanted.size !== undefined || chosen !== undefined;
  return {
    members: sized,
    rungs: whole ? [sized.length] : rungsFor(wanted, sized.length),
    wholeRungs: whole,
    ...(domain === undefined ? {} : { domain }),
  };
}

/** One voice is enough to begin with only where a check can be the second, and little is at stake. */
function rungsFor({ kind, risk, cheap = false }: Wanted, size: number): number[] {
  const start = cheap && kind === "patch" && risk === "low" ? 1 : 3;
  return [...new Set(LADDER.filter((rung) => rung >= start).map((rung) => Math.min(rung, size)))];
}

/** Ten at most: those of the package in their order, then the person's own; by record where there is one. */
function usual(
  { kind }: Wanted,
  voices: readonly Voice[],
  { weights, domain }: { weights: Weights; domain: string | undefined },
): CouncilMember[] {
  const order = ORDER[kind === "patch" ? "patch" : "other"];
  const place = (id: VoiceId) => (order.includes(id) ? order.indexOf(id) : order.length);
  const known = (id: VoiceId) => (kind === "patch" ? 0 : Math.round(accuracyOf(weights, id, domain) * 20));
  return voices
    .toSorted((a, b) => known(b.id) - known(a.id) || place(a.id) - place(b.id))
    .slice(0, 10)
    .map(({ id }) => ({ voice: id, dependsOn: [] }));
}

/** Voices of other models in turn: the next vote is worth most when it is not the same model's. */
function alternated(members: readonly Member[]): Member[] {
  const queues = new Map<string, Member[]>();
  for (const member of members) queues.set(member.group, [...(queues.get(member.group) ?? []), member]);
  const lists = [...queues.values()];
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat();
}

function named<T extends { readonly id: string }>(id: string, all: readonly T[], what: string): T {
  const found = all.find((one) => one.id === id);
  if (found) return found;
  const names = all.map((one) => one.id);
  const near = nearest(id, names);
  throw new CrucibleError("usage", `there is no ${what} ${id}`, {
    hint: near ? `did you mean ${near}?` : `there are: ${names.join(", ")}`,
  });
}
