/** Where skills, commands and agents lie; a start without any of these folders reads nothing more of them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ExtensionKind, ExtensionOrigin } from "../core/ports/extensions.ts";
import type { Places } from "./places.ts";

export interface ExtensionGround {
  readonly places: Places;
  readonly home: string;
  readonly workspace: string;
  /** Nothing of the project. */
  readonly bare: boolean;
}

export interface ExtensionFolder {
  readonly kind: ExtensionKind;
  readonly origin: ExtensionOrigin;
  readonly folder: string;
  /** Of a project folder: relative to the workspace. */
  readonly path?: string;
}

const KINDS = ["skill", "command", "agent"] as const;

/** The person's own first: a project cannot stand in for them. */
export function extensionFolders({ places, home, workspace, bare }: ExtensionGround): readonly ExtensionFolder[] {
  return KINDS.flatMap((kind) => {
    const own = [join(places.config, `${kind}s`), ...(kind === "skill" ? [join(home, ".agents/skills")] : [])];
    const user = [...own, join(home, `.claude/${kind}s`)];
    const shared = kind === "skill" ? [".agents/skills"] : [];
    const project = bare || workspace === home ? [] : [`.codecrucible/${kind}s`, ...shared, `.claude/${kind}s`];
    return [
      ...user.map((folder) => ({ kind, origin: "user" as const, folder })),
      ...project.map((path) => ({ kind, origin: "project" as const, folder: join(workspace, path), path })),
    ];
  });
}

/** True when some folder is there to be read. */
export function hasExtensions(ground: ExtensionGround): boolean {
  return extensionFolders(ground).some(({ folder }) => existsSync(folder));
}
