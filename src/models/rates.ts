/** What a model does on this machine, learned from the answers the person asked for and kept by model digest. */
import { isFields } from "../base/json-schema.ts";
import type { Usage } from "../core/message.ts";
import type { QuirkStore, Rates } from "../core/ports/models.ts";

/** Weight of the newest answer in a moving mean. */
const NEWEST = 0.3;
/** Fewer tokens than this say nothing about a speed. */
const LEAST_PREFILL = 100;
const LEAST_OUTPUT = 8;

const NEEDED = ["answers", "validCalls", "invalidCalls"] as const;
const MAYBE = ["ttftMs", "prefillPerSecond", "decodePerSecond", "loadMs", "reuse", "bytesPerToken"] as const;

/** What was stored, if it is what this version stores: checked by hand, since this stands on the way to the first request. */
function ratesIn(stored: unknown): Rates | undefined {
  if (!isFields(stored)) return undefined;
  const numbers = [...NEEDED, ...MAYBE].filter((name) => name in stored);
  const outcomes = stored["outcomes"];
  if (!NEEDED.every((name) => name in stored) || !numbers.every((name) => Number.isFinite(stored[name])))
    return undefined;
  const pairs = isFields(outcomes) ? Object.values(outcomes) : [undefined];
  const good = pairs.every((pair) => isFields(pair) && Number.isFinite(pair["good"]) && Number.isFinite(pair["bad"]));
  if (!good) return undefined;
  return Object.fromEntries([...numbers, "outcomes"].map((name) => [name, stored[name]])) as unknown as Rates;
}

/** One answer, as it was measured. Times in milliseconds. */
export interface Sample {
  readonly usage?: Usage;
  /** From sending to the first token, without the wait for a seat. */
  readonly ttftMs?: number;
  /** From the first token to the last. */
  readonly decodeMs?: number;
  readonly validCalls: number;
  readonly invalidCalls: number;
  readonly bytesPerToken?: number;
}

export interface RateBook {
  readonly value: Rates;
  learn(sample: Sample): void;
  /** What became of work of this kind: `band` is low, middle or high complexity. */
  outcome(band: string, good: boolean): void;
}

const EMPTY: Rates = { answers: 0, validCalls: 0, invalidCalls: 0, outcomes: {} };

export function openRates(store: QuirkStore, key: string): RateBook {
  const name = `rates ${key}`;
  let value = ratesIn(store.load(name)) ?? EMPTY;
  const keep = (next: Rates) => {
    value = next;
    store.save(name, JSON.parse(JSON.stringify(next)));
  };
  return {
    get value() {
      return value;
    },
    learn: (sample) => keep(learned(value, sample)),
    outcome(band, good) {
      const { good: before, bad } = value.outcomes[band] ?? { good: 0, bad: 0 };
      const now = good ? { good: before + 1, bad } : { good: before, bad: bad + 1 };
      keep({ ...value, outcomes: { ...value.outcomes, [band]: now } });
    },
  };
}

function learned(before: Rates, { usage, ttftMs, decodeMs, ...sample }: Sample): Rates {
  const reported = usage?.source === "reported" ? usage : undefined;
  const evaluated = reported ? reported.input - (reported.cached ?? 0) : 0;
  const prefill = evaluated >= LEAST_PREFILL ? perSecond(evaluated, reported?.prefillMs) : undefined;
  const decode = reported && reported.output >= LEAST_OUTPUT ? perSecond(reported.output, decodeMs) : undefined;
  const reuse = reported?.cached === undefined || reported.input === 0 ? undefined : reported.cached / reported.input;
  const { answers, validCalls, invalidCalls, outcomes } = before;
  return withoutAbsent({
    answers: answers + 1,
    ttftMs: mean(before.ttftMs, ttftMs),
    prefillPerSecond: mean(before.prefillPerSecond, prefill),
    decodePerSecond: mean(before.decodePerSecond, decode),
    loadMs: mean(before.loadMs, usage?.loadMs !== undefined && usage.loadMs > 500 ? usage.loadMs : undefined),
    reuse: mean(before.reuse, reuse),
    bytesPerToken: sample.bytesPerToken ?? before.bytesPerToken,
    validCalls: validCalls + sample.validCalls,
    invalidCalls: invalidCalls + sample.invalidCalls,
    outcomes,
  });
}

function perSecond(tokens: number, ms: number | undefined): number | undefined {
  return ms === undefined || ms < 1 ? undefined : (tokens * 1_000) / ms;
}

function mean(before: number | undefined, now: number | undefined): number | undefined {
  if (now === undefined || before === undefined) return now ?? before;
  return before + NEWEST * (now - before);
}

type Loose = { readonly [Key in keyof Rates]: Rates[Key] | undefined };

function withoutAbsent(rates: Loose): Rates {
  return Object.fromEntries(Object.entries(rates).filter(([, value]) => value !== undefined)) as unknown as Rates;
}
