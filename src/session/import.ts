/** A session from a file: what was said in it becomes one of ours, with everything taken for a stranger's word. */
import * as z from "zod/mini";
import { CrucibleError } from "../base/error.ts";
import { issueText } from "../base/issue-text.ts";
import type { Event } from "../core/event.ts";
import { EXTERNAL_LABEL, type Label } from "../core/label.ts";

const count = z.number().check(z.int(), z.minimum(0));
/** Milliseconds since the epoch that a date can stand for. */
const time = z.number().check(z.int(), z.minimum(0), z.maximum(8.64e15));
const milliseconds = z.number().check(z.minimum(0));
const outside = z.pipe(
  z.optional(z.unknown()),
  z.transform((): Label => EXTERNAL_LABEL),
);

const text = z.object({ type: z.literal("text"), text: z.string(), label: outside });
const image = z.object({ type: z.literal("image"), mediaType: z.string(), data: z.string() });
const said = z.array(z.union([text, image]));
const assistant = z.object({
  role: z.literal("assistant"),
  parts: z.array(
    z.union([
      z.object({ type: z.literal("text"), text: z.string() }),
      z.object({ type: z.literal("thinking"), text: z.string() }),
      z.object({
        type: z.literal("tool-call"),
        id: z.string(),
        tool: z.string(),
        input: z.record(z.string(), z.unknown()),
      }),
    ]),
  ),
  voice: z.string(),
  model: z.object({ provider: z.string(), model: z.string() }),
  usage: z.object({ input: count, output: count, source: z.enum(["reported", "estimated"]) }),
  stop: z.enum(["stop", "length", "tool-calls", "filtered", "aborted"]),
});
const outcome = z.object({
  status: z.enum(["done", "failed", "cancelled"]),
  text: z.string(),
  verification: z.object({ status: z.string(), text: z.string() }),
  turns: count,
  toolCalls: count,
});
const todo = z.object({ text: z.string(), status: z.enum(["pending", "in_progress", "done"]) });

/**
 * The kinds that make the talk, each with the fields that do; every other kind and field only means something where it
 * happened (a server, a mode, approvals, undo, councils), and is left out.
 */
const KINDS = {
  "session-start": z.object({ title: z.string(), name: z.optional(z.string()), program: z.string() }),
  "session-name": z.object({ name: z.string() }),
  "turn-start": z.object({ prompt: said }),
  "turn-end": z.object({ outcome, durationMs: milliseconds }),
  "context-added": z.object({ source: z.string(), text: z.string(), hash: z.string() }),
  "context-compacted": z.object({ summary: z.string(), keepFrom: count, before: count, after: count }),
  "message-added": z.object({ message: z.object({ role: z.literal("user"), parts: said }), reason: z.string() }),
  "model-end": z.object({
    request: count,
    message: assistant,
    ttftMs: milliseconds,
    durationMs: milliseconds,
    purpose: z.string(),
  }),
  "tool-requested": z.object({ callId: z.string(), tool: z.string(), input: z.record(z.string(), z.unknown()) }),
  "tool-start": z.object({ callId: z.string(), tool: z.string(), title: z.string(), inputHash: z.string() }),
  "tool-end": z.object({
    callId: z.string(),
    tool: z.string(),
    parts: said,
    failed: z.boolean(),
    denied: z.boolean(),
    durationMs: milliseconds,
    label: outside,
  }),
  "todos-set": z.object({ todos: z.array(todo) }),
};

const envelope = z.object({
  v: z.literal(1),
  kind: z.string(),
  at: time,
  turn: z.optional(count),
  voice: z.optional(z.string()),
});

/** Reads JSON lines as `sessions export` writes them. Throws `bad-input` with the line number. */
export function importedEvents(file: string, session: string): readonly Event[] {
  const events = file.split("\n").flatMap((line, index) => (line.trim() === "" ? [] : eventsIn(line, index + 1)));
  if (!events.some(({ kind }) => kind === "session-start"))
    throw new CrucibleError("bad-input", "this is no exported session: it has no beginning", {
      hint: "write one with: crucible sessions export ID --format jsonl",
    });
  return events.map((event, index) => ({ ...event, session, seq: index + 1 }));
}

/** One event, or none where its kind stays where it happened. */
function eventsIn(line: string, number: number): Event[] {
  const bad = (why: string, cause?: unknown) =>
    new CrucibleError("bad-input", `line ${number} is no event of a session: ${why}`, {
      hint: "write the file with: crucible sessions export ID --format jsonl",
      ...(cause === undefined ? {} : { cause }),
    });
  const checked = <T>(form: z.ZodMiniType<T>, value: unknown): T => {
    const result = z.safeParse(form, value);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw bad(issue ? issueText(issue) : "not readable");
  };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw bad("not JSON", error);
  }
  const head = checked(envelope, value);
  if (!Object.hasOwn(KINDS, head.kind)) return [];
  const form: z.ZodMiniType = KINDS[head.kind as keyof typeof KINDS];
  const event = { ...head, epoch: 0, ...(checked(form, value) as object) };
  return [whole(event)];
}

/** With what our events have beside: nobody here vouches for checks, and the beginning says where all of it is from. */
function whole(event: { readonly kind: string }): Event {
  if (event.kind === "session-start") return { ...event, workspace: "", imported: true } as unknown as Event;
  if (event.kind !== "turn-end") return event as Event;
  const { outcome: told, ...rest } = event as { readonly kind: "turn-end"; readonly outcome: z.infer<typeof outcome> };
  const verification = { status: "not-verified", runs: [], changed: false, text: told.verification.text };
  return { ...rest, outcome: { ...told, verification, openDenials: [] } } as unknown as Event;
}
