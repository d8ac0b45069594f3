/** Claims out of what voices handed in, each with an id that says whose it is. */
import type { Claim } from "../core/council.ts";
import type { Answer } from "./ask-voices.ts";
import type { Member } from "./plan.ts";

type Written = {
  readonly subject?: string;
  readonly predicate?: string;
  readonly holds?: boolean;
  readonly file?: string;
  readonly line?: number;
  readonly severity?: "low" | "medium" | "high" | "critical";
};

/** A claim may be settled by a check of the same answer; what security says is a risk. */
export function claimsOf(answers: readonly Answer[], members: readonly Member[], round: string): Claim[] {
  return answers.flatMap(({ voice, group, value }) => {
    const { claims = [], checks = [] } = (value ?? {}) as {
      claims?: readonly Written[];
      checks?: readonly { readonly settles?: number }[];
    };
    const risk = members.some((member) => member.voice.id === voice && member.voice.domain === "security");
    return claims.flatMap((claim, index): Claim[] => {
      const { subject = "", predicate = "", holds = true, file = "", line = 0, severity } = claim;
      if (subject.trim() === "") return [];
      const settled = checks.findIndex(({ settles }) => settles === index + 1);
      return [
        {
          id: `${voice}/${index + 1}`,
          voice,
          group,
          subject,
          predicate,
          polarity: holds ? 1 : -1,
          ...(severity === undefined ? {} : { severity }),
          ...(risk ? { kind: "risk" as const } : {}),
          ...(settled < 0 ? {} : { checkId: `${round}/${voice}/${settled + 1}` }),
          ...(file === "" ? {} : { file }),
          ...(line < 1 ? {} : { line }),
        },
      ];
    });
  });
}
