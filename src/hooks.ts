/** Wires hooks: reads them, runs each under a lease (the person's own unconfined, a workspace's in a sandbox that only reads), on record. */
import { systemClock } from "./base/clock.ts";
import { CrucibleError, toFault } from "./base/error.ts";
import { sha256 } from "./base/hash.ts";
import { shortId } from "./base/id.ts";
import { shellQuoted } from "./base/shell-words.ts";
import { byteLength } from "./base/text.ts";
import { hasHookFiles, readHookFiles } from "./config/hook-files.ts";
import { LOCAL_USER } from "./core/actor.ts";
import { editClock } from "./core/edit-clock.ts";
import type { Emit } from "./core/event.ts";
import type { Lease } from "./core/grant.ts";
import type { HookAnswer, HookEntry, HookEvent, HookFacts, Hooks } from "./core/ports/hooks.ts";
import type { Sandbox } from "./core/ports/sandbox.ts";
import type { AuditPort } from "./core/ports/store.ts";
import { answerOf, type HookExit, joinAnswers, matches, readHooks } from "./extensions/hook-form.ts";
import { createMint } from "./guard/grants.ts";
import { limitsOf } from "./guard/limits.ts";
import type { Redactor } from "./guard/redact.ts";
import type { House } from "./house.ts";
import { callLimits } from "./rules.ts";
import { runOwnProgram } from "./sandbox/own-programs.ts";
import { createSandbox } from "./sandbox/sandbox.ts";
import { sandboxSettings } from "./sandbox-settings.ts";
import { memoryBlobs } from "./store/memory-blobs.ts";

export interface HookParts {
  readonly house: House;
  readonly session: string;
  readonly bare: boolean;
  readonly audit: AuditPort;
  readonly emit: Emit;
  readonly redactor: Redactor;
  /** Aborts when the session ends, and with it every lease. */
  readonly lifetime: AbortSignal;
}

export interface LiveHooks extends Hooks {
  /** Lines for the person. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

/** Every hook of this folder in the order in which they run. Throws `bad-config`. */
export async function loadHooks(
  { config, workspace }: House,
  bare: boolean,
): Promise<{ readonly entries: readonly HookEntry[]; readonly notes: readonly string[] }> {
  const ground = { places: config.places, workspace, bare };
  if (!hasHookFiles(ground)) return { entries: [], notes: [] };
  const { files, notes } = await readHookFiles(ground);
  return { entries: files.flatMap(({ value, ...from }) => readHooks(value, from)), notes };
}

/** Undefined where there are none. */
export async function openHooks(parts: HookParts): Promise<LiveHooks | undefined> {
  const { entries, notes } = await loadHooks(parts.house, parts.bare);
  if (entries.length === 0 && notes.length === 0) return undefined;
  const mint = createMint(() => systemClock.now());
  const room: Room = { ...parts, mint, confined: confinedRoom(parts, mint) };
  const due = (event: HookEvent, tool: string | undefined) =>
    entries.filter((entry) => entry.event === event && matches(entry, tool));
  return {
    notes,
    has: (event, tool) => due(event, tool).length > 0,
    async run(event, facts, signal) {
      const answers: HookAnswer[] = [];
      for (const entry of due(event, facts.tool_name)) {
        const answer = await runHook(room, entry, facts, signal);
        answers.push(answer);
        if (answer.decision === "deny") break;
      }
      return joinAnswers(answers);
    },
    close: () => room.confined.close(),
  };
}

interface Room extends HookParts {
  readonly mint: ReturnType<typeof createMint>;
  readonly confined: ReturnType<typeof confinedRoom>;
}

async function runHook(room: Room, entry: HookEntry, facts: HookFacts, signal: AbortSignal): Promise<HookAnswer> {
  const { house, session, redactor, audit, emit } = room;
  const callId = shortId("hook");
  const started = systemClock.monotonic();
  // A workspace's program gets no secret that the model would not get.
  const told = entry.origin === "project" ? redactor.deep(facts) : facts;
  const input = JSON.stringify({
    ...{ session_id: session, cwd: house.workspace, hook_event_name: entry.event },
    ...told,
  });
  const { event, origin, file } = entry;
  const command = redactor.text(entry.command);
  await audit.append({
    ...{ action: "hook-start", session, actor: LOCAL_USER, callId, effects: ["exec"] as const },
    digest: sha256(input),
    details: { event, origin, file, command: command.slice(0, 500), confined: origin === "project" },
  });
  const exit = await run(room, entry, { callId, input }, signal).catch((error: unknown): HookExit => {
    signal.throwIfAborted();
    return { code: undefined, stdout: "", stderr: "", problem: toFault(error).message };
  });
  signal.throwIfAborted();
  const { failed, ...answer } = answerOf(entry, exit);
  const durationMs = Math.round(systemClock.monotonic() - started);
  const said = redactor.deep({ ...answer, ...(failed === undefined ? {} : { failed }) });
  const { decision, reason } = answer;
  emit({
    ...{ kind: "hook-ran" as const, on: event, command, origin, durationMs },
    ...(decision === undefined ? {} : { decision }),
    ...(reason === undefined ? {} : { reason: String(said.reason) }),
    ...(failed === undefined ? {} : { failed: String(said.failed) }),
  });
  return answer;
}

interface Order {
  readonly callId: string;
  readonly input: string;
}

/** Leases are good for so long (milliseconds); then for what they started. */
const LEASE_MS = 60_000;

function leaseFor(room: Room, { callId, input }: Order): Lease {
  const limits = limitsOf(callLimits(room.house.config));
  return room.mint.lease({
    ...{ callId, tool: "hook", inputHash: sha256(input), effects: ["exec"] as const, readOnly: true },
    ...{ reveals: [], hosts: [], limits, expiresAt: systemClock.now() + LEASE_MS, signal: room.lifetime },
  });
}

async function run(room: Room, entry: HookEntry, order: Order, signal: AbortSignal): Promise<HookExit> {
  const lease = leaseFor(room, order);
  if (entry.origin === "project") return room.confined.run(lease, entry, order.input, signal);
  const { house, mint } = room;
  const env = { ...house.env, CODECRUCIBLE_PROJECT_DIR: house.workspace, CLAUDE_PROJECT_DIR: house.workspace };
  const program = { command: entry.command, input: order.input, cwd: house.workspace, env, timeoutMs: entry.timeoutMs };
  return runOwnProgram(mint.verify, lease, program, signal);
}

/** What one command of bash can carry (bytes). */
const MOST_INPUT = 80_000;
const MOST_OUTPUT = 12_000;

/** A sandbox of their own, made for the first of them: whatever the session's is, the workspace is read there and no more. */
function confinedRoom({ house, session }: HookParts, mint: ReturnType<typeof createMint>) {
  let sandbox: Sandbox | undefined;
  const emit: Emit = (body) => ({ v: 1, seq: 0, at: systemClock.now(), session, epoch: 0, ...body });
  const open = () =>
    createSandbox({
      ...sandboxSettings(house, "read-only", []),
      ...{ session: `${session}-hooks`, passing: true, model: "none", verify: mint.verify },
      ...{ blobs: memoryBlobs(), emit, editClock: editClock() },
    });
  return {
    async run(lease: Lease, entry: HookEntry, input: string, signal: AbortSignal): Promise<HookExit> {
      if (byteLength(input) > MOST_INPUT)
        throw new CrucibleError("bad-input", "the call is too large for a workspace's hook (80 kB)");
      sandbox ??= open();
      const { exec } = sandbox.hands(lease);
      if (!exec) throw new CrucibleError("internal", "the sandbox gave no way to run a command");
      const mark = `--${shortId("hook")}--`;
      const script = [
        `export CODECRUCIBLE_PROJECT_DIR=${shellQuoted(house.workspace)} CLAUDE_PROJECT_DIR=${shellQuoted(house.workspace)}`,
        `words=$(mktemp); printf '%s' ${shellQuoted(input)} | bash -c ${shellQuoted(entry.command)} 2>"$words" | head -c ${MOST_OUTPUT}`,
        `code=\${PIPESTATUS[1]}; printf '\\n${mark}\\n'; head -c ${MOST_OUTPUT} "$words"; exit $code`,
      ].join("\n");
      const result = await exec.run(script, { timeoutMs: entry.timeoutMs }, signal);
      const [stdout = "", stderr = ""] = result.output.split(`\n${mark}\n`);
      if (result.timedOut)
        return { code: undefined, stdout, stderr, problem: `it took longer than ${entry.timeoutMs / 1000} s` };
      if (result.exitCode === null)
        return { code: undefined, stdout, stderr, problem: `ended by ${result.signal ?? "a signal"}` };
      return { code: result.exitCode, stdout, stderr };
    },
    close: async () => sandbox?.close(),
  };
}
