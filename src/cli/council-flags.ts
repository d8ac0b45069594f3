/** The flags of a council as options of a session. */
import { CrucibleError } from "../base/error.ts";
import type { RiskLevel } from "../core/council.ts";
import type { App, CouncilOptions } from "../core/ports/app.ts";
import { FLAGS, type Flag, type FlagName, type Flags, numberFlag } from "./flags.ts";

/** What the first word of the command line makes of the rest. */
export type Work = "ask" | "council";

/** Undefined when one voice does the work. Throws `usage` for flags that would mean nothing. */
export function councilOptions(flags: Flags, work: Work, app: App): CouncilOptions | undefined {
  if (work === "ask" && !flags.has("council")) {
    const lost = (Object.entries(FLAGS) as [FlagName, Flag][]).find(
      ([name, { of }]) => of === "council" && flags.has(name),
    );
    if (lost)
      throw new CrucibleError("usage", `--${lost[0]} is for a council`, {
        hint: 'crucible council "question", or --council beside it',
      });
    return undefined;
  }
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
  if (name === "options" && parts.length < 2)
    throw new CrucibleError("usage", "--options needs at least two answers, with commas between them");
  return parts;
}

/** Limits of a run are limits of its council: it then ends with the best it has, and is not cut off. */
function budgetOf(flags: Flags, app: App): CouncilOptions["budget"] {
  const calls = numberFlag(flags, "max-calls");
  const tokens = app.config.get<number | undefined>("limits.tokens");
  const seconds = app.config.get<number | undefined>("limits.wallTime");
  return {
    ...(calls === undefined ? {} : { calls }),
    ...(tokens === undefined ? {} : { promptTokens: tokens, outputTokens: tokens }),
    ...(seconds === undefined ? {} : { wallMs: seconds * 1_000 }),
  };
}
