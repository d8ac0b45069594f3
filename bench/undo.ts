/** What undo costs: the first look at a workspace, the looks before and after later commands, and a turn taken back. */
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { never, undoKit } from "../test/kit/undo.ts";
import { median, type Row } from "./kit.ts";

const ROUNDS = 9;

export async function undo(): Promise<Row[]> {
  return [...(await rows(3_000)), ...(await rows(20_000))];
}

async function rows(files: number): Promise<Row[]> {
  await using kit = undoKit();
  for (let id = 0; id < files; id++) {
    const folder = join(kit.workspace, `dir-${id % 200}`);
    if (id < 200) mkdirSync(folder);
    writeFileSync(join(folder, `file-${id}.ts`), `export const value${id} = ${id};\n`.repeat(40));
  }
  const floor = await timed(async () => statAll(kit.workspace));
  const first = await timed(() => kit.recorder.before({ callId: "first", turn: 1 }, never));
  const before: number[] = [];
  const after: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    kit.recorder.after(round === 1 ? "first" : `c${round}`);
    await kit.recorder.settled();
    before.push(await timed(() => kit.recorder.before({ callId: `c${round + 1}`, turn: round + 1 }, never)));
    for (let id = 0; id < 10; id++) writeFileSync(join(kit.workspace, `dir-${id}/file-${id}.ts`), `round ${round}`);
    kit.recorder.after(`c${round + 1}`);
    after.push(await timed(() => kit.recorder.settled()));
  }
  const back = await timed(() => kit.undo([ROUNDS + 1]));
  const name = `${files.toLocaleString("en")} files`;
  const row = (item: string, value: number, note?: string): Row => ({
    ...{ item: `undo, ${name}, ${item}`, value, unit: "ms", floor },
    ...(note === undefined ? {} : { note }),
  });
  return [
    row("first look", first, "reads and keeps every file; floor: lstat of every file"),
    row("before a later command", median(before), "on the way of the command"),
    row("after a command that changed 10", median(after), "beside the model's next answer"),
    row("a turn of 10 files taken back", back),
  ];
}

function statAll(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    lstatSync(path);
    if (entry.isDirectory()) statAll(path);
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
