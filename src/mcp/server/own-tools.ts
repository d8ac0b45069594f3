/** The tools that this program offers to MCP clients: what they take and which work each is. */
import * as z from "zod";
import { COUNCIL_MODES } from "../../core/council.ts";
import type { CouncilOptions, ReviewOptions, SpiralOptions, Work } from "../../core/ports/app.ts";
import { SEVERITIES } from "../../core/review.ts";

const text = (about: string) => z.string().trim().min(1).max(100_000).describe(about);
const name = z.string().min(1).max(200);
const files = z.array(z.string().min(1).max(4_096)).max(50).optional().describe("files that every voice reads");
const voices = z.array(name).min(1).max(10).optional().describe("who speaks; see: crucible voices list");
const maxCalls = z.number().int().min(1).max(1_000).optional().describe("limit of calls to models");
const preset = name.optional().describe("the voices of this council, by name");

const council = z.strictObject({
  question: text("what is to be decided"),
  options: z.array(name).min(2).max(26).optional().describe("the answers to choose from"),
  kind: z.enum(["question", "patch"]).default("question").describe("patch: decide on a change of code by running it"),
  apply: z.boolean().default(false).describe("with kind patch: put the decided change into the workspace"),
  voices,
  preset,
  rule: name.optional().describe("how ballots are counted"),
  mode: z.enum(COUNCIL_MODES).optional(),
  risk: z.enum(["low", "medium", "high", "irreversible"]).optional(),
  domain: name.optional(),
  seed: z.number().int().min(1).optional(),
  files,
  maxCalls,
});

const review = z.strictObject({
  base: name
    .optional()
    .describe("the changes since this branch was left; without base and commit: what is not committed"),
  commit: name.optional().describe("the changes of this commit"),
  voices,
  preset,
  failOn: z.enum(SEVERITIES).optional().describe("`failed` is true from this severity on"),
  files,
  maxCalls,
});

const spiral = z.strictObject({
  task: text("what is to be built or changed"),
  scale: z.enum(["micro", "meso", "epic"]).optional(),
  accept: z.array(text("a command")).max(20).default([]).describe("commands that pass when the work is done"),
  loops: z.number().int().min(1).max(20).optional(),
  threshold: z.number().gt(0).max(1).default(0.8),
  files,
});

const ask = z.strictObject({ prompt: text("a question about the workspace, or work to do in it") });

export const workTools = {
  ask: {
    title: "Ask",
    description: "One voice answers, reading the workspace with its tools.",
    input: ask,
    order: ({ prompt }: z.output<typeof ask>) => ({ prompt, work: {} }),
  },
  council: {
    title: "Council",
    description:
      "Up to ten voices propose blindly, run checks and vote; the decision comes with its evidence, its certainty and its dissent.",
    input: council,
    order: ({ question, ...given }: z.output<typeof council>) => ({
      prompt: question,
      work: { council: councilOptions(given) },
    }),
  },
  review: {
    title: "Review",
    description: "Voices read a change by duty; findings with file and line, confirmed by checks or by two models.",
    input: review,
    order: ({ maxCalls: calls, files: read = [], ...given }: z.output<typeof review>) => ({
      prompt: `Review ${given.commit ?? given.base ?? "what is not committed"}.`,
      work: { review: present<ReviewOptions>({ ...given, budget: present({ calls }), files: read }) },
    }),
  },
  spiral: {
    title: "Spiral",
    description: "Larger work in five phases, each with a test that must hold; only what passes enters the workspace.",
    input: spiral,
    order: ({ task, files: read = [], ...given }: z.output<typeof spiral>) => ({
      prompt: task,
      work: { spiral: present<SpiralOptions>({ ...given, files: read }) },
    }),
  },
} as const satisfies Record<string, WorkTool<never>>;

interface WorkTool<Input> {
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodType;
  readonly order: (input: Input) => { readonly prompt: string; readonly work: Work };
}

function councilOptions({
  maxCalls: calls,
  apply,
  files: read = [],
  ...given
}: Omit<z.output<typeof council>, "question">) {
  const next = apply && given.kind === "patch" ? "apply" : "report";
  return present<CouncilOptions>({ ...given, next, budget: present({ calls }), files: read });
}

/** Without what was left out. */
function present<T extends object>(value: { readonly [Key in keyof T]?: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}

export const searchInput = z.strictObject({
  words: text("words that a prompt or an answer holds"),
  limit: z.number().int().min(1).max(100).default(20),
});

export const workOutput = z.object({
  session: z.string(),
  status: z.enum(["done", "failed", "cancelled"]),
  text: z.string(),
  verification: z.object({ status: z.string(), text: z.string() }),
  /** Calls that were refused and not made good otherwise. */
  denied: z.array(z.object({ tool: z.string(), reason: z.string() })),
  report: z.record(z.string(), z.unknown()).optional(),
});

export const searchOutput = z.object({
  hits: z.array(
    z.object({ session: z.string(), turn: z.number(), at: z.string(), who: z.string(), snippet: z.string() }),
  ),
});

export const auditOutput = z.object({
  ok: z.boolean(),
  records: z.number(),
  covered: z.number(),
  head: z.string(),
  problem: z.string().optional(),
});
