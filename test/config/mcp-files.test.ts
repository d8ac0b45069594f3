import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readMcpServers, writeMcpEntry } from "../../src/config/mcp-files.ts";
import { workspaceTrust } from "../../src/config/trust.ts";
import { tempFolder } from "../kit/temp.ts";

function setting(files: Readonly<Record<string, unknown>>) {
  const temp = tempFolder();
  const places = {
    config: join(temp.path, "config"),
    data: join(temp.path, "data"),
    state: join(temp.path, "state"),
    managed: join(temp.path, "managed"),
  };
  const workspace = join(temp.path, "work");
  for (const folder of [places.config, places.state, places.managed, join(workspace, ".codecrucible")])
    mkdirSync(folder, { recursive: true });
  for (const [path, value] of Object.entries(files))
    writeFileSync(join(temp.path, path), typeof value === "string" ? value : JSON.stringify({ mcpServers: value }));
  const read = (more: object = {}) =>
    readMcpServers({
      places,
      workspace,
      env: { SET: "set-value", HOME: "/home/me" },
      variables: ["HOME"],
      bare: false,
      ...more,
    });
  return { temp, places, workspace, read, [Symbol.dispose]: () => temp[Symbol.dispose]() };
}

test("the operator comes first, then the run, the person, the project once it is trusted", async () => {
  using here = setting({
    "managed/mcp.json": { a: { command: "operator" } },
    "config/mcp.json": { a: { command: "mine" }, b: { url: "https://example.com/mcp" } },
    "work/.codecrucible/mcp.json": { b: { command: "theirs" }, c: { command: "c1" } },
    "work/.mcp.json": { c: { command: "c2" }, d: { command: "d" } },
  });
  const names = async (more = {}) =>
    (await here.read(more)).entries.map(
      (entry) => `${entry.name} ${entry.scope} ${entry.transport === "stdio" ? entry.command : entry.url}`,
    );
  expect(await names()).toEqual(["a user operator", "b user https://example.com/mcp"]);
  const trust = workspaceTrust(here.places, here.workspace, () => 1);
  trust.give(trust.subjects(), "me");
  expect(await names()).toEqual(["a user operator", "b user https://example.com/mcp", "c project c1", "d project d"]);
  expect((await here.read()).notes).toHaveLength(3);
  expect(await names({ bare: true })).toHaveLength(2);
  const given = { source: '{"mcpServers": {"b": {"command": "now"}}}', only: true };
  expect(await names({ given })).toEqual(["a user operator", "b user now"]);
  writeFileSync(join(here.workspace, ".mcp.json"), '{"mcpServers": {"d": {"command": "evil"}}}');
  expect(await names()).not.toContain("d project evil");
});

test("variables: the person names any, a project only listed ones; values are known as secrets", async () => {
  const env = { A: "x-\u0024{SET}", B: "\u0024{NOT_SET:-otherwise}", API_KEY: "plain-secret" };
  using here = setting({
    "config/mcp.json": { a: { command: "a", env }, b: { command: "\u0024{NOT_SET}" } },
    "work/.mcp.json": { c: { command: "\u0024{HOME}/bin/c" }, d: { command: "d", args: ["\u0024{SET}"] } },
  });
  const trust = workspaceTrust(here.places, here.workspace, () => 1);
  trust.give(trust.subjects(), "me");
  const { entries, notes } = await here.read();
  expect(entries.find(({ name }) => name === "a")).toMatchObject({
    env: { A: "x-set-value", B: "otherwise", API_KEY: "plain-secret" },
    secrets: expect.arrayContaining(["set-value", "plain-secret"]) as unknown,
  });
  expect(entries.find(({ name }) => name === "c")).toMatchObject({ command: "/home/me/bin/c" });
  expect(notes.join("\n")).toMatch(
    /server b is left out: NOT_SET is not set\n.*server d is left out: SET is not set, or not listed/,
  );
});

const WRONG: readonly (readonly [unknown, RegExp])[] = [
  [{ k: { comand: "x" } }, /needs either command or url/],
  [{ k: { command: "x", url: "https://a" } }, /needs either command or url/],
  [{ k: { command: "x", argz: [] } }, /mcp\.json:1: unknown key argz of server k/],
  [{ k: { command: "x", args: "y" } }, /args of server k/],
  [{ k: { command: "x", hosts: ["https://a.b/"] } }, /write a host, or host:port/],
  [{ k: { command: "x", sandbox: "off" } }, /sandbox of server k/],
  [{ k: { url: "ftp://x" } }, /not a plain http or https address/],
  [{ k: { url: "https://user:pw@x" } }, /not a plain http or https address/],
  [{ k: { url: "https://x", type: "sse" } }, /sse is not spoken any more/],
  [{ k: { url: "https://x", type: "stdio" } }, /type stdio does not go with url/],
  [{ a__b: { command: "x" } }, /is no name of a server/],
  // `mcp__a___x` would be the tool x of a_ and the tool _x of a.
  [{ a_: { command: "x" } }, /is no name of a server/],
  [{ k: "x" }, /is not an object/],
  ['{"mcpServer": {}}', /unknown key mcpServer/],
  ['{"mcpServers": []}', /mcpServers is not an object/],
  ['{"mcpServers": {', /mcp\.json:1/],
];

test.each(WRONG)("%j is refused with its place", async (value, message) => {
  using here = setting({ "config/mcp.json": value });
  await expect(here.read()).rejects.toThrow(message);
});

test("a project may not widen", async () => {
  const ours = { command: "x" };
  for (const [key, value, rest] of [
    ["approve", ["*"], ours],
    ["sampling", "allow", ours],
    ["read", ["~"], { ...ours, hosts: ["example.com"] }],
    ["oauth", { hosts: ["127.0.0.1:8080"] }, { url: "https://example.com" }],
  ] as const) {
    using here = setting({ "work/.mcp.json": { k: { ...rest, [key]: value } } });
    const trust = workspaceTrust(here.places, here.workspace, () => 1);
    trust.give(trust.subjects(), "me");
    await expect(here.read()).rejects.toThrow(`${key} cannot be set by a project`);
  }
});

test("entries are written and taken out with comments kept", async () => {
  using here = setting({ "config/mcp.json": '{\n  // mine\n  "mcpServers": {}\n}\n' });
  const file = join(here.places.config, "mcp.json");
  expect(await writeMcpEntry(file, "a", { command: "x" })).toBe(true);
  expect(readFileSync(file, "utf8")).toContain("// mine");
  expect((await here.read()).entries.map(({ name }) => name)).toEqual(["a"]);
  expect(await writeMcpEntry(file, "b", undefined)).toBe(false);
  expect(await writeMcpEntry(file, "a", undefined)).toBe(true);
  expect((await here.read()).entries).toEqual([]);
});
