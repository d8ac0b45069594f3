/** What of a workspace tells how its work is checked: the texts of some files, and which paths are there. */
import { lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import { readShort } from "./short-file.ts";

/** `files` that are plain and `paths` that are there, both relative to `workspace`. */
export function readFacts(
  workspace: string,
  files: readonly string[],
  paths: readonly string[],
): { readonly files: Readonly<Record<string, string>>; readonly paths: ReadonlySet<string> } {
  const texts = files.flatMap((name) => {
    const text = textAt(join(workspace, name));
    return text === undefined ? [] : [[name, text] as const];
  });
  return {
    files: Object.fromEntries(texts),
    paths: new Set(paths.filter((path) => statSync(join(workspace, path), { throwIfNoEntry: false }) !== undefined)),
  };
}

function textAt(path: string): string | undefined {
  try {
    return lstatSync(path).isFile() ? readShort(path) : undefined;
  } catch {
    return undefined;
  }
}
