/** Undo over real files: what turns left is taken back byte for byte, what somebody else did is not touched. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { treeOf, type UndoKit, undoKit } from "../kit/undo.ts";

const NAMES = ["a", "b", "c d", "é", ".hidden"];
const path = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const content = fc.oneof(fc.string({ maxLength: 30 }), fc.constant("x".repeat(300)));
const effect = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), path, content }),
  fc.record({ kind: fc.constant("remove" as const), path }),
  fc.record({ kind: fc.constant("folder" as const), path }),
  fc.record({ kind: fc.constant("link" as const), path, content: path }),
  fc.record({ kind: fc.constant("move" as const), path, content: path }),
  fc.record({
    kind: fc.constant("mode" as const),
    path,
    mode: fc.constantFrom(0o600, 0o644, 0o755, 0o700, 0o555, 0o444),
  }),
);
type Effect = typeof effect extends fc.Arbitrary<infer Value> ? Value : never;

/** What cannot be done is left; the rest is what a command would do. */
function play(root: string, each: Effect): void {
  const at = join(root, each.path);
  try {
    if (each.kind === "write") {
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, each.content);
      // Times that say nothing.
      if (each.content.length % 3 === 0) utimesSync(at, 1, 1);
    }
    if (each.kind === "remove") rmSync(at, { recursive: true });
    if (each.kind === "folder") mkdirSync(at, { recursive: true });
    if (each.kind === "link") symlinkSync(each.content, at);
    if (each.kind === "move") renameSync(at, join(root, each.content));
    if (each.kind === "mode" && !lstatSync(at).isSymbolicLink()) chmodSync(at, each.mode);
  } catch {
    // The system said no.
  }
}

async function commands(kit: UndoKit, turn: number, effects: readonly (readonly Effect[])[]): Promise<void> {
  for (const one of effects)
    await kit.command(turn, () => {
      for (const each of one) play(kit.workspace, each);
    });
}

describe("any turns of edits and commands", () => {
  const turn = fc.record({
    commands: fc.array(fc.array(effect, { maxLength: 6 }), { minLength: 1, maxLength: 3 }),
    edit: fc.option(fc.record({ path, content }), { nil: undefined }),
  });

  test("are taken back and done again byte for byte", { timeout: 240_000 }, async () => {
    const runs = process.env["CRUCIBLE_TEST_LONG"] ? 400 : 40;
    await fc.assert(
      fc.asyncProperty(
        fc.array(effect, { maxLength: 12 }),
        fc.array(turn, { minLength: 1, maxLength: 3 }),
        async (start, turns) => {
          await using kit = undoKit();
          for (const each of start) play(kit.workspace, each);
          const states = [treeOf(kit.workspace)];
          for (const [index, each] of turns.entries()) {
            await commands(kit, index + 1, each.commands);
            if (each.edit) await kit.edit(index + 1, each.edit.path, each.edit.content);
            states.push(treeOf(kit.workspace));
          }
          const all = turns.map((_, index) => index + 1);
          for (const number of all.toReversed()) {
            expect((await kit.undo([number])).conflicts).toEqual([]);
            expect(treeOf(kit.workspace)).toEqual(states[number - 1]);
          }
          expect((await kit.undo(all, { redo: true })).conflicts).toEqual([]);
          expect(treeOf(kit.workspace)).toEqual(states.at(-1));
          await kit.undo(all);
          expect(treeOf(kit.workspace)).toEqual(states[0]);
        },
      ),
      {
        numRuns: runs,
        examples: [
          // A link to a folder that has a file of the same name as the one that was in its place.
          [
            [{ kind: "write", path: "a/a", content: "" }],
            [
              { commands: [[{ kind: "remove", path: "a" }]], edit: undefined },
              {
                commands: [[{ kind: "link", path: "a", content: "é" }], [{ kind: "write", path: "é/a", content: "x" }]],
                edit: undefined,
              },
            ],
          ],
        ],
      },
    );
  });

  test("never take what somebody else did in between or since", { timeout: 240_000 }, async () => {
    const runs = process.env["CRUCIBLE_TEST_LONG"] ? 300 : 30;
    await fc.assert(
      fc.asyncProperty(
        fc.array(turn, { minLength: 1, maxLength: 3 }),
        fc.array(fc.record({ path, content }), { minLength: 1, maxLength: 4 }),
        async (turns, own) => {
          await using kit = undoKit();
          const mine = new Map<string, string>();
          for (const [index, each] of turns.entries()) {
            await commands(kit, index + 1, each.commands);
            await kit.recorder.settled();
            const name = own[index % own.length];
            if (name) person(kit, name, mine);
          }
          for (const each of own) person(kit, each, mine);
          const all = turns.map((_, index) => index + 1);
          const before = treeOf(kit.workspace);
          const { conflicts, steps } = await kit.undo(all);
          for (const [file, text] of mine) {
            const at = join(kit.workspace, file);
            if (before[file]?.endsWith(text))
              expect(readFileSync(at, "utf8"), JSON.stringify({ conflicts, steps })).toBe(text);
          }
        },
      ),
      {
        numRuns: runs,
        examples: [
          // A file in the place of a folder in which the person had one.
          [
            [
              { commands: [[]], edit: undefined },
              {
                commands: [
                  [
                    { kind: "remove", path: "b" },
                    { kind: "write", path: "b", content: "" },
                  ],
                ],
                edit: undefined,
              },
            ],
            [{ path: "b/a/a", content: "" }],
          ],
        ],
      },
    );
  });
});

/** The person writes a file of which the content is known to be theirs. */
function person(
  kit: UndoKit,
  { path: name, content: text }: { path: string; content: string },
  mine: Map<string, string>,
): void {
  const at = join(kit.workspace, name);
  const own = `mine: ${text}`;
  try {
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) return;
    mkdirSync(dirname(at), { recursive: true });
    // Who writes what stands there already has changed nothing that anybody could see.
    if (existsSync(at) && readFileSync(at, "utf8") === own) return;
    writeFileSync(at, own);
    mine.set(name, own);
  } catch {
    // No place for it.
  }
}

test("a file of the person's in a folder that the turn made keeps the folder", async () => {
  await using kit = undoKit();
  const at = (name: string) => join(kit.workspace, name);
  await kit.command(1, () => {
    mkdirSync(at("made"));
    writeFileSync(at("made/theirs"), "t");
  });
  await kit.recorder.settled();
  writeFileSync(at("made/mine"), "m");
  const plan = await kit.undo([1]);
  expect(plan.conflicts).toEqual([]);
  expect(readdirSync(at("made"))).toEqual(["mine"]);
});

test("an ignored tree that grows too large in a command is named, and not taken for deleted", async () => {
  await using kit = undoKit();
  const at = (name: string) => join(kit.workspace, name);
  mkdirSync(at("deps"));
  writeFileSync(at(".gitignore"), "deps/\n");
  writeFileSync(at("deps/a"), "small");
  await kit.command(1, () => {
    writeFileSync(at("deps/a"), "other");
    writeFileSync(at("seen"), "");
    for (const name of ["x", "y", "z"]) {
      writeFileSync(at(`deps/${name}`), "");
      truncateSync(at(`deps/${name}`), 20 * 1024 * 1024);
    }
  });
  const plan = await kit.undo([1]);
  expect([plan.conflicts, plan.steps.map((step) => step.path)]).toEqual([[], [at("seen")]]);
  expect(readFileSync(at("deps/a"), "utf8")).toBe("other");
  const store = kit.store();
  const uncovered = [`${at("deps")}/ (ignored, more than 50 MiB)`];
  expect(store.turn({ session: "s", turn: 1 })).toMatchObject({ uncovered });
  store.close();
});

test("folders closed to their owner come back with all that is in them, and closed", async () => {
  await using kit = undoKit();
  const at = (name: string) => join(kit.workspace, name);
  mkdirSync(at("shut/deep"), { recursive: true });
  mkdirSync(at("dark"));
  for (const name of ["shut/a", "shut/deep/b", "dark/x"]) writeFileSync(at(name), name);
  for (const name of ["shut/deep", "shut"]) chmodSync(at(name), 0o555);
  const before = treeOf(kit.workspace);
  await kit.command(1, () => {
    for (const name of ["shut", "shut/deep"]) chmodSync(at(name), 0o755);
    rmSync(at("shut"), { recursive: true });
    chmodSync(at("dark"), 0);
  });
  expect((await kit.undo([1])).conflicts).toEqual([]);
  expect(treeOf(kit.workspace)).toEqual(before);
  await kit.command(2, () => {
    chmodSync(at("shut"), 0o755);
    writeFileSync(at("shut/a"), "changed");
    chmodSync(at("shut"), 0o555);
  });
  expect((await kit.undo([2])).conflicts).toEqual([]);
  expect(treeOf(kit.workspace)).toEqual(before);
  for (const name of ["shut", "shut/deep"]) chmodSync(at(name), 0o755);
});

test("a link that the person puts in place of a folder is not followed", async () => {
  await using kit = undoKit();
  const at = (name: string) => join(kit.workspace, name);
  mkdirSync(at("dir"));
  writeFileSync(at("dir/file"), "old");
  await kit.command(1, () => writeFileSync(at("dir/file"), "new"));
  await kit.recorder.settled();
  rmSync(at("dir"), { recursive: true });
  mkdirSync(join(kit.base, "elsewhere"));
  writeFileSync(join(kit.base, "elsewhere/file"), "new");
  symlinkSync(join(kit.base, "elsewhere"), at("dir"));
  const plan = await kit.undo([1]);
  expect(plan.steps).toEqual([]);
  expect(plan.conflicts).toMatchObject([{ path: at("dir/file"), why: "changed" }]);
  expect(readFileSync(join(kit.base, "elsewhere/file"), "utf8")).toBe("new");
});

test("what git and this program are steered by is neither kept nor restored", async () => {
  await using kit = undoKit();
  const at = (name: string) => join(kit.workspace, name);
  mkdirSync(at(".git/hooks"), { recursive: true });
  await kit.command(1, () => {
    writeFileSync(at(".git/hooks/x"), "x");
    writeFileSync(at(".mcp.json"), "{}");
    mkdirSync(at(".codecrucible"));
    writeFileSync(at("ordinary"), "o");
  });
  const plan = await kit.undo([1]);
  expect(plan.steps.map((step) => step.path)).toEqual([at("ordinary")]);
  expect(existsSync(at(".mcp.json"))).toBe(true);
});

test("what changes while a background command runs is doubtful and taken back only on wish", async () => {
  await using kit = undoKit();
  const at = (name: string) => join(kit.workspace, name);
  await kit.command(1, () => kit.recorder.jobStarted("x", "none"));
  await kit.recorder.before({ callId: "server", turn: 2 }, new AbortController().signal);
  kit.recorder.jobStarted("server", "job1");
  kit.recorder.after("server");
  await kit.recorder.settled();
  writeFileSync(at("by-job"), "1");
  await kit.command(3, () => writeFileSync(at("by-command"), "2"));
  await kit.recorder.settled();
  writeFileSync(at("by-job-late"), "3");
  kit.recorder.jobEnded("job1");
  const refused = await kit.undo([2]);
  expect(refused.conflicts.map(({ why }) => why)).toEqual(["doubtful", "doubtful"]);
  expect(readdirSync(kit.workspace).sort()).toEqual(["by-command", "by-job", "by-job-late"]);
  await kit.undo([2], { doubtful: true });
  expect(readdirSync(kit.workspace)).toEqual(["by-command"]);
  await kit.undo([3]);
  expect(readdirSync(kit.workspace)).toEqual([]);
  await kit.undo([2, 3], { redo: true });
  expect(readdirSync(kit.workspace).sort()).toEqual(["by-command", "by-job", "by-job-late"]);
});

test("a command that was killed with its session is found out about by the next one; later changes are doubtful", async () => {
  // Its last sign of life is later than all that the command did, however busy the machine.
  const clock = { now: () => Date.now() + 60_000, monotonic: () => performance.now() };
  await using kit = undoKit({ owner: "dead", clock });
  const at = (name: string) => join(kit.workspace, name);
  writeFileSync(at("old"), "old");
  await kit.recorder.before({ callId: "k", turn: 1 }, new AbortController().signal);
  unlinkSync(at("old"));
  writeFileSync(at("cut"), "cut");
  mkdirSync(at("empty"));
  const store = kit.store({ owner: "next", clock: { now: () => Date.now(), monotonic: () => performance.now() } });
  store.close();
  await using later = undoKit({ base: kit.base, owner: "next" });
  await later.recorder.writes({ callId: "n", turn: 2 });
  const plan = later.plan([1]);
  expect(plan.conflicts).toEqual([]);
  await later.undo([1]);
  expect(treeOf(later.workspace)).toEqual({ old: expect.stringContaining("old") });
});
