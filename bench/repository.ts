/** The map of a repository of 20,000 files: cold, warm in another process's place, after edits; and what the main thread feels. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { delay } from "../src/base/async.ts";
import { systemClock } from "../src/base/clock.ts";
import { createRepository, type Repository } from "../src/cache/repository.ts";
import type { Sandbox } from "../src/core/ports/sandbox.ts";
import { grammarsInMemory } from "../src/grammars.ts";
import { poolSize } from "../src/repository.ts";
import { createPool } from "../src/workers/pool.ts";
import { makeKit } from "../test/sandbox/kit.ts";
import { median, type Row } from "./kit.ts";
import { writeSource } from "./repository-files.ts";

const FILES = 20_000;
const EDITS = 10;
const ROUNDS = 5;

interface Measured {
  readonly ms: number;
  /** Processor time of all threads (milliseconds). */
  readonly cpuMs: number;
  /** Longest time for which the main thread answered nothing (milliseconds). */
  readonly stalledMs: number;
}

export async function repository(): Promise<Row[]> {
  await using kit = await makeKit();
  const paths = Array.from({ length: FILES }, (_, id) => writeSource(kit.workspace, id, { count: FILES }));
  const readAll = () => {
    const started = performance.now();
    const bytes = paths.reduce((sum, path) => sum + readFileSync(path).length, 0);
    return { ms: performance.now() - started, bytes };
  };
  readAll();
  const pool = createPool({ size: poolSize(navigator.hardwareConcurrency) });
  const grammars = grammarsInMemory();
  const folder = join(kit.base, "cache");
  const open = () => createRepository({ folder, workers: async () => pool, grammars, now: systemClock.now });
  const look = (from: Repository) => measure(kit, from);

  const first = open();
  const cold = await look(first);
  const parse = pool.metrics().jobs.parse;
  const again = await several(() => look(first));
  first.close();
  const warm = await several(async () => {
    const next = open();
    const measured = await look(next);
    next.close();
    return measured;
  });
  const last = open();
  const edited = await several((round) => {
    for (let id = 0; id < EDITS; id++) writeSource(kit.workspace, id * 101 + round, { count: FILES, salt: round + 1 });
    return look(last);
  });
  last.close();
  await pool.close();
  const floor = median(Array.from({ length: 3 }, () => readAll().ms));
  const { bytes } = readAll();
  const size = `${FILES} files, ${(bytes / 1e6).toFixed(1)} MB`;
  const row = (item: string, { ms, cpuMs }: Measured, budget?: Row["budget"], note = ""): Row => ({
    item: `repository map, ${item}`,
    value: ms,
    unit: "ms",
    floor,
    ...(budget ? { budget } : {}),
    note: [`${Math.round(cpuMs)} ms of processor time`, ...(note === "" ? [] : [note])].join("; "),
  });
  const held = { item: "repository map, main thread held", unit: "ms", floor: await idle() };
  const parsing = parse ? `parsing ${Math.round(parse.runMs)} ms in ${parse.done} jobs on ${pool.size} worker(s)` : "";
  return [
    row("cold", cold, { most: 10_000 }, `${size}; ${parsing}; floor: reading their bytes`),
    row("warm, from disk", warm, { most: 300 }, "as a new process finds it"),
    row("warm, same session", again, { most: 300 }),
    row(`after ${EDITS} edits`, edited),
    { ...held, value: cold.stalledMs, note: "cold, longest; floor: an idle main thread in the same minute" },
    { ...held, value: warm.stalledMs, note: "warm, longest" },
  ];
}

async function measure(
  kit: { sandbox: Sandbox } & Pick<Awaited<ReturnType<typeof makeKit>>, "grant">,
  from: Repository,
): Promise<Measured> {
  const { tree } = kit.sandbox.hands(kit.grant(["read"]));
  if (!tree) throw new Error("no hands for trees");
  const watch = monitorEventLoopDelay({ resolution: 1 });
  watch.enable();
  const started = performance.now();
  const used = process.cpuUsage();
  const map = await from
    .hands(tree)
    .map({ path: ".", focus: ["handleOrder12"], most: 400 }, AbortSignal.timeout(600_000));
  const ms = performance.now() - started;
  watch.disable();
  const { user, system } = process.cpuUsage(used);
  if (map.ranked !== FILES) throw new Error(`${map.ranked} of ${FILES} files were ranked`);
  return { ms, cpuMs: (user + system) / 1000, stalledMs: watch.max / 1e6 };
}

/** The longest that a main thread without work answers nothing, in two seconds: what the machine itself adds. */
async function idle(): Promise<number> {
  const watch = monitorEventLoopDelay({ resolution: 1 });
  watch.enable();
  await delay(2000);
  watch.disable();
  return watch.max / 1e6;
}

/** The median of some rounds. */
async function several(run: (round: number) => Promise<Measured>): Promise<Measured> {
  const all: Measured[] = [];
  for (let round = 0; round < ROUNDS; round++) all.push(await run(round));
  const middle = (key: keyof Measured) => median(all.map((each) => each[key]));
  return { ms: middle("ms"), cpuMs: middle("cpuMs"), stalledMs: middle("stalledMs") };
}
