/** A small file of JSON lines that only grows: what the person decided, in order. */
import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod/mini";
import { errnoOf } from "../base/error.ts";
import { unwritable } from "../base/unwritable.ts";
import { badConfig } from "./json-file.ts";

/** All records of `file`, oldest first. A torn last line (a crash while writing) is no record. Throws `bad-config`. */
export function readRecords<Schema extends z.ZodMiniType>(file: string, schema: Schema): z.infer<Schema>[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw badConfig(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, "mend it");
  }
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.flatMap((line, index) =>
    line.trim() === "" ? [] : [parseRecord(line, `${file}:${index + 1}`, schema)],
  );
}

function parseRecord<Schema extends z.ZodMiniType>(line: string, place: string, schema: Schema): z.infer<Schema> {
  const hint = "what was decided cannot be known: mend or move that file away; nothing is taken as allowed";
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw badConfig(`${place} is not a record`, hint);
  }
  const parsed = z.safeParse(schema, value);
  if (!parsed.success) throw badConfig(`${place} is not a record of this kind`, hint);
  return parsed.data;
}

/**
 * Appends one record; it is on disk when this returns, and not in the file when it throws (`storage`). A line torn by
 * an earlier crash was never decided and goes.
 */
export function appendRecord(file: string, record: object): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    alone(file, () => append(file, `${JSON.stringify(record)}\n`));
  } catch (error) {
    throw unwritable(file, error);
  }
}

function append(file: string, line: string): void {
  const fd = openSync(file, "a+", 0o600);
  const old = readFileSync(fd);
  const whole = old.lastIndexOf(0x0a) + 1;
  try {
    if (whole < old.length) ftruncateSync(fd, whole);
    writeFileSync(fd, line);
    fsyncSync(fd);
  } catch (error) {
    ftruncateSync(fd, whole);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** One process at a time: what another one is just writing must not be taken for torn. The kernel ends the lock with its holder. */
function alone(file: string, work: () => void): void {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const lock = new DatabaseSync(`${file}.lock`);
  try {
    lock.exec("PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE");
    work();
  } finally {
    lock.close();
  }
}
