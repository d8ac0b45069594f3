/** What waits outside while a sandbox is tried: listeners, a process and files that nothing inside may reach. */
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { chownSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { shortId } from "../base/id.ts";
import type { Identity } from "./identity.ts";
import { listenAt } from "./listen-at.ts";
import type { SandboxContext } from "./options.ts";
import { HOME_PROBE, type Target } from "./probes.ts";

export interface Traps extends AsyncDisposable {
  readonly target: Target;
  /** Names of the probes that were seen from outside, with what was seen. */
  caught(): ReadonlyMap<string, string>;
}

/** `thorough` also puts a secret-named file and a socket into the workspace for the time of the look. */
export async function setTraps(context: SandboxContext, identity: Identity, thorough: boolean): Promise<Traps> {
  const id = shortId("probe");
  const folder = join(context.stateDir, "sandbox", "probe", id);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const [canary, written, unixPath] = ["canary", "written", "socket"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(canary, "secret\n", { mode: 0o644 });
  // Readable and owned like the user's own files: only the sandbox stands between.
  if (context.owner) chownSync(canary, identity.uid, identity.gid);
  const before = statSync(canary);
  const homeFile = join(context.home, HOME_PROBE);
  const seen = new Map<string, string>();
  const abstractName = `crucible-${id}`;
  const planted = thorough ? plant(context, id) : undefined;
  const saw = (name: string, what: string) =>
    createServer((socket) => socket.destroy(void seen.set(name, what)).unref());
  const arrived = "a connection from inside arrived";
  const tcp = await listen(saw("tcp", arrived), (server) => void server.listen(0, "127.0.0.1"));
  const servers = [
    tcp,
    await listen(saw("unix-path", arrived), (server) => listenAt(server, unixPath)),
    ...(process.platform === "linux"
      ? [await listen(saw("unix-abstract", arrived), (server) => void server.listen(`\0${abstractName}`))]
      : []),
  ];
  if (planted) {
    const { socket } = planted;
    servers.push(
      await listen(saw("unix-path", "a socket in the workspace was reached"), (server) => listenAt(server, socket)),
    );
  }
  const datagrams = await receive(() => seen.set("udp", "a datagram from inside arrived"));
  const mark = `bystander-${id}`;
  const bystander = await stand(mark, identity);
  const target: Target = {
    canary,
    written,
    home: context.home,
    tcpPort: (tcp.address() as { port: number }).port,
    udpPort: datagrams.address().port,
    unixPath,
    abstractName,
    pid: bystander.pid ?? 0,
    mark,
    ...(planted ? { planted } : {}),
  };
  const caught = () => {
    const after = statSync(canary);
    if (statSync(written, { throwIfNoEntry: false })) seen.set("write-outside", "a file outside was written");
    if (statSync(homeFile, { throwIfNoEntry: false })) seen.set("write-outside", "a file in the home was written");
    if (after.mode !== before.mode || after.mtimeMs !== before.mtimeMs)
      seen.set("write-outside", "a file outside was changed");
    if (bystander.exitCode !== null || bystander.signalCode !== null) seen.set("signal", "a process outside was ended");
    return seen;
  };
  const dispose = async () => {
    bystander.kill("SIGKILL");
    datagrams.close();
    await Promise.all(servers.map((server) => new Promise((resolve) => void server.close(resolve))));
    for (const path of [folder, homeFile]) rmSync(path, { recursive: true, force: true });
    if (planted) rmSync(planted.folder, { recursive: true, force: true });
    rmSync(join(context.paths.tmp.host, ".crucible-probe"), { force: true });
  };
  return { target, caught, [Symbol.asyncDispose]: dispose };
}

/** Nothing where the workspace cannot be written. */
function plant(context: SandboxContext, id: string): { folder: string; secret: string; socket: string } | undefined {
  const folder = join(context.paths.workspace, `.crucible-${id}`);
  try {
    mkdirSync(folder, { mode: 0o755 });
  } catch {
    return undefined;
  }
  const secret = join(folder, ".env");
  writeFileSync(secret, "CANARY=1\n", { mode: 0o644 });
  if (context.owner) for (const path of [folder, secret]) chownSync(path, context.owner.uid, context.owner.gid);
  return { folder, secret, socket: join(folder, "s") };
}

function listen(server: Server, start: (server: Server) => void): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  server
    .unref()
    .once("error", reject)
    .once("listening", () => resolve(server));
  start(server);
  return promise;
}

function receive(onDatagram: () => void): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = createSocket("udp4", onDatagram);
  socket
    .unref()
    .once("error", reject)
    .bind(0, "127.0.0.1", () => resolve(socket));
  return promise;
}

/** A process that waits for the end of its input, run as the user that commands are. */
function stand(mark: string, identity: Identity): Promise<ChildProcess> {
  const { promise, resolve, reject } = Promise.withResolvers<ChildProcess>();
  const who = identity.kind === "self" ? {} : { uid: identity.uid, gid: identity.gid };
  const child = spawn("/bin/bash", ["-c", "read -r", mark], {
    ...who,
    cwd: "/",
    env: { CRUCIBLE_PROBE_CANARY: mark },
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.once("error", reject).once("spawn", () => resolve(child));
  child.stdin?.on("error", () => undefined);
  return promise;
}
