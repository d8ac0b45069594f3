/** What is learned of servers: kept when it can be, never the end of an answer when it cannot. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createQuirkStore } from "../../src/store/quirks.ts";
import { tempFolder } from "../kit/temp.ts";

test("is known to the next process; what another process has learned meanwhile stays", () => {
  using folder = tempFolder();
  const file = join(folder.path, "state", "servers.json");
  const [one, two] = [createQuirkStore(file), createQuirkStore(file)];
  one.save("a", 1);
  two.save("b", 2);
  one.save("a", 3);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ a: 3, b: 2 });
  expect(createQuirkStore(file).load("b")).toBe(2);
});

test("a file that cannot be written, or holds no object, is learned anew in this process", () => {
  using folder = tempFolder();
  const blocked = join(folder.path, "servers.json");
  mkdirSync(blocked);
  const store = createQuirkStore(blocked);
  expect(store.load("a")).toBeUndefined();
  store.save("a", 1);
  store.save("b", 2);
  expect([store.load("a"), store.load("b")]).toEqual([1, 2]);
  for (const text of ["null", "[]", "7", "{", '"x"']) {
    const file = join(folder.path, "other.json");
    writeFileSync(file, text);
    expect(createQuirkStore(file).load("a")).toBeUndefined();
  }
});
