/** The forms that voices fill in: JSON Schemas, sent so that a small model cannot write anything else. */
import type { CouncilKind } from "../core/council.ts";
import type { Voice } from "../core/voice.ts";

export type Form = Readonly<Record<string, unknown>>;

/** Lengths are bounded by the tokens of the answer: servers turn long bounds into grammars that they then refuse. */
const text = { type: "string" } as const;
const object = (properties: Form) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const list = (items: Form, most: number) => ({ type: "array", items, maxItems: most });

const CLAIM = object({
  subject: text,
  predicate: text,
  holds: { type: "boolean" },
  file: text,
  line: { type: "integer", minimum: 0 },
  severity: { type: "string", enum: ["low", "medium", "high", "critical"] },
});
const EDIT = object({ path: text, find: text, replace: text });
const TEST = { title: text, path: text, content: text, command: text };
/** `settles` may be left out: few checks show a claim. */
const CHECK = { ...object(TEST), properties: { ...TEST, settles: { type: "integer", minimum: 0 } } };
const CONFIDENCE = { type: "number", minimum: 0, maximum: 1 };

/** What a voice hands in blind: by its duty, in one answer. */
export function contributionForm({ yields }: Voice, kind: CouncilKind): Form {
  const proposes = yields.includes("proposal");
  const patches = kind === "patch" && proposes;
  return object({
    ...(proposes ? { approach: text, position: text } : {}),
    ...(patches ? { edits: list(EDIT, 20) } : {}),
    ...(yields.includes("claims") ? { claims: list(CLAIM, 6) } : {}),
    ...(yields.includes("checks") && kind === "patch" ? { checks: list(CHECK, 3) } : {}),
    ...(proposes ? { confidence: CONFIDENCE } : {}),
  });
}

/** A position and nothing else: of members whose duty is not to propose. */
export const POSITION_FORM: Form = object({ approach: text, position: text, confidence: CONFIDENCE });

/** A ballot; `unless` may be left out. */
function ballot(vote: Form): Form {
  const form = object({ ...vote, reason: text, confidence: CONFIDENCE });
  return { ...form, properties: { ...form.properties, unless: text } };
}

export function choiceForm(options: readonly string[]): Form {
  return ballot({ choice: { type: "string", enum: [...options] } });
}

export function rankingForm(labels: readonly string[]): Form {
  return ballot({ ranking: { ...list({ type: "string", enum: [...labels] }, labels.length), minItems: 1 } });
}

export const CHECK_FORM: Form = object({ path: text, content: text, command: text });
export const EDITS_FORM: Form = object({ position: text, edits: list(EDIT, 20) });
/** Defects, each with a test that fails because of it where one can be written; an empty command where none can. */
export const DEFECTS_FORM: Form = object({
  defects: list(
    object({
      subject: text,
      problem: text,
      file: text,
      line: { type: "integer", minimum: 0 },
      severity: { type: "string", enum: ["low", "medium", "high", "critical"] },
      check: object({ path: text, content: text, command: text }),
    }),
    6,
  ),
});
