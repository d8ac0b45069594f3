/** Where this program keeps things (XDG base directories; `CODECRUCIBLE_HOME` moves all). */
import { isAbsolute, join } from "node:path";
import { CrucibleError } from "../base/error.ts";

export interface Places {
  readonly config: string;
  /** Journal and blobs. */
  readonly data: string;
  /** Audit, sandbox homes, learned facts of servers. */
  readonly state: string;
  readonly managed: string;
}

/** `env` is the user's environment, `home` the home folder. */
export function findPlaces(env: Readonly<Record<string, string | undefined>>, home: string): Places {
  const places = choose(env, home);
  const unreal = [places.config, places.data, places.state].find((folder) =>
    /^\/(?:proc|sys|dev)(?:\/|$)/.test(folder),
  );
  if (!unreal) return places;
  throw new CrucibleError("bad-config", `${unreal} is no place to keep files in`, {
    hint: "check HOME and CODECRUCIBLE_HOME",
  });
}

function choose(env: Readonly<Record<string, string | undefined>>, home: string): Places {
  const managed = "/etc/codecrucible";
  const moved = env["CODECRUCIBLE_HOME"];
  if (moved && !isAbsolute(moved)) {
    throw new CrucibleError("bad-config", `CODECRUCIBLE_HOME is ${moved}`, {
      hint: "give an absolute path: a relative one would lie in whatever folder is worked in",
    });
  }
  if (moved) return { config: join(moved, "config"), data: join(moved, "data"), state: join(moved, "state"), managed };
  const base = (key: string, standard: string) =>
    join(env[key]?.startsWith("/") ? (env[key] ?? "") : join(home, standard), "codecrucible");
  return {
    config: base("XDG_CONFIG_HOME", ".config"),
    data: base("XDG_DATA_HOME", ".local/share"),
    state: base("XDG_STATE_HOME", ".local/state"),
    managed,
  };
}
