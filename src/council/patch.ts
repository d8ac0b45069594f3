/** Questions that code answers: blind patches, run against the repository's checks and against those that voices wrote. */

import { fenced } from "../base/fenced.ts";
import { oneLine } from "../base/text.ts";
import type {
  Ballot,
  Claim,
  CouncilDecision,
  CouncilOption,
  OptionId,
  RiskLevel,
  StopReason,
} from "../core/council.ts";
import type { CopyPort, FileEdit } from "../core/ports/council.ts";
import { type Answer, askVoices } from "./ask-voices.ts";
import { ballotsOf } from "./ballots.ts";
import { type Candidate, type Candidates, createCandidates, type Patch } from "./candidates.ts";
import { claimsOf } from "./claims.ts";
import { type DecideInput, decide } from "./decide.ts";
import { type Finding, inputOf } from "./deliberate.ts";
import { type Checking, checkOf, Evidence, gatesOf, writtenChecks } from "./evidence.ts";
import { CHECK_FORM, choiceForm, contributionForm, EDITS_FORM } from "./forms.ts";
import { labelsOf, rotation } from "./labels.ts";
import { addressesJudges, neutral } from "./neutral.ts";
import type { Member } from "./plan.ts";
import { proposalsText, readText, type Shown } from "./prompts.ts";
import type { Sitting } from "./sitting.ts";
import { stopAfter } from "./stops.ts";

const CONTRIBUTION_TOKENS = 1_600;
const BALLOT_TOKENS = 160;
/** Belief in a patch from which no judge is asked. */
const PROVEN = 0.9;
/** The two best are this close: a test that tells them apart is worth a call. */
const CLOSE = 0.25;
const FINDING_LINES = 6;

export interface PatchFinding extends Finding {
  readonly evidence: Evidence;
  readonly ids: readonly OptionId[];
  readonly edits?: readonly FileEdit[];
  readonly synthesis?: string;
}

/** The state of one search for a patch. */
interface Search {
  readonly sitting: Sitting;
  readonly candidates: Candidates;
  readonly evidence: Evidence;
  readonly refused: Map<OptionId, { readonly patch: Patch; readonly problem: string }>;
  readonly hostile: Set<string>;
  claims: Claim[];
  ballots: Ballot[];
}

export async function findPatch(sitting: Sitting, port: CopyPort): Promise<PatchFinding> {
  await using candidates = createCandidates(sitting, port);
  const search: Search = {
    sitting,
    candidates,
    evidence: new Evidence(vetoers(sitting.plan.members)),
    refused: new Map(),
    hostile: new Set(),
    claims: [],
    ballots: [],
  };
  const stop = await climb(search);
  const input = inputFor(search);
  const winner = winnerOf(search, decide(input));
  // What one writer makes of the winner is judged by what ran, and does not stand for election.
  const ids = candidates.all.map(({ id }) => id);
  const options = optionsOf(search);
  const synthesised = winner ? await synthesise(search, winner) : undefined;
  return {
    input,
    options,
    claims: search.claims,
    stop,
    evidence: search.evidence,
    ids,
    ...(winner ? { edits: synthesised?.edits ?? winner.patches[0]?.edits ?? [] } : {}),
    ...(synthesised ? { synthesis: synthesised.told } : {}),
  };
}

/** Whose findings stand in the way of a patch, once a run shows them. */
function vetoers(members: readonly Member[]): ReadonlySet<string> {
  return new Set(members.flatMap(({ voice }) => (voice.domain === "security" ? [voice.id] : [])));
}

/** Rung by rung until the evidence is enough. */
async function climb(search: Search): Promise<StopReason> {
  const { sitting } = search;
  const { plan } = sitting;
  let revised = false;
  let asked = 0;
  for (const [index, rung] of plan.rungs.entries()) {
    const fresh = plan.members.slice(asked, rung).filter(({ voice }) => voice.yields.length > 0);
    asked = Math.max(asked, rung);
    const stop = await contribute(search, fresh, `propose-${rung}`);
    if (isProven(search)) return plan.risk === "irreversible" ? "all-asked" : "gate";
    const last = index === plan.rungs.length - 1 || stop !== undefined;
    if (!revised && last && gatesFail(search)) {
      revised = true;
      await revise(search);
    }
    if (last) return stop ?? (await judge(search, plan.members.slice(0, asked)));
    const decision = decide(inputFor(search));
    if (decision.outcome === "decided" && !plan.wholeRungs && surely(decision, plan.risk)) return "posterior";
  }
  return "all-asked";
}

const STOP_AT: Readonly<Record<RiskLevel, number>> = { low: 0.8, medium: 0.9, high: 0.95, irreversible: 2 };
const surely = ({ winner, posterior }: CouncilDecision, risk: RiskLevel) =>
  winner !== undefined && (posterior[winner] ?? 0) >= STOP_AT[risk];

/** Blind: nobody sees a patch before all are in, nor does who writes the tests. */
async function contribute(search: Search, members: readonly Member[], round: string): Promise<StopReason | undefined> {
  const { sitting } = search;
  const { answers, stop } = await askVoices(sitting, members, {
    round,
    stage: "propose",
    form: ({ voice }) => contributionForm(voice, "patch"),
    maxTokens: CONTRIBUTION_TOKENS,
    share: 0.6,
    inTurn: true,
    extra: (_member, read) => readText(read),
  });
  search.claims = [...search.claims, ...claimsOf(answers, sitting.plan.members, round)];
  await stand(search, patchesOf(answers, ""));
  const { evidence, candidates } = search;
  await evidence.gather(candidates, [...gatesOf(search.sitting.plan.checks), ...writtenChecks(answers, round)]);
  return stop;
}

function patchesOf(answers: readonly Answer[], suffix: string): Patch[] {
  return answers.flatMap(({ voice, group, value }): Patch[] => {
    const {
      edits = [],
      position = "",
      confidence,
    } = (value ?? {}) as { edits?: readonly FileEdit[]; position?: string; confidence?: number };
    if (edits.length === 0) return [];
    const sure = confidence === undefined ? {} : { confidence };
    return [{ id: `${voice}${suffix}`, author: voice, group, text: position, edits, ...sure }];
  });
}

async function stand(search: Search, patches: readonly Patch[]): Promise<readonly Candidate[]> {
  for (const { author, text, edits } of patches)
    if (addressesJudges([text, ...edits.map(({ replace }) => replace)].join("\n"))) search.hostile.add(author);
  const { fresh, refused } = await search.candidates.add(patches);
  for (const patch of patches) {
    const problem = refused.get(patch.id);
    if (problem !== undefined) search.refused.set(patch.id, { patch, problem });
  }
  return fresh;
}

function inputFor({ sitting, candidates, evidence, ballots, claims }: Search): DecideInput {
  const patches = candidates.all.flatMap((candidate) => candidate.patches.map((patch) => ({ candidate, patch })));
  const ids = candidates.all.map(({ id }) => id);
  const proposals = patches.map(({ candidate, patch: { id, author, group } }) => ({
    id,
    author,
    group,
    cluster: candidate.id,
  }));
  // The first of a cluster stands for it, in the evidence too.
  const options = [...ids, ...proposals.map(({ id }) => id).filter((id) => !ids.includes(id))];
  return { ...inputOf(sitting, options, ballots), proposals, claims, ...evidence.counted(ids) };
}

function winnerOf({ candidates }: Search, { winner, outcome }: CouncilDecision): Candidate | undefined {
  return outcome === "decided" ? candidates.all.find(({ id }) => id === winner) : undefined;
}

/** A gate that failed before passes now, or all gates pass and no check fails: the run is the second voice. */
function isProven(search: Search): boolean {
  const { sitting, candidates, evidence } = search;
  const tests = evidence.checks.filter(({ trust, kind }) => trust === "repo" && kind === "test");
  if (sitting.plan.wholeRungs || tests.length === 0 || candidates.all.length !== 1) return false;
  const decision = decide(inputFor(search));
  const id = candidates.all[0]?.id ?? "";
  const turned = tests.some(
    (test) => evidence.outcome(test.id, "base") === "fail" && evidence.outcome(test.id, id) === "pass",
  );
  const clean = evidence.checks.every((check) => {
    const silent = check.before === undefined && evidence.silent(check, [id]) !== undefined;
    return silent || evidence.outcome(check.id, id) === "pass";
  });
  return decision.outcome === "decided" && clean && (turned || sitting.plan.risk === "low");
}

/** Not one candidate passes the repository's own checks. */
function gatesFail({ candidates, evidence }: Search): boolean {
  const gates = evidence.checks.filter(({ trust }) => trust !== "generated");
  const ids = candidates.all.map(({ id }) => id);
  const telling = gates.filter((gate) => evidence.silent(gate, ids) === undefined);
  return telling.length > 0 && !ids.some((id) => telling.every((gate) => evidence.outcome(gate.id, id) === "pass"));
}

/** The one second round there is: whoever was refuted by a run sees that run, and nothing of the others. */
async function revise(search: Search): Promise<void> {
  const { sitting, candidates, evidence } = search;
  const authors = candidates.all.flatMap(({ id, patches: [first] }) => {
    const member = sitting.plan.members.find(({ voice }) => voice.id === first?.author);
    return member && first ? [{ id, member, diff: candidates.all.find((one) => one.id === id)?.diff ?? "" }] : [];
  });
  const { answers } = await askVoices(
    sitting,
    authors.map(({ member }) => member),
    {
      round: "revise",
      stage: "propose",
      form: ({ voice }) => contributionForm({ ...voice, yields: ["proposal"] }, "patch"),
      maxTokens: CONTRIBUTION_TOKENS,
      share: 0.5,
      extra: (member) => {
        const own = authors.find((author) => author.member === member);
        if (!own) return "";
        const failing = evidence.checks.filter(({ id }) => evidence.outcome(id, own.id) === "fail");
        const runs = failing.map(({ id, run }) => `$ ${run.command}\n${tailLines(evidence.output(id, own.id), 20)}`);
        const inside = (data: string) => fenced(data, ["your-patch", "run"], true);
        return `\n<your-patch>\n${inside(own.diff)}\n</your-patch>\n<run>\n${inside(runs.join("\n"))}\n</run>\nThe patch above is not applied. Hand in one that passes, against the files as they are.\n`;
      },
    },
  );
  await stand(search, patchesOf(answers, "/2"));
  await evidence.gather(candidates, gatesOf(sitting.plan.checks));
}

/** A test that tells the two best apart, then ballots with what ran in view; only where the evidence leaves it open. */
async function judge(search: Search, members: readonly Member[]): Promise<StopReason> {
  const { sitting, candidates } = search;
  const open = () => {
    const { winner, posterior } = decide(inputFor(search));
    return candidates.all.length > 1 && (winner === undefined || (posterior[winner] ?? 0) < PROVEN);
  };
  if (!open()) return "all-asked";
  await separate(search, members);
  if (!open()) return "all-asked";
  const voters = members.filter(({ voice }) => voice.votes);
  const two = candidates.all.length === 2;
  const order = inOrder(candidates);
  const labels = labelsOf(order.map(({ id }) => id));
  const names = [...labels.keys()];
  const own = (voice: string) => order.find(({ patches }) => patches.some(({ author }) => author === voice))?.id;
  const facts = { members: sitting.plan.members, labels, own, hostile: search.hostile };
  const shared = proposalsText(order.map((candidate, at) => shownOf(search, candidate, names[at] ?? "")));
  const ask = (asked: readonly Member[], round: string, orderOf: (member: Member) => readonly string[]) =>
    askVoices(sitting, asked, {
      round,
      stage: "judge",
      form: () => choiceForm(names),
      maxTokens: BALLOT_TOKENS,
      shared,
      order: orderOf,
      ...(two
        ? {}
        : {
            enough: (answers: readonly Answer[], outstanding: readonly Member[]) =>
              stopAfter(sitting.plan, { ...inputFor(search), ballots: ballotsOf(answers, facts) }, outstanding),
          }),
    });
  if (!two) {
    const { answers, stop } = await ask(voters, "judge", (member) =>
      rotation(names, sitting.plan.members.indexOf(member)),
    );
    search.ballots = ballotsOf(answers, facts);
    return stop ?? "all-asked";
  }
  const three = voters.slice(0, 3);
  const there = await ask(three, "judge-ab", () => names);
  const back = await ask(three, "judge-ba", () => names.toReversed());
  search.ballots = consistent(ballotsOf(there.answers, facts), ballotsOf(back.answers, facts));
  return there.stop ?? back.stop ?? "all-asked";
}

/** Verdicts that the order of reading turns are no verdicts. */
function consistent(there: readonly Ballot[], back: readonly Ballot[]): Ballot[] {
  return there.map((ballot) => {
    const other = back.find(({ voice }) => voice === ballot.voice);
    if (ballot.status !== "ok" || other?.status !== "ok" || other.choice === ballot.choice) return ballot;
    return { ...ballot, status: "refused", flag: "its verdict turned with the order of reading" };
  });
}

async function separate(search: Search, members: readonly Member[]): Promise<void> {
  const { sitting, candidates, evidence } = search;
  const { posterior } = decide(inputFor(search));
  const [first, second] = candidates.all.toSorted((a, b) => (posterior[b.id] ?? 0) - (posterior[a.id] ?? 0));
  const tester =
    members.find(({ voice }) => voice.domain === "tests") ??
    members.find(({ voice }) => voice.yields.includes("checks"));
  if (!first || !second || !tester) return;
  if (Math.abs((posterior[first.id] ?? 0) - (posterior[second.id] ?? 0)) > CLOSE) return;
  const shown = [first, second]
    .toSorted((a, b) => (a.diff < b.diff ? -1 : 1))
    .map((candidate, at) => shownOf(search, candidate, at === 0 ? "A" : "B"));
  const { answers } = await askVoices(sitting, [tester], {
    round: "separate",
    stage: "separate",
    form: () => CHECK_FORM,
    maxTokens: CONTRIBUTION_TOKENS,
    shared: proposalsText(shown),
    order: () => ["A", "B"],
  });
  const [answer] = answers;
  if (answer?.status !== "ok") return;
  const check = checkOf(
    { ...(answer.value as object), title: "tells the two best apart" },
    { voice: tester.voice.id, id: "separate/1" },
  );
  await evidence.gather(candidates, check);
}

/** A patch as judges see it: what it changes and what running it showed, never who wrote it. */
function shownOf({ evidence }: Search, { id, diff, patches: [first] }: Candidate, label: string): Shown {
  const findings = evidence.checks.flatMap((check) => {
    const outcome = evidence.outcome(check.id, id);
    if (outcome === undefined) return [];
    const said = outcome === "fail" ? `\n${neutral(tailLines(evidence.output(check.id, id), FINDING_LINES))}` : "";
    const by = check.trust === "generated" ? "test by a voice" : "repository";
    return [`${by}: ${neutral(oneLine(check.title, 120))}: ${outcome}${said}`];
  });
  return { label, text: `${neutral(first?.text ?? "")}\n${neutral(diff)}`, findings };
}

/** One writer mends what a valid check still finds in the winner; what it breaks is not kept. */
async function synthesise(
  search: Search,
  winner: Candidate,
): Promise<{ readonly edits?: readonly FileEdit[]; readonly told: string } | undefined> {
  const { sitting, candidates, evidence } = search;
  const others = candidates.all.filter(({ id }) => id !== winner.id);
  const open = evidence.checks.filter(
    ({ id }) =>
      evidence.outcome(id, winner.id) === "fail" && others.some((other) => evidence.outcome(id, other.id) === "pass"),
  );
  const writer = sitting.plan.members.find(({ voice }) => voice.id === winner.patches[0]?.author);
  if (open.length === 0 || !writer) return undefined;
  const findings = open.map((check) => `${check.title}: fail\n${tailLines(evidence.output(check.id, winner.id), 12)}`);
  const { answers } = await askVoices(sitting, [writer], {
    round: "write",
    stage: "write",
    form: () => EDITS_FORM,
    maxTokens: CONTRIBUTION_TOKENS,
    shared: proposalsText([{ label: "A", text: winner.diff, findings }]),
    order: () => ["A"],
  });
  const { edits: more = [] } = (answers[0]?.value ?? {}) as { edits?: readonly FileEdit[] };
  if (more.length === 0) return { told: "the writer handed in nothing: the winner stays as it is" };
  const edits = [...(winner.patches[0]?.edits ?? []), ...more];
  const group = winner.patches[0]?.group ?? "";
  const [whole] = await stand(search, [{ id: "synthesis", author: writer.voice.id, group, text: "", edits }]);
  if (!whole) return { told: "what the writer made of it does not apply: the winner stays as it is" };
  await evidence.gather(candidates, []);
  const passed = (id: string, on: string) => evidence.outcome(id, on) === "pass";
  const kept = evidence.checks.every(({ id }: Checking) => !passed(id, winner.id) || passed(id, whole.id));
  const mended = open.filter(({ id }) => passed(id, whole.id)).length;
  if (!kept || mended === 0) return { told: "what the writer made of it passes less: the winner stays as it is" };
  return {
    edits,
    told: `one writer mended ${mended} of ${open.length} findings, and everything that passed passes again`,
  };
}

/** The order in which patches have their letters, for judges and for people: not that of their authors. */
function inOrder({ all }: Candidates): readonly Candidate[] {
  return all.toSorted((a, b) => (a.diff < b.diff ? -1 : 1));
}

function optionsOf({ candidates, refused }: Search): CouncilOption[] {
  const standing = inOrder(candidates).map(({ id, patches, diff }, at): CouncilOption => {
    const label = String.fromCodePoint(65 + at);
    return {
      id,
      label,
      text: patches[0]?.text ?? "",
      authors: patches.map(({ author }) => author),
      diff,
      edits: patches[0]?.edits ?? [],
    };
  });
  const others = [...refused.values()].map(({ patch, problem }): CouncilOption => {
    return { id: patch.id, label: "-", text: patch.text, authors: [patch.author], problem };
  });
  return [...standing, ...others];
}

function tailLines(text: string, most: number): string {
  return text.trimEnd().split("\n").slice(-most).join("\n");
}
