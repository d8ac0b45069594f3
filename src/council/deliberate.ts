/** Questions that words answer: options that are given, or blind proposals that all then rank. */
import type { Ballot, Claim, CouncilOption, StopReason } from "../core/council.ts";
import { type Answer, askVoices } from "./ask-voices.ts";
import { type BallotFacts, ballotsOf } from "./ballots.ts";
import { claimsOf } from "./claims.ts";
import { type DecideInput, decide } from "./decide.ts";
import { choiceForm, contributionForm, POSITION_FORM, rankingForm } from "./forms.ts";
import { labelsOf, rotation } from "./labels.ts";
import { nearCopies } from "./near-copies.ts";
import { addressesJudges, neutral } from "./neutral.ts";
import type { Member } from "./plan.ts";
import { proposalsText, readText } from "./prompts.ts";
import type { Sitting } from "./sitting.ts";
import { stopAfter } from "./stops.ts";

/** What a kind of question comes to; the report is made of it. */
export interface Finding {
  readonly input: DecideInput;
  readonly options: readonly CouncilOption[];
  readonly claims: readonly Claim[];
  readonly stop: StopReason;
}

const BALLOT_TOKENS = 160;
const POSITION_TOKENS = 700;
/** Blind proposals: more cost more output than they bring. */
const MOST_PROPOSALS = 4;

/** The person's own options: each voice chooses one by its letter. */
export async function chooseOption(sitting: Sitting): Promise<Finding> {
  const { plan } = sitting;
  const labels = labelsOf(plan.options ?? []);
  const names = [...labels.keys()];
  const options = [...labels.values()];
  const facts: BallotFacts = { members: plan.members, labels, own: () => undefined, hostile: new Set() };
  const result = await climb(sitting, {
    round: "choose",
    inputOf: (answers) => inputOf(sitting, options, ballotsOf(answers, facts)),
    ask: (members, enough, round) =>
      askVoices(sitting, members, {
        round,
        stage: "choose",
        form: () => choiceForm(names),
        maxTokens: BALLOT_TOKENS,
        order: (member) => rotation(names, plan.members.indexOf(member)),
        enough,
      }),
  });
  const shown = [...labels].map(([label, option]) => ({ id: option, label, text: option, authors: [] }));
  return { ...result, options: shown, claims: [] };
}

/** Nobody gave options: a few voices answer blind, near-copies become one, and all rank what is left. */
export async function rankProposals(sitting: Sitting): Promise<Finding> {
  const { plan } = sitting;
  const proposers = proposersOf(plan.members);
  const { answers, stop } = await askVoices(sitting, proposers, {
    round: "propose",
    stage: proposers.every(({ voice }) => voice.yields.includes("proposal")) ? "propose" : "position",
    form: ({ voice }) => (voice.yields.includes("proposal") ? contributionForm(voice, "rank") : POSITION_FORM),
    maxTokens: POSITION_TOKENS,
    share: 0.5,
    inTurn: true,
    extra: (_member, read) => readText(read),
  });
  const claims = claimsOf(answers, plan.members, "propose");
  const given = answers.flatMap(({ voice, value }) => {
    const { position = "", confidence } = (value ?? {}) as { position?: string; confidence?: number };
    return position.trim() === "" ? [] : [{ author: voice, text: position, confidence }];
  });
  const hostile = new Set(given.filter(({ text }) => addressesJudges(text)).map(({ author }) => author));
  const groups = nearCopies(given.map(({ text }) => text)).map((indexes) => indexes.flatMap((at) => given[at] ?? []));
  // The order of the letters is that of the texts, not of the authors.
  const options = groups
    .flatMap(([first, ...rest]) => (first ? [{ first, authors: [first, ...rest].map(({ author }) => author) }] : []))
    .toSorted((a, b) => (a.first.text < b.first.text ? -1 : 1))
    .map(({ first, authors }, at): CouncilOption => {
      return { id: first.author, label: String.fromCodePoint(65 + at), text: neutral(first.text), authors };
    });
  if (options.length < 2) {
    const ballots = given.map(({ author, confidence }) => ({
      voice: author,
      group: plan.members.find(({ voice }) => voice.id === author)?.group ?? "",
      choice: options[0]?.id ?? author,
      ...(confidence === undefined ? {} : { confidence }),
    }));
    const input = inputOf(
      sitting,
      options.map(({ id }) => id),
      ballots,
    );
    return { input, options, claims, stop: stop ?? "all-asked" };
  }
  const ranked = await rank(sitting, options, hostile);
  return { ...ranked, options, claims };
}

async function rank(sitting: Sitting, options: readonly CouncilOption[], hostile: ReadonlySet<string>) {
  const { plan } = sitting;
  const labels = labelsOf(options.map(({ id }) => id));
  const own = (voice: string) => options.find(({ authors }) => authors.includes(voice))?.id;
  const facts: BallotFacts = { members: plan.members, labels, own, hostile };
  const names = [...labels.keys()];
  return climb(sitting, {
    round: "rank",
    inputOf: (answers) => inputOf(sitting, [...labels.values()], ballotsOf(answers, facts)),
    ask: (members, enough, round) =>
      askVoices(sitting, members, {
        round,
        stage: "rank",
        form: () => rankingForm(names),
        maxTokens: BALLOT_TOKENS,
        shared: proposalsText(options),
        order: (member) => rotation(names, plan.members.indexOf(member)),
        enough,
      }),
  });
}

/** Those whose duty it is; where too few have it, the first of the others as well. */
function proposersOf(members: readonly Member[]): readonly Member[] {
  const dutiful = members.filter(({ voice }) => voice.yields.includes("proposal"));
  const others = members.filter((member) => !dutiful.includes(member));
  return [...dutiful, ...others].slice(
    0,
    Math.max(Math.min(dutiful.length, MOST_PROPOSALS), Math.min(3, members.length)),
  );
}

interface Climb {
  readonly round: string;
  readonly inputOf: (answers: readonly Answer[]) => DecideInput;
  readonly ask: (
    members: readonly Member[],
    enough: (answers: readonly Answer[], outstanding: readonly Member[]) => StopReason | undefined,
    round: string,
  ) => ReturnType<typeof askVoices>;
}

/** Rung by rung: deeper rungs keep what shallower ones heard. */
async function climb(
  sitting: Sitting,
  { round, inputOf, ask }: Climb,
): Promise<{ input: DecideInput; stop: StopReason }> {
  const { plan } = sitting;
  const voters = plan.members.filter(({ voice }) => voice.votes);
  const heard: Answer[] = [];
  let input = inputOf(heard);
  for (const rung of plan.rungs) {
    const asked = voters.slice(0, rung);
    const fresh = asked.filter(({ voice }) => !heard.some((answer) => answer.voice === voice.id));
    if (fresh.length === 0) continue;
    const later = voters.slice(rung);
    const enough = (answers: readonly Answer[], outstanding: readonly Member[]) =>
      stopAfter(plan, inputOf([...heard, ...answers]), [...outstanding, ...later]);
    const { answers, stop } = await ask(fresh, enough, `${round}-${rung}`);
    heard.push(...answers);
    input = inputOf(heard);
    if (stop !== undefined) return { input, stop };
    if (decide(input).outcome === "decided" && later.length > 0) {
      const done = stopAfter(plan, input, later);
      if (done !== undefined) return { input, stop: done };
    }
  }
  return { input, stop: "all-asked" };
}

export function inputOf(sitting: Sitting, options: readonly string[], ballots: readonly Ballot[]): DecideInput {
  const { plan } = sitting;
  const { kind, id, domain, risk, rule, weights, seed } = plan;
  const request = {
    kind,
    id,
    risk,
    ...(domain === undefined ? {} : { domain }),
    ...(rule === undefined ? {} : { rule }),
  };
  const domains = Object.fromEntries(plan.members.map(({ voice }) => [voice.id, voice.domain]));
  return { request, options, ballots, weights, seed, domains };
}
