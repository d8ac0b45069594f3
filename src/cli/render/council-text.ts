/** A council for people: what was decided and how surely, what ran, who dissents and what would change it, what it cost. */
import { oneLine, plural } from "../../base/text.ts";
import { ABSTAIN_WORDS, type CouncilReport } from "../../core/council.ts";
import type { Event } from "../../core/event.ts";
import type { Output } from "../output.ts";
import { harmless } from "../output.ts";
import { table } from "../table.ts";

type Style = Output["style"];

const STOPS: Readonly<Record<CouncilReport["stopReason"], string>> = {
  "all-asked": "everybody was asked",
  unassailable: "nobody left to ask could change it",
  posterior: "it was sure enough",
  "no-new-votes": "a further voice of the same model would hardly count",
  gate: "the repository's checks settled it",
  budget: "the budget was used up",
  deadline: "the time was up",
};

export function councilText(report: CouncilReport, style: Style): string {
  const parts = [
    outcome(report, style),
    optionsText(report, style),
    checksText(report, style),
    ballotsText(report, style),
    costText(report, style),
  ];
  return `${parts.filter((part) => part !== "").join("\n")}`;
}

function outcome({ decision, options, kind, synthesis }: CouncilReport, style: Style): string {
  const winner = options.find(({ id }) => id === decision.winner);
  const belief = winner ? (decision.posterior[winner.id] ?? 0) : 0;
  if (decision.outcome !== "decided" || !winner) {
    const why = decision.abstainReason ? ABSTAIN_WORDS[decision.abstainReason] : "nobody answered";
    const best = winner ? `\nclosest: ${winner.label} at ${percent(belief)}; you decide` : "";
    return `${style.yellow(style.bold(`Not decided: ${why}`))}${best}\n`;
  }
  const none = decision.posterior["none"] ?? 0;
  const doubt = none >= 0.01 ? `, none is right: ${percent(none)}` : "";
  const flips = decision.flipVotes > 0 ? ` · ${plural(decision.flipVotes, "vote")} would turn it` : "";
  const votes =
    decision.nEff > 0
      ? ` · ${decision.nEff.toFixed(1)} independent votes, agreement ${percent(decision.agreement)}`
      : "";
  const sure = `${percent(belief)} sure${doubt}${votes}${flips} · rule ${decision.rule}`;
  const text = kind === "answer" ? winner.text : `${winner.label} by ${winner.authors.join(", ")}`;
  return [
    style.green(style.bold(`Decided: ${harmless(text)}`)),
    style.dim(sure),
    ...(synthesis ? [style.dim(harmless(synthesis))] : []),
    "",
  ].join("\n");
}

function optionsText({ kind, options, decision }: CouncilReport, style: Style): string {
  if (kind === "answer") {
    const rows = options.map(({ id, text }) => [percent(decision.posterior[id] ?? 0), harmless(text)]);
    return table([["SHARE", "OPTION"], ...rows]);
  }
  return options
    .map(({ id, label, text, authors, diff, problem }) => {
      const won = decision.outcome === "decided" && id === decision.winner;
      const share = problem === undefined ? percent(decision.posterior[id] ?? 0) : "not applied";
      const head = `${label}  ${share.padStart(5)}  ${authors.join(", ")}`;
      const said = indent(harmless(problem === undefined ? text : `${problem}\n${text}`));
      const shown = diff !== undefined && (won || options.length <= 2) ? `${indent(painted(diff, style))}\n` : "";
      return `${won ? style.green(style.bold(head)) : style.bold(head)}\n${said}\n${shown}`;
    })
    .join("\n");
}

function checksText({ checks, evidence, options }: CouncilReport, style: Style): string {
  if (checks.length === 0) return "";
  const standing = options.filter(({ problem }) => problem === undefined);
  const marks: Readonly<Record<string, string>> = {
    pass: "pass",
    fail: "FAIL",
    error: "error",
    timeout: "time",
    flaky: "flaky",
  };
  const rows = checks.map((check) => {
    const outcomes = standing.map(({ id }) => {
      const found = evidence.find(({ checkId, proposalId }) => checkId === check.id && proposalId === id);
      return found ? (marks[found.outcome] ?? found.outcome) : "-";
    });
    const by = check.author === "repo" ? "repository" : check.author;
    const counted =
      check.dropped === undefined
        ? check.trust === "generated"
          ? "a vote"
          : check.author === "repo"
            ? "a gate"
            : "a veto"
        : `not counted: ${check.dropped}`;
    return [harmless(check.title), by, check.base ? (marks[check.base] ?? check.base) : "-", ...outcomes, counted];
  });
  const head = ["CHECK", "BY", "BEFORE", ...standing.map(({ label }) => label), "COUNTS AS"];
  const failing = checks.filter(({ output, dropped }) => output !== undefined && dropped === undefined);
  const outputs = failing.map(
    ({ title, output }) =>
      `${style.dim(`${harmless(title)}:`)}\n${style.dim(indent(harmless(lastLines(output ?? "", 6))))}\n`,
  );
  return `${table([head, ...rows])}${outputs.length > 0 ? `\n${outputs.join("")}` : ""}`;
}

function ballotsText({ kind, ballots, options, decision, claims }: CouncilReport, style: Style): string {
  // Answers stand above without letters.
  const label = (id: string) => (kind === "answer" ? id : (options.find((option) => option.id === id)?.label ?? id));
  const lines = ballots.map(({ voice, choice, ranking, status = "ok", reason = "", unless, flag }) => {
    const first = choice ?? ranking?.[0];
    if (flag !== undefined) return style.yellow(`  ${voice.padEnd(12)} not counted: ${harmless(flag)}`);
    if (status !== "ok" || first === undefined) return style.dim(`  ${voice.padEnd(12)} no ballot (${status})`);
    const said = ranking ? ranking.map(label).join(" > ") : label(first);
    const dissents = decision.winner !== undefined && decision.dissent.some((one) => one.voice === voice);
    const line = `  ${voice.padEnd(12)} ${harmless(said)}${reason ? `: ${harmless(oneLine(reason, 300))}` : ""}`;
    const turned = unless ? `; would change its mind for: ${harmless(oneLine(unless, 200))}` : "";
    return dissents ? style.yellow(`${line}  (dissents${turned})`) : line;
  });
  const turn =
    decision.flipVotes > 0 && decision.outcome === "decided"
      ? [style.dim(`  ${decision.flipVotes} of the winner's votes would have to change to turn it`)]
      : [];
  const open = decision.conflicts.map(
    ({ claimIds, resolvedBy }) =>
      `  ${claimIds.map((id) => claims.find((claim) => claim.id === id)?.subject ?? id)[0] ?? ""}: ${claimIds.join(" against ")}, ${resolvedBy === "open" ? "open" : `settled by ${resolvedBy}`}`,
  );
  return [
    ...(lines.length > 0 ? [style.bold("Ballots"), ...lines, ...turn, ""] : []),
    ...(open.length > 0 ? [style.bold("Conflicts"), ...open.map(harmless), ""] : []),
  ].join("\n");
}

function costText({ id, cost, stopReason, voices }: CouncilReport, style: Style): string {
  const lost = voices.filter(({ status }) => status !== "ok" && status !== "cancelled");
  const missing = lost.map(({ voice, status, problem }) =>
    style.yellow(`  ${voice}: ${status}${problem ? ` (${harmless(problem)})` : ""}`),
  );
  const cached =
    cost.cachedTokens > 0 ? ` (${percent(cost.cachedTokens / Math.max(cost.promptTokens, 1))} cached)` : "";
  const ran = cost.execMs > 0 ? `, checks ran ${seconds(cost.execMs)}` : "";
  const line = `${plural(cost.calls, "call")}, ${cost.promptTokens} tokens read${cached}, ${cost.outputTokens} written, models ${seconds(cost.modelMs)}${ran}; ${STOPS[stopReason]}`;
  return [
    ...(missing.length > 0 ? [style.bold("Without an answer"), ...missing, ""] : []),
    style.dim(line),
    style.dim(`again: crucible council show ${id}`),
    "",
  ].join("\n");
}

function painted(diff: string, style: Style): string {
  return harmless(diff)
    .trimEnd()
    .split("\n")
    .map((line) =>
      line.startsWith("+") ? style.green(line) : line.startsWith("-") ? style.red(line) : style.dim(line),
    )
    .join("\n");
}

const percent = (share: number) => `${Math.round(share * 100)} %`;
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
const indent = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
const lastLines = (text: string, most: number) => text.trimEnd().split("\n").slice(-most).join("\n");

/** One line while a council works. */
export function councilLine(event: Event): string | undefined {
  switch (event.kind) {
    case "council-start":
      return harmless(event.price);
    case "voice-answered": {
      const { asked, status, text, ms } = event;
      const said = harmless(text).replaceAll("\n", " ");
      const short = said.length > 110 ? `${said.slice(0, 109)}…` : said;
      return `${status === "ok" ? "✔" : "✗"} ${asked}${status === "ok" ? "" : ` ${status}`} ${short} (${seconds(ms)})`;
    }
    case "evidence-found":
      return `  ${event.outcome === "pass" ? "✔" : event.outcome === "fail" ? "✗" : "·"} ${harmless(event.check)}, ${event.proposal === "base" ? "before any change" : `patch of ${event.proposal}`}: ${event.outcome}`;
    default:
      return undefined;
  }
}
