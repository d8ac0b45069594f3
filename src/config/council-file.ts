/** Councils as data with the line of each: those of the package's file and those of the configuration. */
import * as z from "zod/mini";
import { issueText } from "../base/issue-text.ts";
import { badConfig, plainValue, readJsonFile } from "./json-file.ts";
import { councilsForm } from "./keys.ts";
import type { Config } from "./load.ts";
import { placesIn } from "./read-file.ts";

type Councils = z.infer<typeof councilsForm>;

export interface CouncilEntry {
  readonly id: string;
  readonly origin: "built-in" | "user" | "project";
  readonly value: Councils[string];
  /** `file:line` of the member at this index; of the council itself without one. */
  readonly place: (member?: number) => string;
}

/** Each council once, from the uppermost layer that has it. Throws `bad-config` with file:line. */
export async function readCouncils(config: Config, builtIn: string): Promise<readonly CouncilEntry[]> {
  const found = new Map<string, CouncilEntry>();
  for (const entry of await readPackaged(builtIn)) found.set(entry.id, entry);
  for (const { value, place, places, rank } of (config.settings.get("councils")?.layers ?? []).toReversed())
    for (const entry of entriesOf(value as Councils, { place, places, origin: rank === "project" ? rank : "user" }))
      found.set(entry.id, entry);
  return [...found.values()];
}

async function readPackaged(file: string): Promise<CouncilEntry[]> {
  const read = await readJsonFile(file);
  if (!read?.root) return [];
  const parsed = z.safeParse(councilsForm, plainValue(read.root));
  const issue = parsed.error?.issues[0];
  if (!parsed.success) throw badConfig(`${read.place(0)}: ${issue ? issueText(issue) : "no councils"}`, "reinstall");
  const places = placesIn(read.root, read.place);
  return entriesOf(parsed.data, { place: read.place(0), places, origin: "built-in" });
}

interface Source {
  readonly place: string;
  readonly places: ReadonlyMap<string, string> | undefined;
  readonly origin: CouncilEntry["origin"];
}

function entriesOf(councils: Councils, { place, places, origin }: Source): CouncilEntry[] {
  return Object.entries(councils).map(([id, value]) => ({
    id,
    origin,
    value,
    place: (member) => places?.get(member === undefined ? id : `${id}.members.${member}`) ?? place,
  }));
}
