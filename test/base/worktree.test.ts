/** Names and places of worktrees. */
import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { controlHomeOf } from "../../src/base/control-places.ts";
import { newWorktreeName, worktreeName } from "../../src/base/worktree-name.ts";
import { isWorktreePlace, worktreeRecord, worktreesIn } from "../../src/base/worktree-place.ts";

describe("names", () => {
  test.each(["fix", "a", "Issue-12", "v1.2", "a_b", "x".repeat(50)])("%s may be one", (name) => {
    expect(worktreeName(name)).toBe(name);
  });

  test.each(["", "-x", ".x", "a..b", "a.", "a.lock", "a.LOCK", "a/b", "a b", "a\n", "ä", "@", "x".repeat(51), "a~1"])(
    "%j may not",
    (name) => expect(() => worktreeName(name)).toThrow(/is no name of a worktree/),
  );

  test("whatever is accepted is a branch to git, too", () => {
    const accepted = new Set<string>();
    const letters = fc.string({ unit: fc.constantFrom(..."aZ09._-lock/~^: @{\\"), minLength: 1, maxLength: 12 });
    for (const name of fc.sample(letters, 3000)) {
      try {
        accepted.add(worktreeName(name));
      } catch {
        // Refused: nothing to ask git about.
      }
    }
    const names = [...accepted].slice(0, 60);
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) execFileSync("git", ["check-ref-format", "--branch", `crucible/${name}`]);
  });

  test("a new one is two words, and never one that is taken", () => {
    const taken = new Set<string>();
    for (let made = 0; made < 1500; made++) {
      const name = newWorktreeName((text) => taken.has(text));
      expect(taken.has(name)).toBe(false);
      expect(worktreeName(name)).toMatch(/^[a-z]+-[a-z]+(?:-\d+)?$/);
      taken.add(name);
    }
  });
});

describe("places", () => {
  const data = "/home/u/.local/share/codecrucible";
  const tree = `${worktreesIn(data)}/app-1234/fix`;

  test("what is known of one lies beside it, where it is no worktree itself", () => {
    expect(worktreeRecord(tree)).toBe(`${worktreesIn(data)}/app-1234/.records/fix.json`);
    expect(isWorktreePlace(data, tree)).toBe(true);
    expect(isWorktreePlace("/x", "/x/data/worktrees/a/b")).toBe(true);
    for (const path of [data, worktreesIn(data), `${worktreesIn(data)}/app-1234`, `${tree}/src`, worktreeRecord(tree)])
      expect(isWorktreePlace(data, path), path).toBe(false);
    expect(isWorktreePlace(data, `${worktreesIn(data)}/app-1234/.records`)).toBe(false);
  });

  test("only below a root that is one the program's folder is open, and nothing beside it", () => {
    const homes = ["/etc/codecrucible", data];
    expect(controlHomeOf(homes, [tree], `${tree}/src/a.ts`)).toBeUndefined();
    expect(controlHomeOf(homes, ["/home/u/app"], `${tree}/src/a.ts`)).toBe(data);
    for (const path of [worktreeRecord(tree), `${worktreesIn(data)}/app-1234/other/a.ts`, `${data}/journal.db`, tree])
      expect(controlHomeOf(homes, [tree], path), path).toBe(data);
    for (const root of [data, worktreesIn(data), "/home/u"])
      expect(controlHomeOf(homes, [root], `${tree}/a.ts`), root).toBe(data);
    expect(controlHomeOf(homes, [tree], "/home/u/app/a.ts")).toBeUndefined();
  });
});
