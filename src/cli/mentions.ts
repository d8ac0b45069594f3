/** `@path` in a prompt: files that the person points at. */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";

const MENTION = /(?:^|\s)@(?:"([^"]+)"|([^\s"]+))/g;

/** Paths of files that are there, in order, once each. A word with @ that names no file is just a word. */
export function mentions(text: string, folder: string): readonly string[] {
  const found = [...text.matchAll(MENTION)].flatMap(([, quoted, bare = ""]) => {
    const names = quoted === undefined ? [bare, bare.replace(/[.,;:!?)]+$/, "")] : [quoted];
    const path = names.map((name) => resolve(folder, name)).find((name) => existsSync(name) && statSync(name).isFile());
    return path === undefined ? [] : [path];
  });
  return [...new Set(found)];
}
