/** Whether the package registry has a newer version: asked only when the person types it, and nothing else is told. */
import { CrucibleError } from "./base/error.ts";
import { createDialler } from "./sandbox/dialler.ts";

const WAIT_MS = 10_000;

/** The newest version that `registry` (an address) has of `name`. Throws `tool-failed`. */
export async function newestVersion(registry: string, name: string, signal: AbortSignal): Promise<string> {
  const base = addressOf(registry);
  const pair = `${base.hostname}:${base.port || (base.protocol === "https:" ? "443" : "80")}`;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
  const dial = createDialler({ hosts: [pair], reachable: [pair], closed: [], dialling: undefined, signal: limit });
  const failed = (why: string, cause?: unknown) =>
    new CrucibleError("tool-failed", `${base.origin} does not tell of ${name}: ${why}`, {
      hint: "check the network, or name another registry with --registry",
      ...(cause === undefined ? {} : { cause }),
    });
  try {
    const answer = await dial(`${base.href.replace(/\/$/, "")}/${name}/latest`, {
      headers: { accept: "application/json" },
    });
    if (answer.status !== 200) throw failed(`status ${answer.status}`);
    const { version } = (await answer.json()) as { version?: unknown };
    if (typeof version !== "string" || !/^\d+\.\d+\.\d+/.test(version)) throw failed("no version in its answer");
    return version;
  } catch (error) {
    if (CrucibleError.isInstance(error) && error.fault.code === "tool-failed") throw error;
    throw failed(error instanceof Error ? error.message : String(error), error);
  }
}

function addressOf(registry: string): URL {
  if (URL.canParse(registry) && /^https?:$/.test(new URL(registry).protocol)) return new URL(registry);
  throw new CrucibleError("usage", `${registry} is no address of a registry`, {
    hint: "write it like https://registry.npmjs.org",
  });
}
