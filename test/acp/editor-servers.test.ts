import { expect, test } from "vitest";
import { editorServers } from "../../src/acp/editor-servers.ts";

test("names that become one when they are cleaned are told apart: no server is lost", () => {
  const names = ["my server", "my-server!", "my.server", "\u00fc", "x".repeat(40), "x".repeat(41)];
  const { mcpConfig } = editorServers(names.map((name) => ({ name, command: name, args: [], env: [] })));
  const { mcpServers } = JSON.parse(mcpConfig?.source ?? "") as { mcpServers: Record<string, { command: string }> };
  expect(Object.values(mcpServers).map(({ command }) => command)).toEqual(names);
  expect(Object.keys(mcpServers).every((name) => /^[A-Za-z0-9-]{1,32}$/.test(name))).toBe(true);
  expect(Object.keys(mcpServers)).toContain("my-server-2");
});
