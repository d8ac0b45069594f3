/** Councils of the past: their reports, the same decision made again from the record, and what another rule would decide. */
import { canonicalJson } from "./base/canonical-json.ts";
import { systemClock } from "./base/clock.ts";
import { CrucibleError } from "./base/error.ts";
import type { CouncilReport } from "./core/council.ts";
import type { Event, EventOf } from "./core/event.ts";
import type { CouncilsView } from "./core/ports/app.ts";
import type { VoicePort } from "./core/ports/council.ts";
import type { Sessions } from "./core/ports/store.ts";
import { decide } from "./council/decide.ts";
import type { CouncilPlan } from "./council/plan.ts";
import { type CouncilResult, runCouncil } from "./council/run.ts";
import { createSteps } from "./council/steps.ts";
import type { House } from "./house.ts";
import { type CouncilRecord, openRecord } from "./outcomes.ts";

export function councilsView(sessions: Sessions, house: House): CouncilsView {
  const { workspace } = house;
  const recordOf = (id: string) => {
    const [session = "", nth = "1"] = id.split(".");
    const events = sessions.read(sessions.find(session, workspace).id);
    const starts = events.filter((event) => event.kind === "council-start");
    const start = id === "" ? undefined : (starts[Number(nth) - 1] as EventOf<"council-start"> | undefined);
    if (!start || (start.plan as { kind?: string }).kind === "review")
      throw new CrucibleError("session-missing", `there is no council ${id}`, { hint: "see: crucible council list" });
    return { events, start, plan: start.plan as unknown as CouncilPlan };
  };
  return {
    list: () =>
      sessions.list(workspace).flatMap((row) =>
        sessions.read(row.id).flatMap((event) => {
          if (event.kind !== "decision-made") return [];
          return [{ id: event.work, at: event.at, report: event.report }];
        }),
      ),
    show(id) {
      const { events, start } = recordOf(id);
      return reportOf(events, start.work);
    },
    async replay(id) {
      const { events, start, plan } = recordOf(id);
      const stored = reportOf(events, start.work);
      const { report } = await again(plan, events);
      return { report, same: canonicalJson(report) === canonicalJson(stored) };
    },
    stats: () => withRecord(house, (record) => record.stats({})),
    async settle(id, truth) {
      const { events, start } = recordOf(id);
      const { options } = reportOf(events, start.work);
      const found =
        truth === "none" ? "none" : options.find(({ label, text }) => label === truth || text === truth)?.id;
      if (found === undefined)
        throw new CrucibleError("usage", `council ${id} had no option ${truth}`, {
          hint: `there are: ${options.map(({ label }) => label).join(", ")}, none`,
        });
      if (!(await withRecord(house, (record) => record.settle(start.work, found))))
        throw new CrucibleError("session-missing", `council ${id} is not on the record`, {
          hint: "see: crucible council list",
        });
    },
    async whatIf(id, rule) {
      const { events, plan } = recordOf(id);
      const { report, input } = await again(plan, events);
      return { report, decision: decide({ ...input, request: { ...input.request, rule } }) };
    },
  };
}

async function withRecord<T>(house: House, work: (record: CouncilRecord) => T): Promise<T> {
  const record = await openRecord(house);
  try {
    return work(record);
  } finally {
    record.close();
  }
}

function reportOf(events: readonly Event[], work: string): CouncilReport {
  const made = events.find((event) => event.kind === "decision-made" && event.work === work);
  if (made?.kind === "decision-made") return made.report;
  throw new CrucibleError("session-missing", `council ${work} was cut off before it decided`, {
    hint: `go on with it: crucible council --resume ${work.split(".")[0]}`,
  });
}

/** Every step is on record: no voice is asked and nothing is run. */
function again(plan: CouncilPlan, events: readonly Event[]): Promise<CouncilResult> {
  const voices: VoicePort = {
    group: () => "",
    width: 1,
    tokens: () => 0,
    ask: () => Promise.reject(new CrucibleError("internal", "a replay asked a voice")),
  };
  const ports = { voices, steps: createSteps(plan.id, events), clock: systemClock, emit: silent };
  return runCouncil(plan, ports, new AbortController().signal);
}

const silent = (body: object) => ({ v: 1, seq: 0, at: 0, session: "", epoch: 0, ...body }) as Event;
