/** Synthetic voices: worlds A (answers), B (rankings) and C (patches) of the council's simulation, rebuilt from their descriptions. */
import type {
  Ballot,
  CouncilCheck,
  CouncilEvidence,
  CouncilOutcome,
  CouncilProposal,
  CouncilQuestion,
} from "../../src/core/council.ts";
import { type Random, random } from "./random.ts";

/** One task with its hidden truth. */
export interface Case {
  readonly request: CouncilQuestion;
  readonly options: readonly string[];
  readonly proposals: readonly CouncilProposal[];
  readonly checks: readonly CouncilCheck[];
  readonly ballots: readonly Ballot[];
  readonly evidence: readonly CouncilEvidence[];
  readonly truth: string;
  /** Options that count as right. */
  readonly right: ReadonlySet<string>;
}

export interface World {
  readonly name: string;
  readonly kind: "answers" | "ranking" | "evidence";
  make(dice: Random): Case;
}

export function casesOf(world: World, seed: number, count: number): Case[] {
  const dice = random(seed);
  return Array.from({ length: count }, () => world.make(dice));
}

export function recordOf(cases: readonly Case[]): CouncilOutcome[] {
  return cases.map(({ request, options, ballots, truth, evidence }) => ({
    kind: request.kind,
    ...(request.domain === undefined ? {} : { domain: request.domain }),
    options,
    truth,
    ballots,
    ...(evidence.length > 0 ? { evidence } : {}),
  }));
}

const logit = (p: number) => Math.log(p / (1 - p));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const letters = (count: number) => Array.from({ length: count }, (_, n) => `o${n}`);

interface Speaker {
  readonly id: string;
  readonly group: string;
  readonly skill: (domain: number) => number;
  readonly hostile?: boolean;
}

interface AnswerWorld {
  readonly voices: readonly Speaker[];
  readonly coupling?: number;
  readonly options?: number;
  /** Chance that an error falls on the tempting option. */
  readonly trap?: number;
  readonly lost?: number;
  readonly domains?: number;
}

const HARDNESS = 1;
const SIGNAL = 0.6;

function answerWorld(name: string, world: AnswerWorld): World {
  const { voices, coupling = 0, options: size = 4, trap = 0.5, lost = 0, domains = 1 } = world;
  return {
    name,
    kind: "answers",
    make(dice) {
      const options = letters(size);
      const truth = dice.below(size);
      const tempting = (truth + 1 + dice.below(size - 1)) % size;
      const shift = HARDNESS * dice.normal();
      const domain = dice.below(domains);
      const draw = (skill: number) => {
        if (dice.next() < sigmoid(logit(skill) + shift)) return truth;
        if (dice.next() < trap) return tempting;
        for (;;) {
          const other = dice.below(size);
          if (other !== truth && (other !== tempting || size === 2)) return other;
        }
      };
      const shared = new Map<string, number>();
      for (const { group, skill } of voices) if (!shared.has(group)) shared.set(group, draw(skill(domain)));
      const said = voices.map(({ group, skill, hostile }) =>
        hostile ? tempting : dice.next() < coupling ? (shared.get(group) ?? truth) : draw(skill(domain)),
      );
      const ballots = voices.flatMap(({ id, group }, index): Ballot[] => {
        const choice = said[index] ?? 0;
        const confidence = sigmoid(SIGNAL * (choice === truth ? 1 : 0) + dice.normal());
        const others = Object.fromEntries(
          options.map((option, at) => [option, (at === choice ? 0.4 : 0.6 / (size - 1)) + 0.05 * dice.next()]),
        );
        if (dice.next() < lost) return [{ voice: id, group, status: "timeout" }];
        return [{ voice: id, group, choice: options[choice] ?? "", confidence, predicted: others, shown: options }];
      });
      return {
        request: { kind: "answer", risk: "low", domain: `d${domain}` },
        options,
        proposals: [],
        checks: [],
        ballots,
        evidence: [],
        truth: options[truth] ?? "",
        right: new Set([options[truth] ?? ""]),
      };
    },
  };
}

const ten = (
  skill: (index: number) => (domain: number) => number,
  group: (index: number) => string,
  hostile = 0,
): Speaker[] =>
  Array.from({ length: 10 }, (_, n) => ({
    id: `v${n}`,
    group: group(n),
    skill: skill(n),
    ...(n < hostile ? { hostile: true } : {}),
  }));
const same = (value: number) => () => () => value;
const own = (n: number) => `g${n}`;
const one = () => "g";

export const ANSWERS: readonly World[] = [
  answerWorld("A1", { voices: ten(same(0.65), own) }),
  answerWorld("A2", { voices: ten((n) => () => 0.45 + (0.4 * n) / 9, own) }),
  answerWorld("A3", { voices: ten(same(0.65), one), coupling: 0.5 }),
  answerWorld("A4", { voices: ten(same(0.65), one), coupling: 0.8 }),
  answerWorld("A5", {
    voices: ten(
      (n) => () => (n < 7 ? 0.55 : 0.78),
      (n) => (n < 7 ? "weak" : "better"),
    ),
    coupling: 0.7,
  }),
  answerWorld("A6", { voices: ten(same(0.65), own, 3) }),
  answerWorld("A7", { voices: ten((n) => (domain) => (n % 5 === domain ? 0.88 : 0.5), own), domains: 5 }),
  answerWorld("A8", { voices: ten(same(0.42), own), trap: 0.9 }),
  answerWorld("A9", { voices: ten(same(0.5), one), coupling: 0.4, options: 30 }),
  answerWorld("A10", { voices: ten(same(0.65), one), coupling: 0.5, lost: 0.25 }),
];

interface RankWorld {
  readonly noise?: number;
  readonly shared?: number;
  readonly position?: "none" | "shared" | "own" | "rotated";
  readonly selfish?: number;
  readonly backwards?: number;
  readonly colluding?: number;
  readonly partial?: boolean;
  readonly clones?: boolean;
}

const POSITION = 0.8;

function rankWorld(name: string, world: RankWorld): World {
  const { noise = 1.3, shared = 0.35, position = "none", selfish = 0, backwards = 0, colluding = 0 } = world;
  const groups = shared > 0.8 ? 1 : 4;
  return {
    name,
    kind: "ranking",
    make(dice) {
      const options = letters(5);
      const quality = options.map(() => dice.normal());
      if (world.clones) {
        const idea = -0.3 + 0.2 * dice.normal();
        for (const at of [0, 1, 2]) quality[at] = idea + 0.02 * dice.normal();
      }
      const best = quality.indexOf(Math.max(...quality));
      const worst = quality.indexOf(Math.min(...quality));
      const groupNoise = Array.from({ length: groups }, () => options.map(() => shared * dice.normal()));
      const common = dice.shuffled(options.map((_, at) => at));
      const ballots = Array.from({ length: 10 }, (_, n): Ballot => {
        const order =
          position === "own"
            ? dice.shuffled(common)
            : position === "rotated"
              ? common.map((_, at) => common[(at + n) % 5] ?? 0)
              : common;
        const mine = world.selfish ? (n < 4 ? 0 : n < 7 ? 1 : n < 8 ? 2 : n < 9 ? 3 : 4) : n % 5;
        const cloneNoise = noise * dice.normal();
        const seen = quality.map((value, at) => {
          const error = world.clones && at < 3 ? cloneNoise + 0.1 * dice.normal() : noise * dice.normal();
          const place = order.indexOf(at);
          const bias = position === "none" ? 0 : POSITION * (place === 0 ? 1 : place === 4 ? -1 : 0);
          return value + error + (groupNoise[n % groups]?.[at] ?? 0) + bias + (at === mine ? selfish : 0);
        });
        if (n < colluding) seen[worst] = 99;
        const ranked = seen
          .map((value, at) => ({ value, at }))
          .toSorted((a, b) => b.value - a.value)
          .map(({ at }) => options[at] ?? "");
        if (n < backwards) ranked.reverse();
        const ranking = world.partial && n % 2 === 0 ? ranked.slice(0, 2) : ranked;
        return {
          voice: `v${n}`,
          group: `g${n % groups}`,
          ranking,
          shown: order.map((at) => options[at] ?? ""),
          own: options[mine] ?? "",
        };
      });
      return {
        request: { kind: "rank", risk: "low" },
        options,
        proposals: options.map((id, at) => ({ id, author: `v${at}`, group: `g${at % groups}` })),
        checks: [],
        ballots,
        evidence: [],
        truth: options[best] ?? "",
        right: new Set([options[best] ?? ""]),
      };
    },
  };
}

export const RANKINGS: readonly World[] = [
  rankWorld("B1", {}),
  rankWorld("B2", { shared: 1 }),
  rankWorld("B3", { position: "shared" }),
  rankWorld("B4", { position: "own" }),
  rankWorld("B5", { position: "rotated" }),
  rankWorld("B6", { selfish: 1.5 }),
  rankWorld("B7", { backwards: 3 }),
  rankWorld("B8", { colluding: 3 }),
  rankWorld("B9", { partial: true }),
  rankWorld("B10", { clones: true }),
];

const PATCH_HARDNESS = 1.2;
const PATCH_COUPLING = 0.5;

interface PatchWorld {
  readonly right?: number;
  readonly patches?: number;
  readonly tests?: number;
  readonly valid?: number;
  readonly misread?: number;
  /** Chance that the suite catches a wrong class; undefined: no suite. */
  readonly suite?: number | undefined;
  readonly judges?: number;
  readonly sees?: number;
  readonly first?: number;
  readonly sharedJudges?: number;
  readonly hostile?: number;
}

function patchWorld(name: string, world: PatchWorld): World {
  const {
    right = 0.4,
    patches = 6,
    tests = 6,
    valid = 0.75,
    misread = 0.5,
    judges = 6,
    sees = 0.5,
    first = 0.25,
    sharedJudges = 0,
    hostile = 0,
  } = world;
  const suite = "suite" in world ? world.suite : 0.35;
  return {
    name,
    kind: "evidence",
    make(dice) {
      const shift = PATCH_HARDNESS * dice.normal();
      // Class 0 is right, 1 the tempting bug, others are bugs of their own.
      const draw = () =>
        dice.next() < sigmoid(logit(right) + shift) ? 0 : dice.next() < misread ? 1 : 2 + dice.below(4);
      const shared = draw();
      const classes = Array.from({ length: patches }, (_, n) =>
        n < hostile ? 1 : dice.next() < PATCH_COUPLING ? shared : draw(),
      );
      const options = letters(patches);
      const proposals = options.map((id, at) => ({ id, author: `v${at}`, group: "g", cluster: `c${classes[at]}` }));
      const present = [...new Set(classes)];
      const checks: CouncilCheck[] = [];
      const evidence: CouncilEvidence[] = [];
      const run = (id: string, passes: (kind: number) => boolean) => {
        const verdicts = new Map(present.map((kind) => [kind, passes(kind)]));
        for (const [at, option] of options.entries())
          evidence.push({ checkId: id, proposalId: option, outcome: verdicts.get(classes[at] ?? 0) ? "pass" : "fail" });
      };
      for (let n = 0; n < tests; n++) {
        checks.push({ id: `t${n}`, author: `v${n % patches}`, trust: "generated" });
        const bad = n < hostile || dice.next() >= valid;
        if (!bad) run(`t${n}`, (kind) => kind === 0 || dice.next() >= (kind === 1 ? 0.5 : 0.65));
        else if (n < hostile || dice.next() < Math.max(misread, 0.5))
          run(`t${n}`, (kind) => kind === 1 || (kind !== 0 && dice.next() < 0.3));
        else run(`t${n}`, () => dice.next() < 0.5);
      }
      if (suite !== undefined) {
        checks.push({ id: "suite", author: "repo", trust: "repo" });
        run("suite", (kind) => kind === 0 || dice.next() >= suite);
      }
      const judge = (order: readonly number[]) => {
        const good = classes.flatMap((kind, at) => (kind === 0 ? [at] : []));
        if (good.length > 0 && dice.next() < sees) return good[dice.below(good.length)] ?? 0;
        if (dice.next() < first / (1 - sees)) return order[0] ?? 0;
        const bugs = classes.flatMap((kind, at) => (kind === 1 ? [at] : []));
        return bugs.length > 0 ? (bugs[dice.below(bugs.length)] ?? 0) : dice.below(patches);
      };
      const common = judge(dice.shuffled(options.map((_, at) => at)));
      const ballots = Array.from({ length: judges }, (_, n): Ballot => {
        const order = dice.shuffled(options.map((_, at) => at));
        const hostileChoice = classes.indexOf(1);
        const choice =
          n < hostile && hostileChoice >= 0 ? hostileChoice : dice.next() < sharedJudges ? common : judge(order);
        return {
          voice: `v${n}`,
          group: "g",
          choice: options[choice] ?? "",
          shown: order.map((at) => options[at] ?? ""),
        };
      });
      const good = options.filter((_, at) => classes[at] === 0);
      return {
        request: { kind: "patch", risk: "low" },
        options,
        proposals,
        checks,
        ballots,
        evidence,
        truth: good[0] ?? "none",
        right: new Set(good),
      };
    },
  };
}

export const PATCHES: readonly World[] = [
  patchWorld("C1", {}),
  patchWorld("C2", { right: 0.2 }),
  patchWorld("C3", { right: 0.7 }),
  patchWorld("C4", { valid: 0.45 }),
  patchWorld("C5", { misread: 0.9 }),
  patchWorld("C6", { suite: 0.85 }),
  patchWorld("C7", { suite: undefined }),
  patchWorld("C8", { tests: 0 }),
  patchWorld("C9", { sees: 0.3, first: 0.5 }),
  patchWorld("C10", { patches: 2 }),
  patchWorld("C11", { sharedJudges: 0.7 }),
  patchWorld("C12", { hostile: 2 }),
];
