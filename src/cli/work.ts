/** The flags of larger work, a council or a spiral, as options of a session. */
import { CrucibleError } from "../base/error.ts";
import type { RiskLevel } from "../core/council.ts";
import type {
  App,
  CouncilOptions,
  OpenOptions,
  ReviewOptions,
  SpiralOptions,
  Work as WorkOptions,
} from "../core/ports/app.ts";
import type { Severity } from "../core/review.ts";
import { FLAGS, type Flag, type FlagName, type Flags, numberFlag, type Work } from "./flags.ts";

/** Throws `usage` for a flag that would mean nothing here. */
export function refuseForeign(flags: Flags, work: Work): void {
  const here: Work = work === "ask" && flags.has("council") ? "council" : work;
  const lost = (Object.entries(FLAGS) as [FlagName, Flag][]).find(
    ([name, { of }]) => of && !of.includes(here) && flags.has(name),
  );
  if (lost)
    throw new CrucibleError(
      "usage",
      `--${lost[0]} is for ${lost[1].of?.map((name) => `crucible ${name}`).join(" and ")}`,
      {
        hint: "see: crucible --help",
      },
    );
}

/** What is asked of a session beside its prompt; nothing when one voice does the work. */
export function workOptions(flags: Flags, work: Work, app: App): Pick<OpenOptions, keyof WorkOptions> {
  refuseForeign(flags, work);
  if (work === "spiral") return { spiral: spiralOptions(flags, app) };
  if (work === "review") return { review: reviewOptions(flags, app) };
  const check = flags.text("goal");
  if (check !== undefined && work === "ask") return { goal: { check, attempts: numberFlag(flags, "attempts") ?? 10 } };
  return work === "council" || flags.has("council") ? { council: councilOptions(flags, work, app) } : {};
}

function spiralOptions(flags: Flags, app: App): SpiralOptions {
  const scale = flags.text("scale") as SpiralOptions["scale"];
  const loops = numberFlag(flags, "loops");
  const seconds = app.config.get<number | undefined>("limits.wallTime");
  return {
    ...(scale === undefined ? {} : { scale }),
    accept: flags.list("accept"),
    ...(loops === undefined ? {} : { loops }),
    threshold: thresholdOf(flags.text("threshold") ?? "0.8"),
    ...(seconds === undefined ? {} : { wallMs: seconds * 1_000 }),
    files: flags.list("file"),
    ...(flags.words.length === 0 ? { resume: true } : {}),
  };
}

function reviewOptions(flags: Flags, app: App): ReviewOptions {
  const words = (["base", "commit", "preset"] as const).flatMap((name) => {
    const value = flags.text(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const voices = listOf(flags, "voices");
  return {
    ...Object.fromEntries(words),
    ...(flags.has("uncommitted") ? { uncommitted: true } : {}),
    ...(flags.has("fail-on") ? { failOn: flags.text("fail-on") as Severity } : {}),
    ...(voices ? { voices } : {}),
    budget: budgetOf(flags, app),
    files: flags.list("file"),
  };
}

function thresholdOf(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new CrucibleError("usage", `--threshold ${text}: a number above 0, at most 1`);
}

function councilOptions(flags: Flags, work: Work, app: App): CouncilOptions {
  const choices = listOf(flags, "options");
  const patch = work === "ask" || flags.has("patch") || flags.has("apply");
  if (patch && choices)
    throw new CrucibleError("usage", "--options are answers to a question, not a change of code", {
      hint: "leave --patch and --apply away",
    });
  const given = flags.text("council");
  const size = given === undefined || given === "auto" ? undefined : sizeOf(given);
  const text = (name: FlagName, key: keyof CouncilOptions) => {
    const value = flags.text(name);
    return value === undefined ? {} : { [key]: value };
  };
  const voices = listOf(flags, "voices");
  return {
    next: work === "ask" ? "write" : flags.has("apply") ? "apply" : "report",
    kind: patch ? "patch" : "question",
    ...(voices ? { voices } : {}),
    ...(choices ? { options: choices } : {}),
    ...(size === undefined ? {} : { size }),
    ...text("preset", "preset"),
    ...text("rule", "rule"),
    ...text("mode", "mode"),
    ...(flags.has("risk") ? { risk: flags.text("risk") as RiskLevel } : {}),
    ...(flags.has("seed") ? { seed: numberFlag(flags, "seed") ?? 1 } : {}),
    ...(work === "council" && flags.words.length === 0 ? { resume: true } : {}),
    budget: budgetOf(flags, app),
    files: flags.list("file"),
  };
}

function sizeOf(text: string): number {
  const size = Number(text);
  if (Number.isSafeInteger(size) && size >= 1 && size <= 10) return size;
  throw new CrucibleError("usage", `--council=${text}: a number of voices from 1 to 10`);
}

function listOf(flags: Flags, name: FlagName): readonly string[] | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  const parts = [...new Set(text.split(",").map((part) => part.trim()))].filter((part) => part !== "");
  if (name === "options" && parts.length > 26)
    throw new CrucibleError("usage", "--options takes 26 answers at most: each has a letter");
  if (name === "options" && parts.length < 2)
    throw new CrucibleError("usage", "--options needs at least two answers, with commas between them");
  if (parts.length === 0)
    throw new CrucibleError("usage", `--${name} names nobody`, { hint: "see: crucible voices list" });
  // A decision says of each answer how likely it is, and of `none` how likely none of them is right.
  if (name === "options" && parts.includes("none"))
    throw new CrucibleError("usage", "--options: that none is right is always an answer", { hint: "leave none away" });
  return parts;
}

/** Limits of a run are limits of its council: it then ends with the best it has, and is not cut off. */
function budgetOf(flags: Flags, app: App): CouncilOptions["budget"] {
  const calls = numberFlag(flags, "max-calls");
  const tokens = app.config.get<number | undefined>("limits.tokens");
  const seconds = app.config.get<number | undefined>("limits.wallTime");
  return {
    ...(calls === undefined ? {} : { calls }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(seconds === undefined ? {} : { wallMs: seconds * 1_000 }),
  };
}
