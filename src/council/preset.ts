/** Reads a council from its data: who sits in it, and who reads whom. Pure: values and places come from the caller. */
import { CrucibleError } from "../base/error.ts";
import { nearest, plural } from "../base/text.ts";
import type { CouncilMember, CouncilPreset } from "../core/voice.ts";

/** A council as it is written; the form was checked. */
export interface CouncilText {
  readonly title?: string | undefined;
  readonly domain?: string | undefined;
  readonly members: readonly (
    | string
    | { readonly voice: string; readonly depends_on?: readonly string[] | undefined }
  )[];
}

export interface CouncilSource {
  readonly id: string;
  readonly origin: CouncilPreset["origin"];
  readonly value: CouncilText;
  /** `file:line` of the member at this index; of the council itself without one. */
  readonly place: (member?: number) => string;
}

/** Throws `bad-config` with the place: a voice that is not there, a dependence on no member, a circle. */
export function presetOf({ id, origin, value, place }: CouncilSource, voices: readonly string[]): CouncilPreset {
  const members = value.members.map(memberOf);
  const names = members.map(({ voice }) => voice);
  for (const [at, { voice, dependsOn }] of members.entries()) {
    if (!voices.includes(voice)) throw wrong(`${place(at)}: there is no voice ${voice}`, hintFor(voice, voices));
    if (names.indexOf(voice) !== at)
      throw wrong(`${place(at)}: ${voice} sits in ${id} already`, "name each voice once");
    const foreign = dependsOn.find((other) => !names.includes(other));
    if (foreign !== undefined)
      throw wrong(`${place(at)}: ${voice} depends on ${foreign}, who is no member of ${id}`, hintFor(foreign, names));
  }
  const circle = circleIn(members);
  if (circle)
    throw wrong(`${place(names.indexOf(circle[0] ?? ""))}: ${circle.join(" waits for ")}`, "take one depends_on away");
  const { title = `${plural(members.length, "voice")} of your own`, domain } = value;
  return { id, title, ...(domain === undefined ? {} : { domain }), members, origin };
}

function memberOf(member: CouncilText["members"][number]): CouncilMember {
  return typeof member === "string"
    ? { voice: member, dependsOn: [] }
    : { voice: member.voice, dependsOn: [...new Set(member.depends_on ?? [])] };
}

/** The voices of a circle, the first one again at the end. */
function circleIn(members: readonly CouncilMember[]): string[] | undefined {
  const waits = new Map(members.map(({ voice, dependsOn }) => [voice, dependsOn]));
  const done = new Set<string>();
  const walk = (voice: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(voice)) return [...path.slice(path.indexOf(voice)), voice];
    if (done.has(voice)) return undefined;
    for (const next of waits.get(voice) ?? []) {
      const circle = walk(next, [...path, voice]);
      if (circle) return circle;
    }
    done.add(voice);
    return undefined;
  };
  for (const { voice } of members) {
    const circle = walk(voice, []);
    if (circle) return circle;
  }
  return undefined;
}

function hintFor(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near ? `did you mean ${near}?` : `there are ${known.join(", ")}`;
}

function wrong(message: string, hint: string): CrucibleError {
  return new CrucibleError("bad-config", message, { hint });
}
