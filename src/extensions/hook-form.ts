/** The settled form of hooks: how they are written down, which calls they match, and what their exit and output say. Pure. */
import * as z from "zod/mini";
import { CrucibleError } from "../base/error.ts";
import { issueText } from "../base/issue-text.ts";
import { patternCost } from "../base/pattern-cost.ts";
import { nearest } from "../base/text.ts";
import { toolNames } from "../base/tool-names.ts";
import { HOOK_EVENTS, type HookAnswer, type HookEntry, type HookEvent } from "../core/ports/hooks.ts";

const MS = 1000;
const DEFAULT_SECONDS = 60;

const makeForm = () =>
  z.record(
    z.string(),
    z.array(
      z.strictObject({
        matcher: z.optional(z.string()),
        hooks: z.array(
          z.strictObject({
            type: z.optional(z.literal("command")),
            command: z.string().check(z.minLength(1)),
            timeout: z.optional(z.number().check(z.minimum(0.1), z.maximum(600))),
            failClosed: z.optional(z.literal(true)),
          }),
        ),
      }),
    ),
  );

/** The hooks of a file that holds `{"hooks": {…}}`. Throws `bad-config` that names the file. */
export function readHooks(value: unknown, { origin, file }: Pick<HookEntry, "origin" | "file">): readonly HookEntry[] {
  const { hooks, $schema: _schema, ...rest } = (value ?? {}) as Record<string, unknown>;
  const [strange] = Object.keys(rest);
  if (strange !== undefined) throw bad(`${file}: unknown key ${strange}`, 'the file holds {"hooks": {…}}');
  const parsed = z.safeParse(makeForm(), hooks ?? {});
  const issue = parsed.success ? undefined : parsed.error.issues[0];
  if (!parsed.success) throw bad(`${file}: hooks: ${issue ? issueText(issue) : "not readable"}`, "see docs/extend.md");
  return Object.entries(parsed.data).flatMap(([event, groups]) => {
    if (!isEvent(event)) throw unknownEvent(file, event);
    return groups.flatMap(({ matcher = "", hooks: entries }) => {
      patternOf(matcher, file);
      if (origin === "project") refuseSlow(matcher, file);
      return entries.map(({ command, timeout = DEFAULT_SECONDS, failClosed = false }) => ({
        ...{ event, matcher, command, failClosed, origin, file },
        timeoutMs: Math.round(timeout * MS),
      }));
    });
  });
}

const isEvent = (name: string): name is HookEvent => HOOK_EVENTS.some((each) => each === name);

function unknownEvent(file: string, event: string): CrucibleError {
  const near = nearest(event, HOOK_EVENTS);
  return bad(
    `${file}: there is no hook event ${event}`,
    near ? `did you mean ${near}?` : `there are ${HOOK_EVENTS.join(", ")}`,
  );
}

function patternOf(matcher: string, file: string): RegExp | undefined {
  if (matcher === "" || matcher === "*") return undefined;
  try {
    return new RegExp(`^(?:${matcher})$`);
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    throw bad(`${file}: matcher ${JSON.stringify(matcher)}: ${why}`, "a regular expression over names of tools");
  }
}

/** Longest name of a tool, roughly (characters), and the steps that four repetitions over it may take. */
const NAME_LENGTH = 100;
const MOST_STEPS = (NAME_LENGTH + 1) ** 5;

/** A project's matcher is looked for before every call: one that may take for ever is none. */
function refuseSlow(matcher: string, file: string): void {
  const alternatives = matcher.includes("(") ? [matcher] : matcher.split("|");
  if (matcher === "*" || alternatives.every((each) => patternCost(each, NAME_LENGTH) <= MOST_STEPS)) return;
  throw bad(
    `${file}: matcher ${JSON.stringify(matcher)} may take too long`,
    "no repeated group, no reference back, at most four repetitions",
  );
}

/** True when the hook is about this tool, by our name of it or by the one that others use. */
export function matches({ matcher, file }: HookEntry, tool: string | undefined): boolean {
  const pattern = patternOf(matcher, file);
  return pattern === undefined || tool === undefined || toolNames(tool).some((name) => pattern.test(name));
}

/** How a hook ended: undefined code = killed, timed out or never started. */
export interface HookExit {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Why there is no code. */
  readonly problem?: string;
}

/** Its failure is a no where something waits for its yes. */
const DECIDING: ReadonlySet<HookEvent> = new Set(["PreToolUse", "PermissionRequest"]);
/** What it prints as plain text is for the model. */
const TELLING: ReadonlySet<HookEvent> = new Set(["UserPromptSubmit", "SessionStart"]);
const MOST = 10_000;

/** What one hook said; `failed` names what went wrong with it. An approval is no answer: hooks only tighten. */
export function answerOf(entry: HookEntry, exit: HookExit): HookAnswer & { readonly failed?: string } {
  const { event } = entry;
  if (exit.code === 2) return { decision: "deny", reason: clip(exit.stderr) || clip(exit.stdout) || "no reason given" };
  if (exit.code !== 0) return failure(entry, exit.problem ?? `exit code ${exit.code} ${clip(exit.stderr)}`.trim());
  const text = exit.stdout.trim();
  if (!text.startsWith("{")) return TELLING.has(event) && text !== "" ? { context: clip(text) } : {};
  try {
    return readAnswer(JSON.parse(text) as Record<string, unknown>);
  } catch {
    return failure(entry, "its output begins with { and is no JSON");
  }
}

function failure({ event, failClosed, command }: HookEntry, problem: string) {
  const failed = `${clip(command).slice(0, 120)}: ${problem}`;
  return DECIDING.has(event) || failClosed
    ? { decision: "deny" as const, reason: `the hook failed: ${failed}`, failed }
    : { failed };
}

function readAnswer(answer: Readonly<Record<string, unknown>>): HookAnswer {
  const specific = answer["hookSpecificOutput"];
  const own = (typeof specific === "object" && specific !== null ? specific : {}) as Record<string, unknown>;
  const inner = own["decision"] as { behavior?: unknown; message?: unknown } | undefined;
  const said = [answer["decision"], own["permissionDecision"], inner?.behavior];
  const reasons = [own["permissionDecisionReason"], inner?.message, answer["reason"], answer["stopReason"]];
  const stop = answer["continue"] === false || said.some((word) => word === "block" || word === "deny");
  const decision = stop ? ("deny" as const) : said.includes("ask") ? ("ask" as const) : undefined;
  const reason = reasons.find((each) => typeof each === "string");
  const context = [own["additionalContext"], answer["additionalContext"]].find((each) => typeof each === "string");
  return {
    ...(decision === undefined ? {} : { decision }),
    ...(reason === undefined ? {} : { reason: clip(String(reason)) }),
    ...(context === undefined ? {} : { context: clip(String(context)) }),
  };
}

/** The strictest decision with its reason, and all that was added. */
export function joinAnswers(answers: readonly HookAnswer[]): HookAnswer {
  const strict = answers.find(({ decision }) => decision === "deny") ?? answers.find(({ decision }) => decision);
  const context = answers.flatMap((answer) => (answer.context === undefined ? [] : [answer.context])).join("\n");
  return {
    ...(strict?.decision === undefined ? {} : { decision: strict.decision }),
    ...(strict?.reason === undefined ? {} : { reason: strict.reason }),
    ...(context === "" ? {} : { context }),
  };
}

const clip = (text: string) => text.trim().slice(0, MOST);

function bad(message: string, hint: string): CrucibleError {
  return new CrucibleError("bad-config", message, { hint });
}
