/** Loads the second shell parser. */
import { readFileSync } from "node:fs";
import { grammarFile, runtimeFile } from "./grammars.ts";
import { createSecondOpinion, type ReadEntries, type SecondOpinion } from "./guard/shell/second-opinion.ts";
import { treeEntries } from "./guard/shell/tree-entries.ts";

/** One parser for a session; nothing is loaded before it is made ready. */
export const secondParser = (): SecondOpinion => createSecondOpinion(loadBash);

async function loadBash(): Promise<ReadEntries> {
  // The first parser is needed with it: both are here before the first judgement.
  const [{ Parser, Language }] = await Promise.all([import("web-tree-sitter"), import("./guard/shell/analyze.ts")]);
  await Parser.init({ locateFile: () => runtimeFile() });
  const parser = new Parser().setLanguage(await Language.load(readFileSync(grammarFile("bash"))));
  return (text) => treeEntries(text, parser);
}
