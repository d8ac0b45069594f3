import { expect, test } from "vitest";
import { loadKeys } from "../../../src/cli/tui/keys.ts";

const keysOf = (keys: ReturnType<typeof loadKeys>, action: string) =>
  keys.list().find((row) => row.action === action)?.keys;

test("keys of one's own; what is wrong costs itself and is told in one line", () => {
  const good = loadKeys('{"app.mode": "alt+m", "app.editor": ["f4", "ctrl+g"]}', "k.json");
  expect(good.notes).toEqual([]);
  expect(keysOf(good, "app.editor")).toEqual(["f4", "ctrl+g"]);
  const bad = loadKeys('{"app.mod": "alt+m", "app.editor": "F44", "app.history": "alt+r"}', "k.json");
  expect(bad.notes).toEqual([
    'k.json: there is no action app.mod (did you mean app.mode?); app.editor: "F44" is no key, write it like ctrl+r or f5. The keys as they come are used; see /keybindings',
  ]);
  expect(keysOf(bad, "app.history")).toEqual(["alt+r"]);
  expect(keysOf(bad, "app.mode")).toEqual(["shift+tab"]);
});

test.each(["{", "[]", "7", "null"])("a file that holds %s is told, and the keys stay as they come", (text) => {
  const keys = loadKeys(text, "k.json");
  expect(keys.notes).toHaveLength(1);
  expect(keysOf(keys, "app.mode")).toEqual(["shift+tab"]);
});
