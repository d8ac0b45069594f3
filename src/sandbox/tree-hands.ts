/** Tree hands: what a whole tree holds, with what tells whether a file changed since it was last looked at. */
import { lstatSync } from "node:fs";
import type { Grant } from "../core/grant.ts";
import type { FileStamp, TreeHands } from "../core/ports/hands.ts";
import { checkReadable } from "./access.ts";
import type { SandboxContext } from "./options.ts";
import { eachFile } from "./search.ts";
import { readVerified } from "./verified-open.ts";

/** Looking powers of one grant over whole trees. */
export function treeHands(context: SandboxContext, grant: Grant): TreeHands {
  const { paths } = context;
  return {
    walk: async ({ path, limit, wanted }, signal) => {
      const files: FileStamp[] = [];
      const { folder, truncated } = await eachFile({ context, grant, path }, signal, (found) => {
        if (!wanted(found)) return true;
        if (files.length === limit) return false;
        const stat = lstatSync(paths.host(found), { throwIfNoEntry: false });
        if (stat?.isFile())
          files.push({ path: found, size: stat.size, mtimeMs: stat.mtimeMs, ctimeMs: stat.ctimeMs, inode: stat.ino });
        return true;
      });
      const alone = files.length === 1 && files[0]?.path === folder;
      return { root: alone ? folder.slice(0, folder.lastIndexOf("/")) : folder, files, truncated };
    },
    bytes: (path) => {
      const fact = paths.look(path);
      checkReadable(context, grant, fact);
      return readVerified(paths.host(fact.resolved)).bytes;
    },
  };
}
