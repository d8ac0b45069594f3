/** Where work for MCP clients is done: a session of this program for each call, one at a time. */
import { CrucibleError, type Fault } from "../../base/error.ts";
import { oneLine } from "../../base/text.ts";
import type { Actor } from "../../core/actor.ts";
import type { Event } from "../../core/event.ts";
import { EXTERNAL_LABEL } from "../../core/label.ts";
import type { Work } from "../../core/ports/app.ts";
import type { Human } from "../../core/ports/human.ts";
import type { Ground } from "../../core/ports/serving.ts";
import { councilWords, reviewWords, spiralWords } from "../../core/report-text.ts";
import type { Outcome } from "../../core/task.ts";
import { workStep } from "../../core/work-step.ts";
import { createQueue } from "./queue.ts";

export interface Order {
  readonly prompt: string;
  readonly work: Work;
  /** What the client calls itself. */
  readonly client: string;
  readonly human: Human;
  readonly signal: AbortSignal;
  readonly step: (line: string) => void;
}

export interface WorkResult {
  readonly session: string;
  readonly status: Outcome["status"];
  readonly text: string;
  readonly verification: { readonly status: string; readonly text: string };
  readonly denied: readonly { readonly tool: string; readonly reason: string }[];
  readonly report?: object;
}

export interface Desk {
  readonly ground: Ground;
  /** Throws what went wrong; work that ended with a report is a result, whatever the report says. */
  work(order: Order): Promise<WorkResult>;
  /** Takes no more, stops what runs, and resolves when nothing of it is left. */
  close(): Promise<void>;
}

export function createDesk(ground: Ground): Desk {
  const queue = createQueue();
  const lifetime = new AbortController();
  return {
    ground,
    work(order) {
      const signal = AbortSignal.any([order.signal, lifetime.signal]);
      if (queue.length > 0) order.step(`waits for ${queue.length} before it`);
      return queue.run(() => workOn(ground, { ...order, signal }), signal);
    },
    async close() {
      lifetime.abort(new CrucibleError("aborted", "the server ends"));
      await queue.idle();
    },
  };
}

/** A program asks, never the person: it can approve nothing. */
function clientActor(client: string): Actor {
  return { id: `mcp:${client}`, role: "service", scopes: ["prompt"] };
}

async function workOn({ app, base, budget }: Ground, order: Order): Promise<WorkResult> {
  const { prompt, work, client, human, signal, step } = order;
  const report = reportFrom();
  const live = await app.open({
    ...base,
    ...work,
    human,
    signal,
    actor: clientActor(client),
    title: oneLine(prompt, 80),
    onEvent(event) {
      report.take(event);
      const line = workStep(event);
      if (line !== undefined) step(line);
    },
  });
  try {
    // Nobody knows who wrote what another program asks for.
    const said = [{ type: "text" as const, text: prompt, label: EXTERNAL_LABEL }];
    const larger = Object.keys(work).length > 0;
    const outcome = await live.prompt(said, { budget: larger ? {} : budget, signal });
    const found = report.found();
    if (outcome.status !== "done" && !found) throw thrown(outcome.fault, signal);
    const { status, text } = outcome.verification;
    return {
      session: live.id,
      status: outcome.status,
      text: found?.text ?? outcome.text,
      verification: { status, text },
      denied: outcome.openDenials.map(({ tool, reason }) => ({ tool, reason })),
      ...(found ? { report: found.report } : {}),
    };
  } finally {
    await live.close();
  }
}

function thrown(fault: Fault | undefined, signal: AbortSignal): CrucibleError {
  if (!fault || signal.aborted) return new CrucibleError("aborted", "cancelled");
  return new CrucibleError(fault.code, fault.message, fault.hint === undefined ? {} : { hint: fault.hint });
}

/** The last report that the events told of. */
function reportFrom() {
  let found: { readonly report: object; readonly text: string } | undefined;
  return {
    found: () => found,
    take(event: Event) {
      if (event.kind === "decision-made") found = { report: event.report, text: councilWords(event.report) };
      if (event.kind === "review-end") found = { report: event.report, text: reviewWords(event.report) };
      if (event.kind === "spiral-end") found = { report: event.report, text: spiralWords(event.report) };
    },
  };
}
