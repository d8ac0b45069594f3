/** `crucible status`: servers and models as they stand, with the breakers and rates of earlier answers. */

import type { Command } from "commander";
import { nameOf } from "../../core/message.ts";
import type { ModelInfo } from "../../core/model.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import type { LaneState, Models, Rates } from "../../core/ports/models.ts";
import { workFolder } from "../files.ts";
import { table } from "../table.ts";

interface ModelStatus {
  readonly info: ModelInfo;
  readonly rates: Rates;
  readonly lane?: LaneState & { readonly at: number };
}

const LOOK_MS = 30_000;

export default function status(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command.option("--json", "machine-readable").action(async (options: { json?: boolean }) => {
    const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
    const models = await app.models();
    const found = await models.list({}, AbortSignal.timeout(LOOK_MS));
    const known = found.models.map((info) => ({ info, ...models.known(info) }));
    const uses = usesOf(app.config.get);
    if (options.json)
      process.stdout.write(`${JSON.stringify({ servers: found.servers, models: known.map(plain), uses })}\n`);
    else process.stdout.write(shown(found.servers, known, uses));
    finish(found.servers.some(({ reachable }) => reachable) ? 0 : 60);
  });
}

type Servers = Awaited<ReturnType<Models["list"]>>["servers"];

/** Which model has which use, as configured. */
function usesOf(get: (key: string) => unknown): Readonly<Record<string, unknown>> {
  const named = ["model", "tiers.fast", "tiers.quality", "tiers.embed", "fallback"].map(
    (key) => [key, get(key)] as const,
  );
  return Object.fromEntries(
    named.filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
  );
}

function plain({ info, rates, lane }: ModelStatus): object {
  const { ref, ...rest } = info;
  return { name: nameOf(ref), digest: ref.digest ?? null, ...rest, rates, lane: lane ?? null };
}

function shown(servers: Servers, models: readonly ModelStatus[], uses: Readonly<Record<string, unknown>>): string {
  const up = servers.filter(({ reachable }) => reachable);
  const lines = (up.length > 0 ? up : servers).map(
    ({ provider, url, reachable, version, problem, hint }) =>
      `${reachable ? "up  " : "down"}  ${provider} at ${url}${version ? `, ${version}` : ""}${problem ? `: ${problem}` : ""}${hint ? `; ${hint}` : ""}\n`,
  );
  const rows = models.map(({ info, rates, lane }) => [
    nameOf(info.ref),
    info.state,
    info.loadedWindow ? String(info.loadedWindow.tokens) : "-",
    number(rates.ttftMs, (ms) => `${(ms / 1_000).toFixed(2)} s`),
    number(rates.prefillPerSecond, (rate) => `${Math.round(rate)}/s`),
    number(rates.decodePerSecond, (rate) => `${rate.toFixed(1)}/s`),
    number(rates.reuse, (part) => `${Math.round(part * 100)} %`),
    callsOf(rates),
    breakerOf(lane),
  ]);
  const head = ["MODEL", "STATE", "WINDOW", "FIRST TOKEN", "PREFILL", "DECODE", "CACHED", "CALLS", "BREAKER"];
  const used = Object.entries(uses).map(
    ([key, value]) => `${key}: ${Array.isArray(value) ? value.join(", ") : String(value)}\n`,
  );
  return [
    ...lines,
    rows.length > 0 ? `\n${table([head, ...rows])}` : "",
    used.length > 0 ? `\n${used.join("")}` : "",
  ].join("");
}

function number(value: number | undefined, form: (value: number) => string): string {
  return value === undefined ? "-" : form(value);
}

/** Tool calls that were valid, of all. */
function callsOf({ validCalls, invalidCalls }: Rates): string {
  const all = validCalls + invalidCalls;
  return all === 0 ? "-" : `${validCalls}/${all} valid`;
}

/** As the last process left it: a new one starts closed. */
function breakerOf(lane: ModelStatus["lane"]): string {
  if (!lane) return "closed";
  const when = new Date(lane.at).toISOString().slice(0, 19).replace("T", " ");
  return lane.breaker === "closed" ? `closed (since ${when})` : `${lane.breaker} (${lane.failures} failures, ${when})`;
}
