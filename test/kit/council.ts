/** Scripted voices of a council: who is asked and at which stage stands in the tail of the prompt. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CouncilReport } from "../../src/core/council.ts";
import { type Journey, type JourneyOptions, journey, lastText, type RunOptions } from "./journey.ts";
import type { RecordedRequest, Reply } from "./model-server.ts";

export interface Asked {
  /** Title of the voice. */
  readonly voice: string;
  readonly stage: "propose" | "choose" | "rank" | "judge" | "separate" | "write" | "review";
  /** Letters or options in the order in which this voice reads them. */
  readonly order: readonly string[];
  /** All that was sent before the tail, and the tail. */
  readonly head: string;
  readonly tail: string;
}

/** What a voice says: an object is its answer, a string is sent as it stands. */
export type Says = (asked: Asked) => object | string | Reply;

const STAGES: readonly (readonly [RegExp, Asked["stage"]])[] = [
  [/^Choose the one option/, "choose"],
  [/^Rank the proposals/, "rank"],
  [/^Choose the proposal/, "judge"],
  [/behave alike so far/, "separate"],
  [/was chosen\. Hand in the edits/, "write"],
  [/^Read the change/, "review"],
  [/./, "propose"],
];

export function askedIn(request: RecordedRequest): Asked {
  const text = lastText(request);
  const at = text.lastIndexOf("\n---\nStage: ");
  const tail = text.slice(at);
  const stage = /Stage: (.*)/.exec(tail)?.[1] ?? "";
  const voice = /\nDuty \((.*?)\):/.exec(tail)?.[1] ?? "";
  const order = /order: (.*)\./.exec(stage.replace(/\. What ran.*$/, "."))?.[1] ?? "";
  const letters = order.startsWith('"')
    ? (order.match(/"([^"]*)"/g) ?? []).map((word) => word.slice(1, -1))
    : order.split(" ");
  return {
    voice,
    stage: STAGES.find(([pattern]) => pattern.test(stage))?.[1] ?? "propose",
    order: order === "" ? [] : letters,
    head: text.slice(0, at),
    tail,
  };
}

const isReply = (said: object): said is Reply =>
  ["text", "rawChunks", "hang", "status", "delayMs"].some((key) => key in said);

/** Voices of tests name an option; on the wire they give its letter. */
function letterOf(choice: unknown, { head }: Asked): unknown {
  return new RegExp(`^([A-Z]): ${String(choice)}$`, "m").exec(head)?.[1] ?? choice;
}

/** One script for all voices: `says` by title, `others` for the rest. */
export function voicesScript(says: Readonly<Record<string, Says>>, others?: Says): (request: RecordedRequest) => Reply {
  return (request) => {
    const asked = askedIn(request);
    const said = (says[asked.voice] ?? others)?.(asked) ?? "";
    if (typeof said === "string") return { text: said };
    if (asked.stage === "choose" && "choice" in said)
      return { text: JSON.stringify({ ...said, choice: letterOf(said.choice, asked) }) };
    return isReply(said) ? said : { text: JSON.stringify(said) };
  };
}

/** `clamp` refuses swapped bounds; asked is that it takes them. The tempting misreading returns the lower bound. */
export const CLAMP = {
  task: "clamp in src/clamp.mjs must take swapped bounds: clamp(5, 10, 0) is 5, clamp(11, 10, 0) is 10.",
  files: {
    "src/clamp.mjs":
      "/** n within low and high. */\nexport function clamp(n, low, high) {\n  if (low > high) throw new RangeError('bounds');\n  return Math.min(Math.max(n, low), high);\n}\n",
  },
  test: {
    "package.json": '{ "name": "clamp", "private": true, "type": "module", "scripts": { "test": "node --test" } }\n',
    "test/clamp.test.mjs":
      "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { clamp } from '../src/clamp.mjs';\n\ntest('within', () => assert.equal(clamp(5, 0, 10), 5));\ntest('swapped', () => assert.equal(clamp(5, 10, 0), 5));\n",
  },
  right: "  if (low > high) return clamp(n, high, low);",
  misread: "  if (low > high) return low;",
  find: "  if (low > high) throw new RangeError('bounds');",
} as const;

export const edits = (replace: string) => [{ path: "src/clamp.mjs", find: CLAMP.find, replace }];

export function patch(replace: string, confidence = 0.9): object {
  return { approach: "bounds", position: "The bounds are put in order first.", edits: edits(replace), confidence };
}

const CHECK = (expected: string) => ({
  title: "swapped bounds",
  path: "check.mjs",
  content: `import { clamp } from './src/clamp.mjs';\nif (clamp(5, 10, 0) !== ${expected}) { console.error('clamp(5, 10, 0) is', clamp(5, 10, 0)); process.exit(1); }\n`,
  command: "node check.mjs",
});
export const rightCheck = { checks: [CHECK("5")] };

/** Voices of one's own: `v1` to `v10`, titled `V1` ..., who all propose and vote. */
export function writeVoices(setting: Journey, count: number, more: readonly string[] = []): void {
  const config = join(setting.home, "crucible/config");
  mkdirSync(join(config, "voices"), { recursive: true });
  const ids = Array.from({ length: count }, (_, at) => `v${at + 1}`);
  for (const id of ids)
    writeFileSync(
      join(config, "voices", `${id}.md`),
      `---\nid: ${id}\ntitle: ${id.toUpperCase()}\nduty: A solution.\ntemperature: 0.5\nyields: [proposal]\ndomain: code\n---\nHand in a solution.\n`,
    );
  writeFileSync(join(config, "config.jsonc"), JSON.stringify({ councils: { ours: { members: [...ids, ...more] } } }));
}

export async function council(
  says: Readonly<Record<string, Says>>,
  options: Partial<JourneyOptions> & { readonly others?: Says; readonly script?: JourneyOptions["script"] } = {},
): Promise<Journey> {
  const { others, ...rest } = options;
  return journey({
    wire: "openai",
    server: { flavour: "llamacpp", window: 16_384 },
    script: voicesScript(says, others),
    ...rest,
  });
}

/** The report of a run with `-o json`, and its exit code. */
export async function convene(setting: Journey, words: readonly string[], options?: RunOptions) {
  const run = await setting.run(["council", ...setting.model, "-o", "json", ...words], options);
  const result = JSON.parse(run.stdout.trimEnd().split("\n").at(-1) ?? "{}") as {
    council?: CouncilReport;
    error?: { message: string };
  };
  if (!result.council) throw new Error(`no report: ${run.stdout}\n${run.stderr}`);
  return { run, report: result.council };
}
