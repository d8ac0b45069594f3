/** From what a model wrote to a call that meets its schema. */
import { describe, expect, test } from "vitest";
import { findTool, repairCall } from "../../src/models/repair.ts";
import { TOOLS } from "./wire-kit.ts";

const repair = (name: string, args: unknown, fromText = false) => repairCall({ name, args, fromText }, TOOLS, "id");

describe("arguments", () => {
  test.each([
    [{ path: "a" }, { path: "a" }, []],
    ['{"path":"a"}', { path: "a" }, []],
    ['{"path":"a"', { path: "a" }, ["tolerant"]],
    ["{path: 'a',}", { path: "a" }, ["tolerant"]],
    ['```json\n{"path":"a"}\n```', { path: "a" }, ["tolerant"]],
    ['{"path":"a\nb"}', { path: "a\nb" }, ["tolerant"]],
    ['{"path":"a","from":"3"}', { path: "a", from: 3 }, ["coerced"]],
    ["{path:'a',from:'3'}", { path: "a", from: 3 }, ["tolerant", "coerced"]],
  ])("%j", (args, input, repaired) => {
    expect(repair("read", args)).toEqual({
      ok: true,
      call: { type: "tool-call", id: "id", tool: "read", input },
      repaired,
    });
  });

  test("a call from text says so first", () => {
    expect(repair("read", { path: "a", from: "1" }, true)).toMatchObject({ repaired: ["text", "coerced"] });
  });

  test.each([['{"path":"cut off'], ["[]"], ["read a.ts please"], [[1]], [7], ["{}"], [undefined], ["null"]])(
    "%j is not repaired by guessing",
    (args) => {
      expect(repair("read", args)).toMatchObject({ ok: false, name: "read" });
    },
  );
});

describe("names", () => {
  test.each([
    ["read", "read"],
    ["READ", "read"],
    ["functions.read", "read"],
    ["default_api:todo_write", "todo_write"],
    ["TodoWrite", "todo_write"],
    ["read<|channel|>commentary", "read"],
    ["reed", undefined],
    ["", undefined],
  ])("%j is %s", (written, name) => expect(findTool(written, TOOLS)?.name).toBe(name));

  test("two tools that look alike are never guessed between", () => {
    const tool = (name: string) => ({ name, description: "", parameters: {} });
    expect(findTool("READFILE", [tool("read_file"), tool("readFile")])).toBeUndefined();
    expect(findTool("readFile", [tool("read_file"), tool("readFile")])?.name).toBe("readFile");
  });

  test("an unknown tool is named in the problem", () => {
    expect(repair("fly", {})).toMatchObject({ ok: false, tool: undefined, problem: 'there is no tool named "fly"' });
  });
});
