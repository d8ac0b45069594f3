/** Time of `true` in a single-use sandbox: from the waiting spare, and from a cold start. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { sha256 } from "../src/base/hash.ts";
import type { Event } from "../src/core/event.ts";
import type { Grant } from "../src/core/grant.ts";
import type { SandboxMode } from "../src/core/verdict.ts";
import { createSandbox } from "../src/sandbox/sandbox.ts";

const RUNS = 60;
const base = mkdtempSync(join(tmpdir(), "crucible-bench-"));

function open(mode: SandboxMode) {
  const workspace = join(base, "ws");
  mkdirSync(workspace, { recursive: true });
  return createSandbox({
    workspace,
    addDirs: [],
    home: join(base, "home"),
    env: { PATH: process.env["PATH"] ?? "" },
    stateDir: join(base, "state"),
    session: mode,
    model: "bench",
    mode,
    verify: () => true,
    blobs: {
      put: async (bytes) => sha256(bytes),
      putAll: async (items) => items.map(sha256),
      has: () => false,
      get: async () => undefined,
    },
    emit: (body) => ({ v: 1, seq: 0, at: 0, session: mode, epoch: 1, ...body }) as Event,
    clock: systemClock,
    editClock: { tick: () => 0 },
    config: { read: [], expose: [], env: {} },
  });
}

const grant = (readOnly: boolean): Grant => ({
  callId: "bench",
  tool: "shell",
  inputHash: "",
  effects: ["exec"],
  readOnly,
  reveals: [],
  hosts: [],
  limits: { wallMs: 10_000, outputBytes: 30_000, memoryBytes: 0, processes: 0, fileBytes: 0 },
  expiresAt: Date.now() + 3_600_000,
});

/** Milliseconds of each run; `readOnlyOf` decides the profile, so that a change of it starts cold. */
async function measure(mode: SandboxMode, readOnlyOf: (run: number) => boolean): Promise<number[]> {
  const sandbox = open(mode);
  const status = await sandbox.status();
  if (status.backend === undefined) throw new Error(status.reason);
  const times: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    const begun = performance.now();
    await sandbox.hands(grant(readOnlyOf(run))).exec?.run("true", { timeoutMs: 5000 }, new AbortController().signal);
    if (run > 0) times.push(performance.now() - begun);
  }
  await sandbox.close();
  return times.sort((a, b) => a - b);
}

try {
  for (const [name, mode, readOnlyOf] of [
    ["spare", "workspace-write", () => false],
    ["cold", "workspace-write", (run) => run % 2 === 0],
    ["off", "off", () => false],
  ] as const satisfies readonly (readonly [string, SandboxMode, (run: number) => boolean])[]) {
    const times = await measure(mode, readOnlyOf);
    const at = (share: number) => (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(1);
    console.log(`${name.padEnd(6)} p50 ${at(0.5)} ms  p95 ${at(0.95)} ms  max ${at(1)} ms`);
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
