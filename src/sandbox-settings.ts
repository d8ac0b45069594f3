/** What every sandbox of a workspace is told, from its configuration. */
import { systemClock } from "./base/clock.ts";
import type { SandboxMode } from "./core/verdict.ts";
import type { House } from "./house.ts";
import { backends } from "./parts.ts";
import { modelServers } from "./rules.ts";

/** What every sandbox of this workspace is told; `server` is the model server in use. */
export function sandboxSettings(house: House, mode: SandboxMode, addDirs: readonly string[], server?: string) {
  const { config, env, home, options } = house;
  const image = config.get<string | undefined>("sandbox.image");
  const remoteUrl = config.get<string | undefined>("sandbox.remoteUrl");
  return {
    workspace: house.workspace,
    cwd: options.workspace,
    addDirs,
    home,
    env,
    stateDir: `${config.places.state}/sandbox`,
    mode,
    clock: systemClock,
    backends,
    config: {
      backend: config.get<string>("sandbox.backend"),
      ...(image === undefined ? {} : { image }),
      remote: config.get<boolean>("sandbox.remote"),
      ...(remoteUrl === undefined ? {} : { remoteUrl }),
      read: config.get<string[]>("sandbox.read"),
      expose: config.get<string[]>("sandbox.expose"),
      env: config.get<Record<string, string>>("sandbox.env"),
      reachable: config.get<string[]>("network.allow").filter((entry) => /:\d+$/.test(entry)),
      closed: modelServers(config, server),
    },
  };
}

/** Paths of the configuration, `~` as the home. */
export const expandHome = (paths: readonly string[], home: string) =>
  paths.map((path) => (path === "~" || path.startsWith("~/") ? home + path.slice(1) : path));
