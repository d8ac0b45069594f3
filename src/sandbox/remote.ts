/** Commands on a machine elsewhere: chosen by name alone, since the workspace leaves this machine. */
import type { BackendName } from "../core/ports/sandbox.ts";
import type { Backend, BackendPart, Lack } from "./backend.ts";
import type { Launched } from "./launch.ts";
import type { SandboxContext } from "./options.ts";
import { homeLack } from "./profile.ts";
import { runRemotely } from "./remote-run.ts";
import { mergeTrees, treeScanner } from "./tree-scan.ts";

/** One machine for one command. All calls throw `sandbox-unavailable` when the service fails, and stop with the signal it was made with. */
export interface Machine {
  upload(path: string, bytes: Uint8Array): Promise<void>;
  download(path: string): Promise<Buffer>;
  /** Gives the exit code. */
  run(order: RemoteOrder, onOutput: (chunk: Buffer) => void): Promise<number>;
  /** Ends the machine; never throws. */
  close(): Promise<void>;
}

export interface RemoteOrder {
  readonly user: "root" | "user";
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A service that lends machines: a file in `backends/` that default-exports it. Nothing tries to break out of it: the boundary is not ours. */
export interface RemotePart {
  readonly name: BackendName;
  readonly rank: number;
  readonly note: string;
  readonly remote: true;
  lacking(context: SandboxContext): Lack | undefined;
  /** A fresh machine without a network. */
  create(context: SandboxContext, signal: AbortSignal): Promise<Machine>;
}

export type AnyPart = BackendPart | RemotePart;

export function isRemote(part: AnyPart): part is RemotePart {
  return "remote" in part;
}

/** A backend over one service: no spare waits there, for machines cost money. */
export function remoteBackend(context: SandboxContext, part: RemotePart, survey: Backend["survey"]): Backend {
  const roots = context.paths.roots.filter((root) => root !== context.paths.tmp.view);
  const scanners = roots.map((root) => treeScanner(root, context.stateDir, { rules: context.rules }));
  const state = () => {
    const lack = homeLack(context) ?? part.lacking(context);
    if (lack) return { backend: undefined, ...lack };
    return { backend: part.name, note: part.note, untried: "its boundary is the service's and is not tried from here" };
  };
  return {
    scan: () => mergeTrees(scanners.map((each) => each())),
    survey,
    status: async () => state(),
    verify: async () => ({ ...state(), probes: [] }),
    plan: (grant, tree) => ({
      key: part.name,
      ends: "remote",
      start: (): Launched => runRemotely({ context, grant, tree, create: (signal) => part.create(context, signal) }),
    }),
    close: async () => undefined,
  };
}
