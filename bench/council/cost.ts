/** What ten voices cost against one on a machine with four slots: tokens that are read, and time. Through the program itself. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Row } from "../kit.ts";
import { councilIn } from "./real-councils.ts";
import { type Machine, SMALL_GPU, startSlotServer } from "./slot-server.ts";

export interface CouncilCosts {
  /** Tokens of the first prompt, as the server counts them. */
  readonly prefixTokens: number;
  /** Prompt tokens that the server read, ten voices against one. */
  readonly evaluated: number;
  /** Wall time from the first request to the last answer, ten voices against one. */
  readonly wall: number;
  /** The same for the whole program, start and end included. */
  readonly program: number;
  /** Most answers of the ten at the same time. */
  readonly streams: number;
  /** Seconds of the server's clock. */
  readonly oneSeconds: number;
  readonly tenSeconds: number;
}

const VOICES = 10;
const SOURCE = "src/clamp.mjs";
const QUESTION = `clamp in ${SOURCE} must take swapped bounds: clamp(5, 10, 0) is 5.`;

/** Every voice hands in the same change: nothing is left to judge, and no check is there to run. */
const ANSWER = JSON.stringify({
  approach: "bounds",
  position: "The bounds are put in order first.",
  edits: [
    {
      path: SOURCE,
      find: "export const clamp = (n, low, high) => Math.min(Math.max(n, low), high);",
      replace:
        "export const clamp = (n, low, high) => Math.min(Math.max(n, Math.min(low, high)), Math.max(low, high));",
    },
  ],
  confidence: 0.8,
});

/** The bars, as rows of the benchmark's table; at the machine's own speed, most of a minute. */
export async function councilRows(): Promise<Row[]> {
  const { prefixTokens, evaluated, wall, program, oneSeconds, tenSeconds } = await councilCosts(1);
  return [
    {
      item: "ten voices: prompt tokens the server reads, x one voice",
      value: evaluated,
      unit: "x",
      budget: { most: 1.4 },
      note: `first prompt ${prefixTokens} tokens; scripted server with four slots`,
    },
    {
      item: "ten voices: time of the program, x one voice",
      value: program,
      unit: "x",
      budget: { most: 2.8 },
      note: "8 GB GPU with a 7B model: 1,500 / 45 tokens per second, four streams 3.0 x",
    },
    {
      item: "ten voices: time at the server, x one voice",
      value: wall,
      unit: "x",
      note: `${tenSeconds.toFixed(1)} s and ${oneSeconds.toFixed(1)} s; ten equal answers on four slots cannot take less than 2.83 x`,
    },
  ];
}

export async function councilCosts(speed: number): Promise<CouncilCosts> {
  const one = await measured(1, { ...SMALL_GPU, speed });
  const ten = await measured(VOICES, { ...SMALL_GPU, speed });
  return {
    prefixTokens: one.first,
    evaluated: ten.evaluated / one.evaluated,
    wall: ten.ms / one.ms,
    program: ten.programMs / one.programMs,
    streams: ten.streams,
    oneSeconds: one.ms / 1_000,
    tenSeconds: ten.ms / 1_000,
  };
}

async function measured(voices: number, machine: Machine) {
  const folder = mkdtempSync(join(tmpdir(), "crucible-cost-"));
  const server = await startSlotServer(machine, ANSWER);
  try {
    writeWorkspace(folder, voices);
    const asked = { model: "slots", url: `${server.url}/v1`, preset: "ours" };
    const started = performance.now();
    const report = await councilIn(join(folder, "work"), QUESTION, asked, join(folder, "home"));
    const programMs = (performance.now() - started) * machine.speed;
    if (report.cost.calls !== voices) throw new Error(`${voices} voices made ${report.cost.calls} calls`);
    const { served } = server;
    const ms = Math.max(...served.map(({ ended }) => ended)) - Math.min(...served.map(({ started }) => started));
    const { promptTokens, cachedTokens } = report.cost;
    return {
      ms,
      programMs,
      streams: server.streams.most,
      evaluated: promptTokens - cachedTokens,
      first: served[0]?.promptTokens ?? 0,
    };
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that fills the shared context, and voices who all propose. */
function writeWorkspace(folder: string, voices: number): void {
  const ids = Array.from({ length: voices }, (_, at) => `v${at + 1}`);
  const config = join(folder, "home/config");
  mkdirSync(join(config, "voices"), { recursive: true });
  const duty =
    "Hand in a solution that does the task and no more: small, in the style of the file, without a new dependency, and with the errors that its neighbours throw. Name what you are not sure of.";
  for (const id of ids)
    writeFileSync(
      join(config, "voices", `${id}.md`),
      `---\nid: ${id}\ntitle: ${id.toUpperCase()}\nduty: A solution.\ntemperature: 0.5\nyields: [proposal]\ndomain: code\n---\n${duty}\n`,
    );
  writeFileSync(
    join(config, "config.jsonc"),
    JSON.stringify({ council: { contextTokens: 9_000 }, councils: { ours: { members: ids } } }),
  );
  for (const name of ["src", ".git"]) mkdirSync(join(folder, "work", name), { recursive: true });
  const lines = Array.from({ length: 440 }, (_, at) => `export const limit${at} = { low: ${at}, high: ${at * 7} };`);
  writeFileSync(
    join(folder, "work", SOURCE),
    `export const clamp = (n, low, high) => Math.min(Math.max(n, low), high);\n${lines.join("\n")}\n`,
  );
}
