/** What a person or model asks about, as weights: files by their paths, files and definitions by words. */
import type { Graph } from "./repository-graph.ts";

export interface Focus {
  /** A weight for each file. */
  readonly files: Float64Array;
  /** True for the name of a definition that was asked for. */
  wants(name: string): boolean;
}

/** Undefined when nothing in the repository has to do with any of the words. */
export function focusOn(focus: readonly string[], paths: readonly string[], { names }: Graph): Focus | undefined {
  const asked = focus.map((each) => each.trim().replace(/^\.\//, "")).filter((each) => each !== "");
  const words = asked.map((each) => each.toLowerCase());
  const files = new Float64Array(paths.length);
  for (const [file, path] of paths.entries())
    files[file] = words.reduce(
      (sum, word, index) => sum + weightOf(word, asked[index] ?? "", { path, names: names[file] ?? "" }),
      0,
    );
  if (files.every((weight) => weight === 0)) return undefined;
  return { files, wants: (name) => words.some((word) => name.toLowerCase().includes(word)) };
}

/** A file that is named, or lies in a folder that is; one that defines the name; one that has to do with the word. */
function weightOf(word: string, asked: string, { path, names }: { path: string; names: string }): number {
  if (path === asked || path.endsWith(`/${asked}`)) return 10;
  if (path.startsWith(`${asked.replace(/\/$/, "")}/`)) return 1;
  if (names.includes(` ${word} `)) return 5;
  return (names.includes(word) ? 0.5 : 0) + (path.toLowerCase().includes(word) ? 0.5 : 0);
}
