/** Names of foreign tools as the model says them: `mcp__server__tool`, each one different, in plain characters. */
import { sha256 } from "../../base/hash.ts";

const MAX = 80;

/** Original name -> full name. Names that would be one after cleaning carry a piece of their hash. */
export function toolNames(server: string, originals: readonly string[]): ReadonlyMap<string, string> {
  const cleaned = originals.map((name) => [name, clean(name)] as const);
  const counts = new Map<string, number>();
  for (const [, plain] of cleaned) counts.set(plain, (counts.get(plain) ?? 0) + 1);
  return new Map(
    cleaned.map(([name, plain]) => {
      const own = plain === name || counts.get(plain) === 1 ? plain : `${plain}_${sha256(name).slice(0, 8)}`;
      return [name, `mcp__${server}__${own}`];
    }),
  );
}

function clean(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_-]/g, "_");
  return plain.length <= MAX && plain !== "" ? plain : `${plain.slice(0, MAX - 9)}_${sha256(name).slice(0, 8)}`;
}

/** The found tool that lists and reads what a server offers to read. */
export function resourceTool(server: string): string {
  return `mcp_resources__${server}`;
}

/** The server that a full name speaks of; names of servers hold no `__`. */
export function serverOf(name: string): string | undefined {
  return /^(?:mcp|mcp_resources)__((?:(?!__).)+)(?:__.*)?$/.exec(name)?.[1];
}

/** True when one of `patterns` (`*` for any characters) is one of the names. Linear: both may be a stranger's. */
export function matches(patterns: readonly string[], ...names: readonly string[]): boolean {
  return patterns.some((pattern) => names.some((name) => fits(pattern, name)));
}

/** Each piece between stars is taken where it first stands; the last one has to be the end. */
function fits(pattern: string, name: string): boolean {
  const [first = "", ...pieces] = pattern.split("*");
  const last = pieces.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let from = first.length;
  for (const piece of pieces) {
    const at = name.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return name.length - last.length >= from && name.endsWith(last);
}
