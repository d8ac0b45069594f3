/** Voices of stated skill for councils on tasks: what they hand in is drawn from the task's own changes and tests. */
import { sha256 } from "../../src/base/hash.ts";
import type { VoiceCall, VoicePort, VoiceReply } from "../../src/core/ports/council.ts";
import type { Voice } from "../../src/core/voice.ts";
import { type CouncilTask, type TestName, variantsOf } from "./task.ts";

/** Chances from 0 to 1. */
export interface Skill {
  readonly name: string;
  /** A change is the right one. */
  readonly right: number;
  /** A test is a right one. */
  readonly test: number;
  /** A judge finds the right change where it is shown. */
  readonly judge: number;
  /** A voice repeats the draw of its model, whose error is the tempting one. */
  readonly coupling: number;
  /** Models that answer in turn. */
  readonly models: number;
}

/** A number from 0 to 1 that depends on these words alone. */
export function chance(...words: readonly (string | number)[]): number {
  return Number.parseInt(sha256(words.join("/")).slice(0, 12), 16) / 2 ** 48;
}

const pick = <T>(items: readonly T[], at: number) => items[Math.floor(at * items.length)] as T;
const BYTES_PER_TOKEN = 3.5;
export const tokensOf = (text: string) => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);

export interface Casting {
  readonly task: CouncilTask;
  readonly skill: Skill;
  readonly seed: number;
}

/** Name of the change that a voice makes of the task: `reference` or the class of a mutant. */
export function changeBy({ task, skill, seed }: Casting, voice: string, group: string, round: string): string {
  const repeats = chance(seed, task.name, voice, round, "repeats") < skill.coupling;
  const key = repeats ? `model ${group}` : `${voice} ${round}`;
  if (chance(seed, task.name, key, "change") < skill.right) return "reference";
  return repeats ? "misreading" : pick([...task.mutants.keys()], chance(seed, task.name, key, "which"));
}

function testBy({ task, skill, seed }: Casting, voice: string, group: string, round: string): TestName {
  const repeats = chance(seed, task.name, voice, round, "repeats a test") < skill.coupling;
  const key = repeats ? `model ${group}` : `${voice} ${round}`;
  if (chance(seed, task.name, key, "test") < skill.test) return "right";
  return repeats
    ? "misreading"
    : pick(["misreading", "junk", "hostile"] as const, chance(seed, task.name, key, "kind"));
}

/** What a voice hands in for a change: a whole file, as small models do. */
export function patchOf({ task }: Casting, change: string): object {
  const replace = variantsOf(task).get(change) ?? task.reference;
  const at = [...variantsOf(task).keys()].indexOf(change);
  return {
    approach: "change",
    position: `Reading ${at} of the task.`,
    edits: [{ path: task.path, find: "", replace }],
  };
}

export function scriptedVoices(casting: Casting, roster: readonly Voice[]): VoicePort {
  const { skill } = casting;
  const group = ({ id }: Voice) => `model-${roster.findIndex((voice) => voice.id === id) % skill.models}`;
  const last = new Map<string, string>();
  return {
    group,
    width: 4,
    tokens: tokensOf,
    async ask(call): Promise<VoiceReply> {
      const text = JSON.stringify(sayingOf(casting, call, group(call.voice)));
      const whole = call.system + call.prefix + call.tail;
      const input = tokensOf(whole);
      const cached = Math.floor(common(whole, last.get(group(call.voice)) ?? "") / BYTES_PER_TOKEN);
      last.set(group(call.voice), whole);
      const usage = { input, cached, output: tokensOf(text), source: "reported" as const };
      return { status: "ok", text, group: group(call.voice), usage, ms: 0 };
    },
  };
}

function sayingOf(casting: Casting, call: VoiceCall, group: string): object {
  const { task, skill, seed } = casting;
  const { voice, key } = call;
  const round = key.split("/")[0] ?? "";
  if (round.startsWith("judge")) return ballotOf(casting, call);
  const test = () => {
    const content = task.tests[testBy(casting, voice.id, group, round)];
    return { title: "a test of the task", path: "voice.check.ts", content, command: "node voice.check.ts" };
  };
  if (round === "separate") {
    const { title: _, ...rest } = test();
    return rest;
  }
  if (round === "write") {
    const able = chance(seed, task.name, voice.id, "write") < skill.right;
    const replace = able ? task.reference : (task.mutants.get("misreading") ?? task.base);
    return { position: "mended", edits: [{ path: task.path, find: "", replace }] };
  }
  const proposes = voice.yields.includes("proposal") || round === "revise";
  return {
    ...(proposes ? { ...patchOf(casting, changeBy(casting, voice.id, group, round)), confidence: 0.8 } : {}),
    ...(voice.yields.includes("claims") && round !== "revise" ? { claims: [] } : {}),
    ...(voice.yields.includes("checks") && round !== "revise" ? { checks: [test()] } : {}),
  };
}

/** The right one where it is shown and found; else the first that was read, or the tempting one. */
function ballotOf({ task, skill, seed }: Casting, { voice, key, prefix, tail }: VoiceCall): object {
  const variants = [...variantsOf(task).keys()];
  const shown = [...prefix.matchAll(/<proposal id="([A-Z])">\nReading (\d+) of the task/g)].map(
    ([, label = "", at]) => ({
      label,
      change: variants[Number(at)] ?? "",
    }),
  );
  const [first = "A"] = /order: ([A-Z])/.exec(tail)?.slice(1) ?? [];
  const labelOf = (wanted: string) => shown.find(({ change }) => change === wanted)?.label;
  const sees = chance(seed, task.name, voice.id, key, "sees") < skill.judge;
  const tempted = chance(seed, task.name, voice.id, key, "tempted") < 0.5;
  const choice = (sees ? labelOf("reference") : undefined) ?? (tempted ? labelOf("misreading") : undefined) ?? first;
  return { choice, reason: "By what ran.", confidence: 0.7 };
}

function common(a: string, b: string): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}
