/** What sandbox-runtime is told about one command: the mounts of a profile in its own words. */
import { contains } from "./paths.ts";
import type { Mount } from "./profile.ts";

/** A path and nothing else: without the mark `*`, `?` and brackets would make it a pattern. */
interface Place {
  readonly path: string;
  readonly literal: true;
}

/** Its settings file (README of @anthropic-ai/sandbox-runtime, "Configuration"), as far as it is used here. */
export interface RuntimeSettings {
  readonly network: {
    readonly allowedDomains: readonly string[];
    readonly deniedDomains: readonly string[];
    readonly strictAllowlist: true;
  };
  readonly filesystem: {
    readonly denyRead: readonly Place[];
    readonly allowRead: readonly Place[];
    readonly allowWrite: readonly Place[];
    readonly denyWrite: readonly Place[];
  };
  /** Its own search for files to protect finds nothing: which they are is in the profile. */
  readonly ripgrep: { readonly command: string };
}

/** Always writable in it, and shared by all who use it on this machine. */
const SHARED = ["/tmp/claude", "/private/tmp/claude"];

/**
 * All reading is denied but for what is mounted; what is mounted writable may be written. A later mount on a part of a
 * writable one takes that back, and a mask (a file in place of another) denies reading. A thing mounted elsewhere than
 * it lies has no words there: it must be left out or read at its own place (`more`).
 */
export function runtimeSettings(
  mounts: readonly Mount[],
  more: { readonly read: readonly string[]; readonly write: readonly string[] },
): RuntimeSettings {
  const read = new Set(more.read);
  const write = new Set(more.write);
  const hidden = new Set(SHARED);
  const frozen = new Set(SHARED);
  for (const { kind, source, target } of mounts) {
    if (kind === "link") continue;
    if (source !== target) {
      if (kind === "ro") hidden.add(target);
      continue;
    }
    if (kind === "rw") write.add(target);
    else if ([...write].some((folder) => contains(folder, target))) frozen.add(target);
    else read.add(target);
  }
  const places = (paths: Iterable<string>): Place[] => [...paths].map((path) => ({ path, literal: true }));
  return {
    network: { allowedDomains: [], deniedDomains: [], strictAllowlist: true },
    filesystem: {
      denyRead: places(["/", ...hidden]),
      allowRead: places([...read, ...write]),
      allowWrite: places(write),
      denyWrite: places(frozen),
    },
    ripgrep: { command: "/usr/bin/true" },
  };
}
