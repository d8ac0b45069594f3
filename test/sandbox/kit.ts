/** A sandbox over temporary folders with in-memory blobs and recorded events. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { sha256 } from "../../src/base/hash.ts";
import type { Event, EventBody } from "../../src/core/event.ts";
import type { Grant } from "../../src/core/grant.ts";
import type { Sandbox } from "../../src/core/ports/sandbox.ts";
import type { Blobs } from "../../src/core/ports/store.ts";
import bubblewrap from "../../src/sandbox/backends/bubblewrap.ts";
import docker from "../../src/sandbox/backends/docker.ts";
import landlock from "../../src/sandbox/backends/landlock.ts";
import sandboxRuntime from "../../src/sandbox/backends/sandbox-runtime.ts";
import type { SandboxOptions } from "../../src/sandbox/options.ts";
import { createSandbox } from "../../src/sandbox/sandbox.ts";

export function memoryBlobs(): Blobs & { readonly map: Map<string, Uint8Array> } {
  const map = new Map<string, Uint8Array>();
  const put = async (bytes: Uint8Array) => {
    const hash = sha256(bytes);
    map.set(hash, Uint8Array.from(bytes));
    return hash;
  };
  return {
    map,
    put,
    putAll: (items) => Promise.all(items.map(put)),
    has: (hash) => map.has(hash),
    get: async (hash) => map.get(hash),
  };
}

export interface Kit extends AsyncDisposable, Made {
  readonly base: string;
  readonly workspace: string;
  readonly home: string;
  readonly blobs: ReturnType<typeof memoryBlobs>;
  readonly events: EventBody[];
}

/** Not `/tmp`: inside a session that name means the session's private folder. */
export const BASE = "/var/tmp";

let calls = 0;

export interface Made {
  readonly sandbox: Sandbox;
  grant(effects: Grant["effects"], extra?: Partial<Grant>): Grant;
}

/** A sandbox and the one who mints its grants. */
export function sandboxFor(
  places: Pick<SandboxOptions, "workspace" | "home" | "stateDir"> & Partial<SandboxOptions>,
  blobs: ReturnType<typeof memoryBlobs>,
  events: EventBody[],
): Made {
  const minted = new Set<Grant>();
  let edits = 0;
  const sandbox = createSandbox({
    addDirs: [],
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: places.home },
    session: "s1",
    model: "ollama/test",
    mode: "workspace-write",
    verify: (grant) => minted.delete(grant),
    blobs,
    emit: (body) => {
      events.push(body);
      return { v: 1, seq: events.length, at: 0, session: "s1", epoch: 1, ...body } as Event;
    },
    clock: systemClock,
    editClock: { tick: () => ++edits },
    config: { read: [], expose: [], env: {} },
    backends: [bubblewrap, docker, landlock, sandboxRuntime],
    ...places,
  });
  const grant = (effects: Grant["effects"], more: Partial<Grant> = {}): Grant => {
    const made: Grant = {
      callId: `call-${++calls}`,
      tool: "test",
      inputHash: "",
      effects,
      readOnly: false,
      reveals: [],
      hosts: [],
      limits: { wallMs: 20_000, outputBytes: 30_000, memoryBytes: 0, processes: 0, fileBytes: 0 },
      expiresAt: Date.now() + 60_000,
      ...more,
    };
    minted.add(made);
    return made;
  };
  return { sandbox, grant };
}

/** `prepare` fills the workspace before the sandbox is made. */
export async function makeKit(
  extra: Partial<SandboxOptions> = {},
  prepare?: (dirs: { base: string; workspace: string; home: string }) => void,
): Promise<Kit> {
  const base = realpathSync(mkdtempSync(join(BASE, "crucible-")));
  const workspace = join(base, "ws");
  const home = join(base, "home");
  mkdirSync(workspace);
  mkdirSync(home);
  prepare?.({ base, workspace, home });
  const blobs = memoryBlobs();
  const events: EventBody[] = [];
  const made = sandboxFor({ workspace, home, stateDir: join(base, "state"), ...extra }, blobs, events);
  const dispose = async () => {
    await made.sandbox.close();
    rmSync(base, { recursive: true, force: true });
  };
  return { base, workspace, home, ...made, blobs, events, [Symbol.asyncDispose]: dispose };
}
