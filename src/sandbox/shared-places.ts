/** Which of the things that a copy shares can still be shown in it. */
import { lstatSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { contains, type PathView } from "./paths.ts";

/**
 * Those of `shared` (as shown) below the workspace that are still there, and to whose place in the copy no link leads:
 * a command may have put one in a folder's place, and a mount would follow it. Roots are shown anyway.
 */
export function shownPlaces(paths: PathView, files: string, shared: readonly string[]): string[] {
  const known = new Map<string, boolean>([[files, true]]);
  const isReal = (folder: string): boolean => {
    const before = known.get(folder);
    if (before !== undefined) return before;
    const real = isReal(dirname(folder)) && look(folder)?.isDirectory() !== false;
    known.set(folder, real);
    return real;
  };
  return shared.filter((path) => {
    const source = look(path);
    if (!source || paths.roots.includes(path) || !contains(paths.workspace, path)) return false;
    const place = files + path.slice(paths.workspace.length);
    return isReal(dirname(place)) && sameKind(source, look(place));
  });
}

/** What is missing is made. */
function sameKind(source: Stats, place: Stats | undefined): boolean {
  if (!place) return true;
  return source.isDirectory() ? place.isDirectory() : place.isFile();
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
