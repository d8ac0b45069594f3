/** The lanes and seats of one process: one lane for each model of a server, the seats shared by all of them. */
import { isFields } from "../base/json-schema.ts";
import { nameOf } from "../core/message.ts";
import type { ModelInfo } from "../core/model.ts";
import type { LaneState } from "../core/ports/models.ts";
import { lookAt } from "./discover.ts";
import { HttpFailure } from "./http.ts";
import { createLane, createSeats, type Lane, type Seats } from "./lane.ts";
import type { ModelsContext } from "./options.ts";
import type { Glance } from "./wire.ts";

/** Ollama and LM Studio answer one request at a time unless they are told otherwise, and tell nobody; vLLM batches. */
const assumedSlots = (provider: string) => (provider === "vllm" ? 32 : 1);

export function laneFor(context: ModelsContext, glance: Glance, info: ModelInfo): Lane {
  const { target } = glance;
  const key = `${target.root} ${info.ref.model}`;
  const known = context.lanes.get(key);
  if (known) return known;
  const probe = async (signal: AbortSignal) => {
    const look = { http: context.http, timeouts: context.limits, signal };
    const seen = await lookAt(look, target);
    if (seen.state === "down") throw new HttpFailure("connect", "ECONNREFUSED", seen.problem ?? "no answer");
  };
  const lane = createLane({
    name: nameOf(info.ref),
    server: target.root,
    seats: seatsFor(context, glance),
    now: context.clock.now,
    probe,
    onChange: (state) => context.quirks.save(laneKey(state.server, state.name), { ...state, at: context.clock.now() }),
  });
  context.lanes.set(key, lane);
  return lane;
}

function laneKey(server: string, name: string): string {
  return `lane ${server} ${name}`;
}

const TEXTS = ["name", "server", "breaker", "slotsSource"];
const NUMBERS = ["failures", "slots", "active", "queued", "at"];

/** The last change of the model's breaker, in whichever process it was. */
export function laneRecord(
  context: ModelsContext,
  { server, ref }: ModelInfo,
): (LaneState & { readonly at: number }) | undefined {
  const kept = context.quirks.load(laneKey(server, nameOf(ref)));
  if (!isFields(kept)) return undefined;
  const ours =
    TEXTS.every((name) => typeof kept[name] === "string") && NUMBERS.every((name) => Number.isFinite(kept[name]));
  const known = ["closed", "open", "half-open"].includes(String(kept["breaker"]));
  return ours && known ? (kept as unknown as LaneState & { readonly at: number }) : undefined;
}

function seatsFor(context: ModelsContext, { target, slots }: Glance): Seats {
  const known = context.seats.get(target.root);
  if (known) return known;
  const configured = context.servers.find(({ url }) => URL.canParse(url) && target.root === new URL(url).origin)?.slots;
  const capacity =
    configured !== undefined
      ? ({ count: configured, source: "configured" } as const)
      : slots !== undefined
        ? ({ count: slots, source: "told" } as const)
        : ({ count: assumedSlots(target.provider), source: "assumed" } as const);
  const seats = createSeats(capacity);
  context.seats.set(target.root, seats);
  return seats;
}
