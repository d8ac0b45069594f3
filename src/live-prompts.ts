/** Prompts of a live session on their way in and out: what a command may use, and what hooks say of them. */
import { delay } from "./base/async.ts";
import { CrucibleError } from "./base/error.ts";
import { hasHookFiles } from "./config/hook-files.ts";
import { WORKSPACE_LABEL } from "./core/label.ts";
import { wordsOf } from "./core/message.ts";
import type { LiveSession, PromptOptions } from "./core/ports/app.ts";
import type { Hooks } from "./core/ports/hooks.ts";
import type { Human } from "./core/ports/human.ts";
import type { Outcome, Said } from "./core/task.ts";
import type { HookParts, LiveHooks } from "./hooks.ts";
import type { Now } from "./live-controls.ts";

/** Undefined where there are none: nothing of them is loaded then. Throws `bad-config`. */
export async function hooksFor(parts: HookParts): Promise<LiveHooks | undefined> {
  const { config, workspace } = parts.house;
  if (!hasHookFiles({ places: config.places, workspace, bare: parts.bare })) return undefined;
  return (await import("./hooks.ts")).openHooks(parts);
}

/** Tells PreCompact hooks; they cannot keep a full window from being emptied. */
export function compacting(hooks: Hooks | undefined) {
  if (!hooks?.has("PreCompact")) return {};
  return { beforeCompaction: (signal: AbortSignal) => hooks.run("PreCompact", { trigger: "auto" }, signal) };
}

/** How often a Stop hook may send the voice back to work in one turn. */
const MOST_STOPS = 3;

interface PromptParts {
  readonly hooks: Hooks | undefined;
  readonly now: Now;
  readonly prompt: LiveSession["prompt"];
  readonly resumed: boolean;
}

/** How long the end of a turn is waited for when its session closes (milliseconds). */
const SETTLE_MS = 2_000;

export interface LivePrompts {
  readonly prompt: LiveSession["prompt"];
  /** The turn at work has ended, or takes too long to: then it is not waited for. */
  settled(): Promise<void>;
}

/** One at a time: a list of tools holds for its own turn. */
export function livePrompts({ hooks, now, prompt, resumed }: PromptParts): LivePrompts {
  let queue: Promise<unknown> = Promise.resolve();
  let begun = false;
  const run = async (said: Said, { only, ...options }: PromptOptions): Promise<Outcome> => {
    now.narrow = only;
    try {
      if (!hooks) return await prompt(said, options);
      const source = resumed ? "resume" : "startup";
      const started = begun ? {} : await hooks.run("SessionStart", { source }, options.signal);
      begun = true;
      const heard = await hooks.run("UserPromptSubmit", { prompt: wordsOf(said) }, options.signal);
      if (heard.decision === "deny")
        throw new CrucibleError("denied", `a hook stopped this prompt: ${heard.reason ?? "without a reason"}`, {
          hint: "crucible doctor lists the hooks",
        });
      const told = [started.context, heard.context].filter((text) => text !== undefined).join("\n");
      const context = `<hook-context>\n${told.replaceAll("</hook-context", "<\\/hook-context")}\n</hook-context>\n`;
      // What is said in between would pass by the hook: it waits and is the next prompt.
      const { steering, ...calm } = options;
      const asked = hooks.has("UserPromptSubmit") || !steering ? calm : options;
      const first = told === "" ? [] : [{ type: "text" as const, text: context, label: WORKSPACE_LABEL }];
      return await stopping(hooks, prompt, await prompt([...first, ...said], asked), asked);
    } finally {
      now.narrow = undefined;
    }
  };
  return {
    prompt(said, options) {
      const next = queue.then(() => run(said, options));
      queue = next.catch(() => undefined);
      return next;
    },
    async settled() {
      const enough = new AbortController();
      const late = delay(SETTLE_MS, enough.signal).catch(() => undefined);
      await Promise.race([queue, late]);
      enough.abort();
    },
  };
}

/** A Stop hook that objects sends it back to work with its reason. */
async function stopping(
  hooks: Hooks,
  prompt: LiveSession["prompt"],
  first: Outcome,
  options: PromptOptions,
): Promise<Outcome> {
  let outcome = first;
  for (let again = 0; again <= MOST_STOPS && outcome.status === "done" && hooks.has("Stop"); again++) {
    const facts = { stop_hook_active: again > 0, last_assistant_message: outcome.text };
    const { decision, reason = "it is not done" } = await hooks.run("Stop", facts, options.signal);
    if (decision !== "deny" || again === MOST_STOPS) break;
    const text = `A hook says it is not done: ${reason}`;
    outcome = await prompt([{ type: "text", text, label: WORKSPACE_LABEL }], options);
  }
  return outcome;
}

/** Questions that wait are told to Notification hooks; nobody waits for those. */
export function noticing(human: Human, hooks: Hooks | undefined, lifetime: AbortSignal): Human {
  if (!hooks?.has("Notification")) return human;
  const tell = (message: string) =>
    void hooks.run("Notification", { message, notification_type: "question" }, lifetime).catch(() => undefined);
  return {
    present: human.present,
    approve(question, signal) {
      tell(question.title);
      return human.approve(question, signal);
    },
    ask(question, choices, signal) {
      tell(question);
      return human.ask(question, choices, signal);
    },
  };
}

const LAST_MS = 10_000;

/** The session's last hooks; they are waited for, but not for long. */
export async function endHooks(hooks: LiveHooks | undefined): Promise<void> {
  if (hooks?.has("SessionEnd"))
    await hooks.run("SessionEnd", { reason: "exit" }, AbortSignal.timeout(LAST_MS)).catch(() => undefined);
  await hooks?.close();
}
