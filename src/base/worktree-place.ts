/** Where worktrees of sessions lie below the data folder: `worktrees/<repository>/<name>`. */

const FOLDER = "worktrees";

/** The folder of all of them; `data` is the program's data folder. */
export const worktreesIn = (data: string) => `${data}/${FOLDER}`;

/** What is known of the worktree at `path`. Beside it, where neither its commands nor its git can write. */
export function worktreeRecord(path: string): string {
  const cut = path.lastIndexOf("/");
  return `${path.slice(0, cut)}/.records/${path.slice(cut + 1)}.json`;
}

/** True for the root of a worktree in a folder of ours (`CODECRUCIBLE_HOME`, or the data folder itself). */
export function isWorktreePlace(ours: string, path: string): boolean {
  return (
    path.startsWith(`${ours}/`) && /^(?:data\/)?worktrees\/[^/.][^/]*\/[^/.][^/]*$/.test(path.slice(ours.length + 1))
  );
}
