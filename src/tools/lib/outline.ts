/** A symbol map as a tree of folders, files and signatures that fits into a number of tokens. */
import { byteLength } from "../../base/text.ts";
import type { SymbolFile, SymbolMap } from "../../core/ports/hands.ts";

/** Code has more bytes than this in each token, whatever the tokenizer. */
const BYTES_PER_TOKEN = 2.5;
/** The first file shows one definition for so many tokens, at most `MOST`; each further file one fewer, down to `LEAST`. */
const TOKENS_EACH = 150;
const MOST = 12;
const LEAST = 3;
/** Room for the line above the tree. */
const HEAD_BYTES = 200;

interface Shown {
  readonly folder: string;
  readonly text: string;
}

/** Files in order of rank until `tokens` are used up; folders stand where their best file does. */
export function outline({ files }: SymbolMap, tokens: number): { readonly text: string; readonly shown: number } {
  let left = tokens * BYTES_PER_TOKEN - HEAD_BYTES;
  const folders = new Map<string, string[]>();
  let shown = 0;
  for (const [rank, file] of files.entries()) {
    const { folder, text } = entry(file, Math.max(LEAST, Math.min(MOST, Math.floor(tokens / TOKENS_EACH)) - rank));
    const known = folders.get(folder);
    const cost = byteLength(text) + (known ? 0 : byteLength(folder) + 2);
    if (cost > left && shown > 0) break;
    left -= cost;
    if (known) known.push(text);
    else folders.set(folder, [text]);
    shown++;
  }
  return {
    text: [...folders]
      .map(([folder, texts]) => `${folder}/\n${texts.join("")}`)
      .join("")
      .trimEnd(),
    shown,
  };
}

function entry({ path, symbols }: SymbolFile, most: number): Shown {
  const slash = path.lastIndexOf("/");
  const lines = symbols
    .slice(0, most)
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, signature }) => `    ${line}: ${signature}\n`);
  return { folder: slash < 0 ? "." : path.slice(0, slash), text: `  ${path.slice(slash + 1)}\n${lines.join("")}` };
}
