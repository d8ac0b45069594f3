/** Loads the second shell parser. */
import { readFileSync } from "node:fs";
import { grammarFile, runtimeFile } from "./grammars.ts";
import { createSecondOpinion, type ReadEntries, type SecondOpinion } from "./guard/shell/second-opinion.ts";
import { treeEntries } from "./guard/shell/tree-entries.ts";

/** One parser for a session; nothing is loaded before it is made ready. */
export const secondParser = (): SecondOpinion => createSecondOpinion(loadBash);

async function loadBash(): Promise<ReadEntries> {
  const { Parser, Language } = await import("web-tree-sitter");
  await Parser.init({ locateFile: () => runtimeFile() });
  const parser = new Parser().setLanguage(await Language.load(readFileSync(grammarFile("bash"))));
  return (text) => treeEntries(text, parser);
}
