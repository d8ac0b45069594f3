/** Work that stops only when a check passes: after each answer the check runs, and what it printed is the next instruction. */
import { shortId } from "../base/id.ts";
import type { Emit } from "../core/event.ts";
import type { GoalOptions } from "../core/ports/app.ts";
import type { Conductor } from "../core/ports/conductor.ts";
import type { Gate, ToolOutcome } from "../core/ports/gate.ts";
import type { Outcome, Task } from "../core/task.ts";
import { checkRunOf } from "./evidence.ts";

export interface GoalParts {
  /** Who does the work. */
  readonly inner: Conductor;
  readonly gate: Gate;
  readonly emit: Emit;
  readonly edits: { readonly value: number };
  readonly goal: GoalOptions;
}

/** Characters of what the check printed that the model is told. */
const TOLD = 6_000;

/** Ends with the inner fault, with a check that passed, or with fault `findings` after the last attempt. */
export function goalConductor(parts: GoalParts): Conductor {
  const { inner, emit, goal } = parts;
  return {
    async run(task, signal) {
      for (let attempt = 1; ; attempt++) {
        const outcome = await inner.run(task, signal);
        if (outcome.status !== "done") return outcome;
        const ran = await runCheck(parts, task, signal);
        if (ran.details?.["exitCode"] === 0) return passed(outcome, goal.check);
        if (ran.denied || attempt >= goal.attempts) return failed(outcome, goal.check, { ran, attempt });
        const text = `The check \`${goal.check}\` does not pass yet:\n${textOf(ran).slice(-TOLD)}\nGo on until it does.`;
        emit(
          { kind: "message-added", message: { role: "user", parts: [{ type: "text", text }] }, reason: "goal" },
          { turn: task.turn },
        );
      }
    },
  };
}

async function runCheck({ gate, emit, edits, goal }: GoalParts, task: Task, signal: AbortSignal): Promise<ToolOutcome> {
  const call = { type: "tool-call" as const, id: shortId("goal", 8), tool: "shell", input: { command: goal.check } };
  const ran = await gate.run(call, { actor: task.actor, turn: task.turn, voice: "goal" }, signal);
  signal.throwIfAborted();
  const check = checkRunOf(ran, edits.value, call.id);
  if (check) emit({ kind: "check-run", ...check }, { turn: task.turn });
  return ran;
}

function passed(outcome: Outcome, check: string): Outcome {
  const text = `the goal is reached: \`${check}\` exit 0`;
  return { ...outcome, verification: { ...outcome.verification, status: "passed", text } };
}

function failed(outcome: Outcome, check: string, { ran, attempt }: { ran: ToolOutcome; attempt: number }): Outcome {
  const why = ran.denied ? `was not allowed: ${ran.verdict.reason}` : `does not pass after ${attempt} attempts`;
  return {
    ...outcome,
    status: "failed",
    fault: {
      code: "findings",
      message: `the goal is not reached: \`${check}\` ${why}`,
      hint: "go on with: crucible -c",
      retryable: false,
    },
    verification: { ...outcome.verification, status: "failed" },
  };
}

const textOf = ({ parts }: ToolOutcome) => parts.map((part) => (part.type === "text" ? part.text : "")).join("\n");
