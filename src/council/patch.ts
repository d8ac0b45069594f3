/** Questions that code answers: blind patches, run against the repository's checks and against those that voices wrote. */
import { fenced } from "../base/fenced.ts";
import type { CouncilDecision, CouncilOption, OptionId, StopReason } from "../core/council.ts";
import type { CopyPort, FileEdit } from "../core/ports/council.ts";
import { type Answer, askVoices } from "./ask-voices.ts";
import { type Candidate, createCandidates, type Patch } from "./candidates.ts";
import { claimsOf } from "./claims.ts";
import { decide } from "./decide.ts";
import type { Finding } from "./deliberate.ts";
import { Evidence, gatesOf, writtenChecks } from "./evidence.ts";
import { contributionForm } from "./forms.ts";
import { judge } from "./judge.ts";
import type { Member } from "./plan.ts";
import { readText } from "./prompts.ts";
import { CONTRIBUTION_TOKENS, inOrder, inputFor, type Search, stand, tailLines } from "./search.ts";
import type { Sitting } from "./sitting.ts";
import { isSure } from "./stops.ts";
import { synthesise } from "./synthesise.ts";

export interface PatchFinding extends Finding {
  readonly evidence: Evidence;
  readonly ids: readonly OptionId[];
  readonly edits?: readonly FileEdit[];
  readonly synthesis?: string;
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
  const synthesised = winner && sitting.plan.synthesis !== false ? await synthesise(search, winner) : undefined;
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
    if (decision.outcome === "decided" && !plan.wholeRungs && isSure(decision, plan.risk)) return "posterior";
  }
  return "all-asked";
}

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
