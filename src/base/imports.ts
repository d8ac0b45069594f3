/** Finds `@path` imports in Markdown: not in fences, not in code spans, not in the middle of words. */

const MOST = 50;

/** The paths as they are written, in order, once each. */
export function importsIn(markdown: string): readonly string[] {
  const found: string[] = [];
  let fence: string | undefined;
  for (const line of markdown.split("\n")) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence))) {
      fence = fence === undefined ? mark : undefined;
      continue;
    }
    if (fence !== undefined || /^(?: {4}|\t)/.test(line)) continue;
    const bare = line.replaceAll(/(`+)[^`]*\1/g, "");
    for (const [, path = ""] of bare.matchAll(/(?<=^|[\s(])@((?:~\/)?[\w./-]*\w)/g)) found.push(path);
  }
  return [...new Set(found)].slice(0, MOST);
}
