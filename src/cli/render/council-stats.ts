/** `crucible council stats` as text: who is right how often, what a vote is worth, which rules were learned. */
import { plural } from "../../base/text.ts";
import { type CouncilStats, OUTCOME_SOURCES } from "../../core/council-record.ts";
import { harmless } from "../output.ts";
import { table } from "../table.ts";

export function councilStatsText(stats: CouncilStats): string {
  const { outcomes, open, sources, options, voices, groups, rules } = stats;
  const waiting = open === 0 ? "" : `, ${open} not known yet`;
  if (outcomes === 0)
    return `no council's outcome is known yet${waiting}: every voice counts as right 60 times of 100\n`;
  const told = OUTCOME_SOURCES.filter((source) => sources[source]).map((source) => `${sources[source]} ${source}`);
  const rows = voices.map(({ voice, domain, outcomes: seen, accuracy, weight }) =>
    [domain === undefined ? voice : `  ${domain}`, String(seen), percent(accuracy), weight.toFixed(2)].map(harmless),
  );
  const models = groups.map(({ group, voices: members, coupling }) =>
    [group, String(members), coupling.toFixed(2), (members / (1 + (members - 1) * coupling)).toFixed(1)].map(harmless),
  );
  return [
    `${plural(outcomes, "outcome")} (${told.join(", ")})${waiting}\n`,
    `\n${table([["VOICE", "OUTCOMES", "RIGHT", `WEIGHT (of ${options})`], ...rows])}`,
    `\n${table([["MODEL", "VOICES", "COUPLING", "EFFECTIVE VOTES"], ...models])}`,
    `\nconfidence: ${confidenceText(stats)}\n`,
    ...rules.map(
      ({ kind, rule, learned }) =>
        `${kind}: ${rule}${learned ? ", learned: it was better on outcomes it had not seen" : ", the default"}\n`,
    ),
  ].join("");
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

function confidenceText({ confidence: { used, votes, area } }: CouncilStats): string {
  const seen =
    area === undefined ? `of ${plural(votes, "vote")}` : `of ${plural(votes, "vote")}, area ${area.toFixed(2)}`;
  return used ? `counted (${seen})` : `not counted until its area is over .58 on 50 votes (${seen})`;
}
