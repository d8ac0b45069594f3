/** Ballots from what voices wrote: letters become options, and what was voted on order is not counted. */
import type { Json } from "../base/canonical-json.ts";
import type { Ballot, OptionId } from "../core/council.ts";
import type { Answer } from "./ask-voices.ts";
import { type Labels, rotation } from "./labels.ts";
import { tellsOthers } from "./neutral.ts";
import type { Member } from "./plan.ts";

type Vote = {
  readonly choice?: string;
  readonly ranking?: readonly string[];
  readonly reason?: string;
  readonly unless?: string;
  readonly confidence?: number;
};

export interface BallotFacts {
  readonly members: readonly Member[];
  readonly labels: Labels;
  readonly own: (voice: string) => OptionId | undefined;
  /** Whose proposals told judges how to vote. */
  readonly hostile: ReadonlySet<string>;
}

/** One ballot for each answer; a voice that did not answer has one without a choice. */
export function ballotsOf(answers: readonly Answer[], facts: BallotFacts): Ballot[] {
  return answers.flatMap((answer): Ballot[] => {
    const { voice, group } = answer;
    // It was not needed any more: that is no ballot that is missing.
    if (answer.status === "cancelled") return [];
    const at = facts.members.findIndex((member) => member.voice.id === voice);
    const shown = rotation([...facts.labels.values()], Math.max(at, 0));
    if (answer.status !== "ok") {
      const status = answer.status === "unparsable" ? "unparsable" : "timeout";
      return [{ voice, group, shown, status }];
    }
    const vote = fieldsOf(answer.value);
    const option = (label: string) => facts.labels.get(label) ?? label;
    const flag = flagOf(vote.reason ?? "", voice, facts);
    const own = facts.own(voice);
    const ballot: Ballot = {
      voice,
      group,
      shown,
      ...(own === undefined ? {} : { own }),
      ...(vote.choice === undefined ? {} : { choice: option(vote.choice) }),
      ...(vote.ranking === undefined ? {} : { ranking: [...new Set(vote.ranking.map(option))] }),
      ...(vote.confidence === undefined ? {} : { confidence: vote.confidence }),
      ...(vote.reason === undefined ? {} : { reason: vote.reason }),
      ...(vote.unless === undefined || vote.unless.trim() === "" ? {} : { unless: vote.unless }),
      status: flag === undefined ? "ok" : "refused",
      ...(flag === undefined ? {} : { flag }),
    };
    return [ballot];
  });
}

/** A ballot that leans on other voices is one vote cast twice. */
function flagOf(reason: string, voice: string, { members, hostile }: BallotFacts): string | undefined {
  if (hostile.has(voice)) return "its proposal told the judges how to vote";
  if (tellsOthers(reason)) return "it tells others how to vote";
  const others = members.flatMap((member) => (member.voice.id === voice ? [] : [member.voice.title]));
  const words = reason.toLowerCase();
  const cited = others.find((title) =>
    ["says", "said", "agrees", "wants", "votes"].some((verb) => words.includes(`${title.toLowerCase()} ${verb}`)),
  );
  return cited === undefined ? undefined : `it cites another voice: ${cited}`;
}

function fieldsOf(value: Json | undefined): Vote {
  return (typeof value === "object" && value !== null && !Array.isArray(value) ? value : {}) as Vote;
}
