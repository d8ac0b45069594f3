/** Judges of patches: asked only where the evidence leaves it open, over what patches do, never over who wrote them. */
import type { Ballot, StopReason } from "../core/council.ts";
import { type Answer, askVoices } from "./ask-voices.ts";
import { ballotsOf } from "./ballots.ts";
import { decide } from "./decide.ts";
import { checkOf } from "./evidence.ts";
import { CHECK_FORM, choiceForm } from "./forms.ts";
import { labelsOf, rotation } from "./labels.ts";
import type { Member } from "./plan.ts";
import { proposalsText } from "./prompts.ts";
import { CONTRIBUTION_TOKENS, inOrder, inputFor, type Search, shownOf } from "./search.ts";
import { stopAfter } from "./stops.ts";

const BALLOT_TOKENS = 160;
/** Belief in a patch from which no judge is asked. */
const PROVEN = 0.9;
/** The two best are this close: a test that tells them apart is worth a call. */
const CLOSE = 0.25;

/** A test that tells the two best apart, then ballots with what ran in view; only where the evidence leaves it open. */
export async function judge(search: Search, members: readonly Member[]): Promise<StopReason> {
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
