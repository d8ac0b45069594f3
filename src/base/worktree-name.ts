/** Names of worktrees: what may be one, and a new one that is easily said. */
import { randomInt } from "node:crypto";
import { CrucibleError } from "./error.ts";

/** A name that is safe as a folder, as a part of a branch (git-check-ref-format(1)) and on a command line. Throws `usage`. */
export function worktreeName(text: string): string {
  const good = /^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/.test(text) && !/\.\.|\.$|\.lock$/i.test(text);
  if (good) return text;
  throw new CrucibleError("usage", `${JSON.stringify(text)} is no name of a worktree`, {
    hint: "up to 50 letters, digits, dots, hyphens and underlines, a letter or digit first",
  });
}

const HOW =
  "amber bold brisk calm clear crisp deft early even fair keen kind light merry mild neat plain quick quiet ready sharp still swift warm";
const WHAT =
  "anvil arch beam birch bridge brook cedar cliff cove ember fern field forge grove harbor kiln lantern maple meadow mill pine ridge river stone";

/** Two words that are easily said; `taken` are not given again. */
export function newWorktreeName(taken: (name: string) => boolean): string {
  const pick = (words: string) => {
    const all = words.split(" ");
    return all[randomInt(all.length)] ?? "new";
  };
  for (;;) {
    const name = `${pick(HOW)}-${pick(WHAT)}`;
    if (!taken(name)) return name;
    const numbered = `${name}-${randomInt(2, 1000)}`;
    if (!taken(numbered)) return numbered;
  }
}
