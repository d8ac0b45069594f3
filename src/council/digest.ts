/** A council in a few lines: all of it that enters a conversation. */
import { ABSTAIN_WORDS, type CouncilOption, type CouncilReport } from "../core/council.ts";

function winnerOf({ decision, options }: CouncilReport): CouncilOption | undefined {
  return options.find(({ id }) => id === decision.winner);
}

/** `chosen`: what the person took where the council did not decide. */
export function digestOf(report: CouncilReport, applied: readonly string[], chosen?: CouncilOption): string {
  const { decision, kind, voices } = report;
  const winner = winnerOf(report);
  const asked = new Set(voices.map(({ voice }) => voice)).size;
  const head = `A council of ${asked} voices (${report.id}) looked at this.`;
  if (decision.outcome !== "decided" || !winner) {
    const why = decision.abstainReason ? ABSTAIN_WORDS[decision.abstainReason] : "nobody answered";
    const taken = chosen
      ? [`The person took ${chosen.label}: ${chosen.text}`, chosen.diff?.trimEnd() ?? "", ...toDo(applied)]
      : [];
    return [head, `It did not decide: ${why}.`, ...openQuestion(report), ...taken].join("\n");
  }
  const sure = `belief ${(decision.posterior[winner.id] ?? 0).toFixed(2)}, ${decision.nEff.toFixed(1)} independent votes`;
  const passed = report.checks.flatMap((check) => {
    const won = report.evidence.find(({ checkId, proposalId }) => checkId === check.id && proposalId === winner.id);
    return won && check.dropped === undefined ? [`- ${check.title} (${check.command}): ${won.outcome}`] : [];
  });
  return [
    head,
    `Decided (${sure}): ${winner.text}`,
    ...(kind === "patch" ? ["", winner.diff?.trimEnd() ?? ""] : []),
    ...(passed.length > 0 ? ["", "What ran:", ...passed] : []),
    ...(report.synthesis ? ["", report.synthesis] : []),
    ...dissentLines(report),
    ...toDo(applied),
  ].join("\n");
}

function toDo(applied: readonly string[]): string[] {
  if (applied.length === 0) return [];
  return ["", `The patch is applied: ${applied.join(", ")}. Run the checks, and finish what is missing.`];
}

/** Who chose otherwise, and why: a decision without its dissent is half of one. */
function dissentLines({ decision, options }: CouncilReport): string[] {
  if (decision.dissent.length === 0) return [];
  const label = (id: string) => options.find((option) => option.id === id)?.label ?? id;
  const lines = decision.dissent.map(
    ({ voice, choice, reason }) => `- ${voice} chose ${label(choice)}${reason ? `: ${reason}` : ""}`,
  );
  return ["", "Dissent:", ...lines];
}

/** What the person would have to settle: the two best, and where they part. */
function openQuestion({ decision, options, checks, evidence }: CouncilReport): string[] {
  const best = options
    .filter(({ problem }) => problem === undefined)
    .toSorted((a, b) => (decision.posterior[b.id] ?? 0) - (decision.posterior[a.id] ?? 0))
    .slice(0, 2);
  const parted = checks.filter(({ id }) => {
    const outcomes = best.map(
      (option) => evidence.find((one) => one.checkId === id && one.proposalId === option.id)?.outcome,
    );
    return outcomes.length === 2 && outcomes[0] !== outcomes[1];
  });
  return [
    ...best.map(({ label, id, text }) => `${label} (belief ${(decision.posterior[id] ?? 0).toFixed(2)}): ${text}`),
    ...parted.map(({ title, command }) => `They part at: ${title} (${command})`),
  ];
}
