/** Tries to break out of the sandbox for real; what holds is remembered until the next boot. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { sha256 } from "../base/hash.ts";
import { BWRAP } from "./bwrap.ts";
import type { Identity } from "./identity.ts";
import { type LaunchPlan, launch } from "./launch.ts";
import type { SandboxContext } from "./options.ts";

/** Names that bash sets by itself. */
const OWN_NAMES = new Set(["PWD", "OLDPWD", "SHLVL", "_"]);
const PROBE_MS = 10_000;

/** Runs the attempts; returns the first leak or failure, or undefined. `/proc/sys` is opened, never written. */
export async function probe(
  context: SandboxContext,
  plan: LaunchPlan,
  signal: AbortSignal,
): Promise<string | undefined> {
  const folder = join(context.stateDir, "sandbox", "probe");
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const canary = join(folder, "canary");
  const written = join(folder, "written");
  rmSync(written, { force: true });
  writeFileSync(canary, "secret\n", { mode: 0o644 });
  const server = await listen();
  try {
    const port = (server.address() as { port: number }).port;
    const lines = await attempt(
      plan,
      { command: script({ canary, written, port }), folder: context.paths.workspace },
      signal,
    );
    return judge(lines, existsSync(written), plan);
  } finally {
    server.close();
    rmSync(join(context.paths.tmp.host, ".crucible-probe"), { force: true });
  }
}

function script(target: { canary: string; written: string; port: number }): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return `[ "$EUID" != 0 ] || echo 'leak: real root inside'
for path in ${quoted(target.written)} /usr/crucible-probe /etc/crucible-probe /crucible-probe; do (echo x > "$path") 2>/dev/null && echo "leak: wrote $path"; done
(read -r line < ${quoted(target.canary)}) 2>/dev/null && echo 'leak: read a file outside'
(exec 3<>/dev/tcp/127.0.0.1/${target.port}) 2>/dev/null && echo 'leak: reached the network'
(exec 3<>/proc/sys/kernel/hostname) 2>/dev/null && echo 'leak: /proc/sys can be opened for writing'
[ -r . ] && [ -w . ] && (: > /tmp/.crucible-probe) && echo usable
while IFS= read -r -d '' entry; do echo "env: \${entry%%=*}"; done < /proc/1/environ
echo done`;
}

async function attempt(
  plan: LaunchPlan,
  order: { command: string; folder: string },
  signal: AbortSignal,
): Promise<string[]> {
  signal.throwIfAborted();
  const launched = launch(plan);
  const timer = setTimeout(() => launched.kill(), PROBE_MS);
  signal.addEventListener("abort", launched.kill, { once: true });
  let output = "";
  try {
    await launched.ready;
    launched.begin({ limits: "", ...order }, (chunk) => {
      output += chunk.toString("utf8");
    });
    await launched.ended;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", launched.kill);
    launched.kill();
    await launched.ended.catch(() => undefined);
  }
  return output.split("\n");
}

function judge(lines: readonly string[], written: boolean, plan: LaunchPlan): string | undefined {
  const leak = lines.find((line) => line.startsWith("leak: "));
  if (leak) return `the sandbox leaks: ${leak.slice(6)}`;
  if (written) return "the sandbox leaks: a file outside was written";
  const names = lines.filter((line) => line.startsWith("env: ")).map((line) => line.slice(5));
  const foreign = names.find((name) => !(name in plan.env) && !OWN_NAMES.has(name));
  if (foreign !== undefined) return `the sandbox leaks: the launcher's ${foreign} is visible`;
  if (!lines.includes("done")) return `the probe did not finish: ${lines.join(" ").trim()}`;
  return lines.includes("usable") ? undefined : "the workspace cannot be written inside the sandbox";
}

async function listen(): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return server;
}

interface Remembered {
  readonly noUserns: boolean;
}

/** Boot, program and place: when any of them changes the probe runs again. */
function memoryPath(context: SandboxContext, identity: Identity): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    const program = statSync(BWRAP);
    const place = statSync(context.paths.workspace);
    const facts = [boot, program.ino, program.mtimeMs, place.dev, context.paths.workspace, identity];
    return join(context.stateDir, "sandbox", "probe", `${sha256(JSON.stringify(facts)).slice(0, 24)}.json`);
  } catch {
    return undefined;
  }
}

export function rememberedProbe(context: SandboxContext, identity: Identity): Remembered | undefined {
  const path = memoryPath(context, identity);
  try {
    return path === undefined ? undefined : (JSON.parse(readFileSync(path, "utf8")) as Remembered);
  } catch {
    return undefined;
  }
}

export function rememberProbe(context: SandboxContext, identity: Identity, result: Remembered): void {
  const path = memoryPath(context, identity);
  if (path !== undefined) writeFileSync(path, JSON.stringify(result), { mode: 0o600 });
}
