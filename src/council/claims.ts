/** Claims out of what voices handed in, each with an id that says whose it is. */
import type { Claim } from "../core/council.ts";
import type { Answer } from "./ask-voices.ts";

type Written = {
  readonly subject?: string;
  readonly predicate?: string;
  readonly holds?: boolean;
  readonly file?: string;
  readonly line?: number;
  readonly severity?: "low" | "medium" | "high" | "critical";
};

export function claimsOf(answers: readonly Answer[]): Claim[] {
  return answers.flatMap(({ voice, group, value }) => {
    const { claims = [] } = (value ?? {}) as { claims?: readonly Written[] };
    return claims.flatMap((claim, index): Claim[] => {
      const { subject = "", predicate = "", holds = true, file = "", line = 0, severity } = claim;
      if (subject.trim() === "") return [];
      return [
        {
          id: `${voice}/${index + 1}`,
          voice,
          group,
          subject,
          predicate,
          polarity: holds ? 1 : -1,
          ...(severity === undefined ? {} : { severity }),
          ...(file === "" ? {} : { file }),
          ...(line < 1 ? {} : { line }),
        },
      ];
    });
  });
}
