/** A model finds the map of the repository and asks for it through the gate; the second run opens no file again. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, journey, lastText, WIRES } from "../kit/journey.ts";

const FILES = {
  ".gitignore": "made/\n",
  "made/copy.ts": "export function copyOfPrice() {}\n",
  "src/price.ts": "export function priceOf(item: string): number {\n  return item.length;\n}\n",
  "src/shop.ts":
    'import { priceOf } from "./price.ts";\nexport const total = (items: string[]) => items.map(priceOf);\n',
  "tests/test_shop.py": "def test_total():\n    assert total()\n",
};
const map = (input: object) => call("tool_call", { name: "repo_map", input });

test.concurrent.each(WIRES)("%s: found by search, run by tool_call, judged and recorded as itself", async (wire) => {
  const script = [call("tool_search", { query: "repo map" }), map({}), map({ focus: ["total"] }), { text: "Seen." }];
  await using setting = await journey({ wire, files: FILES, script: [...script, map({}), { text: "Again." }] });
  expect(await setting.ask(["-p", "look around"])).toMatchObject({ code: 0, stdout: "Seen.\n", stderr: "" });
  const [, found, first, focused] = setting.server.chats.map(lastText);
  expect(found).toContain("repo_map");
  expect(first).toContain("src/\n  price.ts\n    1: function priceOf(item: string): number");
  expect(first).toContain(`${setting.folder} (3 of 3 files with definitions)`);
  expect(first).not.toContain("copyOfPrice");
  expect(focused).toContain("const total = (items: string[])");
  expect(focused?.indexOf("shop.ts")).toBeLessThan(focused?.indexOf("price.ts") ?? 0);

  expect(await setting.ask(["-p", "again"])).toMatchObject({ code: 0, stdout: "Again.\n" });
  const ends = setting.journal().filter((event) => event.kind === "tool-end" && event.tool === "repo_map");
  expect(ends.map((event) => event.kind === "tool-end" && event.label)).toEqual(
    Array.from({ length: 3 }, () => ({ integrity: "workspace", confidentiality: "workspace" })),
  );
  expect(ends.at(-1)).toMatchObject({ failed: false, denied: false, details: { ranked: 3, cached: 3 } });
  const audited = setting.audit().filter((record) => record["tool"] === "repo_map");
  expect(audited.map((record) => record["action"])).toEqual([1, 2, 3].flatMap(() => ["tool-decision", "tool-end"]));
});

test.concurrent("outside the workspace it is refused like every read, and a session that is not kept leaves no cache", async () => {
  await using setting = await journey({ files: FILES, script: [map({ path: "/etc" }), map({}), { text: "Done." }] });
  const run = await setting.ask(["-p", "look outside", "--no-session-persistence"]);
  expect(run.code).toBe(0);
  const [, outside, inside] = setting.server.chats.map(lastText);
  expect(outside).toMatch(/^Denied/);
  expect(inside).toContain("priceOf");
  expect(existsSync(join(setting.home, "crucible/data/repositories"))).toBe(false);
});

test.concurrent("nothing of it is loaded or made before it is asked for", async () => {
  await using setting = await journey({ files: FILES, script: [{ text: "Hello." }] });
  expect(await setting.ask(["-p", "hello"])).toMatchObject({ code: 0 });
  expect(readdirSync(join(setting.home, "crucible/data"))).not.toContain("repositories");
});
