/** Undo inside a live session: one thing at a time, events and audit records, what an editor or a terminal sees. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { AuditRecord } from "../../src/core/audit-event.ts";
import { editClock } from "../../src/core/edit-clock.ts";
import type { Sandbox } from "../../src/core/ports/sandbox.ts";
import { liveUndo } from "../../src/live-undo.ts";
import { checkpointsOf } from "../../src/session/checkpoints.ts";
import type { Session } from "../../src/session/session.ts";
import { memoryJournal } from "../../src/store/memory-journal.ts";
import type { Bench } from "../../src/workbench.ts";
import { undoKit } from "../kit/undo.ts";

async function live(persist = true) {
  const base = realpathSync(mkdtempSync("/var/tmp/crucible-live-undo-"));
  // The store of the live session is the one that undo opens.
  const kit = undoKit({ base, file: join(base, "data/data/undo.db") });
  const home = join(kit.base, "home");
  mkdirSync(join(kit.base, "data/data"), { recursive: true });
  const env = { HOME: home, CODECRUCIBLE_HOME: join(kit.base, "data") };
  const config = await loadConfig({ env, workspace: kit.workspace, flags: new Map(), bare: true });
  const house = { workspace: kit.workspace, home, env, config, options: { version: "0", workspace: kit.workspace } };
  const journal = memoryJournal("s", systemClock);
  const audit: AuditRecord[] = [];
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  let turn = 0;
  const session = {
    prompt: async () => {
      turn++;
      const prompt = [{ type: "text" as const, text: `prompt ${turn}` }];
      journal.append({ kind: "turn-start", prompt }, { turn });
      if (turn > 1) await held;
      await kit.command(turn, () => writeFileSync(join(kit.workspace, "a"), `${turn}`));
      await kit.recorder.settled();
      for (const body of kit.events.splice(0)) journal.append(body, { turn });
      return { status: "done" };
    },
  } as unknown as Session;
  const own = liveUndo({
    bench: {
      house,
      given: { addDirs: [], persist },
      files: { journal },
      emit: journal.append.bind(journal),
    } as unknown as Bench,
    sandbox: { checkpoints: kit.recorder } as unknown as Sandbox,
    edits: editClock(4),
    audit: { append: async (record) => void audit.push(record) },
    session,
  });
  const prompt = () => own.prompt([], { budget: {}, signal: new AbortController().signal });
  return { kit, own, journal, audit, prompt, release };
}

test("a turn is taken back and done again; events, audit and the list of turns say so", async () => {
  const { kit, own, journal, audit, prompt } = await live();
  await using _end = kit;
  await prompt();
  expect(checkpointsOf(journal.events())).toMatchObject([{ turn: 1, title: "prompt 1", files: 1, undone: false }]);
  const report = await own.undo({});
  expect(report).toMatchObject({
    done: true,
    turns: [1],
    files: [{ change: "removed" }],
    conflicts: [],
    uncovered: [],
  });
  expect(journal.events().at(-1)).toMatchObject({ kind: "turn-undone", turns: [1], files: 1, clock: 5 });
  expect(audit).toMatchObject([{ action: "undo", details: { turns: [1], redo: false, files: 1 } }]);
  expect(checkpointsOf(journal.events())).toMatchObject([{ undone: true }]);
  await expect(own.undo({})).rejects.toThrow("nothing to undo");
  expect(await own.undo({ redo: true })).toMatchObject({ done: true, redo: true });
  expect(readFileSync(join(kit.workspace, "a"), "utf8")).toBe("1");
});

test("no undo while a turn is at work, and none of a session that is not kept", async () => {
  const { kit, own, prompt, release } = await live();
  await using _end = kit;
  await prompt();
  const second = prompt();
  await expect(own.undo({})).rejects.toThrow("a turn is still at work");
  release();
  await second;
  const other = await live(false);
  await using _other = other.kit;
  await expect(other.own.undo({})).rejects.toThrow("nothing of this session is kept");
});

test("numbers that name no turn are refused with the way to find one", async () => {
  const { kit, own, prompt } = await live();
  await using _end = kit;
  await prompt();
  await expect(own.undo({ turns: 2 })).rejects.toThrow("undo 2: this session has 1 turns that stand");
  await expect(own.undo({ to: 7 })).rejects.toThrow("there is no turn 7 that stands");
  await expect(own.undo({ redo: true })).rejects.toThrow("no undo to take back");
  expect(await own.undo({ dryRun: true })).toMatchObject({ done: false, files: [{ change: "removed" }] });
});
