/** Wires the sandbox without a session: for `crucible sandbox` and `doctor`. */
import { auditOptions } from "./audit-view.ts";
import { systemClock } from "./base/clock.ts";
import { CrucibleError } from "./base/error.ts";
import { sha256 } from "./base/hash.ts";
import { shortId } from "./base/id.ts";
import { shellQuoted } from "./base/shell-words.ts";
import { LOCAL_USER } from "./core/actor.ts";
import { editClock } from "./core/edit-clock.ts";
import type { Emit } from "./core/event.ts";
import type { SandboxView } from "./core/ports/app.ts";
import type { CommandResult } from "./core/ports/hands.ts";
import type { Sandbox } from "./core/ports/sandbox.ts";
import type { SandboxMode } from "./core/verdict.ts";
import { createMint } from "./guard/grants.ts";
import { limitsOf } from "./guard/limits.ts";
import { createRedactor } from "./guard/redact.ts";
import { pathRules } from "./guard/rules.ts";
import type { House } from "./house.ts";
import { openAudit } from "./observe/audit.ts";
import { knownSecrets } from "./redaction.ts";
import { callLimits, loadRules } from "./rules.ts";
import { createSandbox } from "./sandbox/sandbox.ts";
import { sandboxSettings } from "./sandbox-settings.ts";
import { memoryBlobs } from "./store/memory-blobs.ts";

/** The longest wait of a timer in milliseconds. */
const NO_END = 2 ** 31 - 1;

export function sandboxView(house: House): SandboxView {
  return {
    verify: async (signal) => {
      await using opened = openSandbox(house);
      const report = await opened.sandbox.verify(signal);
      await recordProbe(house, opened.session, report);
      return report;
    },
    survey: async () => {
      await using opened = openSandbox(house);
      return opened.sandbox.survey();
    },
    run: (words, options, signal) => {
      const readOnly = house.config.get("sandbox.mode") === "read-only";
      const title = words.join(" ");
      const order = { command: words.map(shellQuoted).join(" "), tool: "sandbox-run", title, readOnly };
      return runConfined(house, { ...order, hosts: openHosts(house), onOutput: options.onOutput }, signal);
    },
  };
}

export interface OpenedFor {
  readonly rules?: ReturnType<typeof pathRules>;
  readonly onOutput?: (text: string) => void;
  /** The configured one, unless the person typed another. */
  readonly mode?: SandboxMode;
  readonly addDirs?: readonly string[];
}

/** A sandbox for work outside any session; dispose of it. */
export function openSandbox(house: House, options: OpenedFor = {}) {
  const { rules, onOutput, mode = house.config.get<SandboxMode>("sandbox.mode"), addDirs = [] } = options;
  const mint = createMint(() => systemClock.now());
  const session = shortId("sandbox");
  const emit: Emit = (body) => {
    if (body.kind === "tool-delta") onOutput?.(body.text);
    return { v: 1, seq: 0, at: systemClock.now(), session, epoch: 0, ...body };
  };
  const sandbox = createSandbox({
    ...sandboxSettings(house, mode, addDirs),
    ...(rules ? { rules } : {}),
    session,
    passing: true,
    model: "none",
    verify: mint.verify,
    blobs: memoryBlobs(),
    emit,
    editClock: editClock(),
  });
  return { sandbox, mint, session, [Symbol.asyncDispose]: sandbox.close };
}

/** What was tried and what got through, by name. Throws `audit`. */
async function recordProbe(house: House, session: string, report: Awaited<ReturnType<Sandbox["verify"]>>) {
  const audit = openAudit(auditOptions(house.config, (value) => value));
  const leaked = report.probes.filter(({ verdict }) => verdict === "leaked").map(({ name }) => name);
  const details = { backend: report.backend ?? null, tried: report.probes.length, leaked };
  const failed = report.backend === undefined || report.reason !== undefined;
  try {
    await audit.append({ session, actor: LOCAL_USER, action: "sandbox-probe", failed, details });
  } finally {
    audit.close();
  }
}

function endOf(result: CommandResult | undefined) {
  const network = result?.network;
  const details = network === undefined ? {} : { details: { network: network.map((use) => ({ ...use })) } };
  return { failed: result?.exitCode !== 0, ...details };
}

/** Hosts that the configuration opens to commands. */
function openHosts({ config }: House): readonly string[] {
  return config.get("network.mode") === "allowlist" ? config.get<string[]>("network.allow") : [];
}

export interface ConfinedOrder extends OpenedFor {
  readonly command: string;
  /** What the record calls it, and the line that it shows. */
  readonly tool: string;
  readonly title: string;
  readonly readOnly: boolean;
  readonly hosts?: readonly string[];
  /** Folders whose secret-named files are shown as they are. */
  readonly reveals?: readonly string[];
}

/** One command under the profile of this folder's sessions: on record before it starts and after it ended. */
export async function runConfined(house: House, order: ConfinedOrder, signal: AbortSignal): Promise<CommandResult> {
  const { workspace, home } = house;
  const { command, tool, readOnly, hosts = [], reveals = [] } = order;
  const rules = pathRules(await loadRules(house, { workspace, home, bare: false }), workspace);
  await using opened = openSandbox(house, { ...order, ...(rules ? { rules } : {}) });
  const { sandbox, mint, session } = opened;
  const redactor = createRedactor(session, knownSecrets(house));
  const audit = openAudit(auditOptions(house.config, redactor.deep));
  const callId = shortId("call");
  const record = { session, actor: LOCAL_USER, tool, effects: ["exec"] as const, callId };
  const digest = sha256(command);
  let result: CommandResult | undefined;
  const details = { title: redactor.text(order.title) };
  try {
    await audit.append({ ...record, action: "tool-decision", decision: "allow", digest, details });
    const limits = { ...limitsOf(callLimits(house.config)), wallMs: 0 };
    const terms = { callId, tool, inputHash: digest, reveals, hosts, limits, readOnly };
    const grant = mint.grant({ ...terms, effects: ["exec"], expiresAt: systemClock.now() + 60_000 });
    const { exec } = sandbox.hands(grant);
    if (!exec) throw new CrucibleError("internal", "the sandbox gave no way to run a command");
    result = await exec.run(command, { timeoutMs: NO_END }, signal);
    return result;
  } finally {
    // Cancelled or failed, it ended.
    await audit.append({ ...record, action: "tool-end", ...endOf(result) }).catch(() => undefined);
    audit.close();
  }
}
