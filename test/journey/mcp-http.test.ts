/** Servers over HTTP: reached only where the entry says, logged in at by the person, tokens kept and renewed. */

import { readFileSync, statSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { call, type Journey, journey, lastText } from "../kit/journey.ts";
import { configure } from "../kit/mcp.ts";
import { startHttpServer } from "../kit/mcp-http.ts";

const inner = (name: string, input: unknown = {}) => call("tool_call", { name, input });
const DONE = { text: "Done." };
const told = (setting: Journey, at: number) => lastText(setting.server.chats[at] ?? { body: {} });

/** Goes there and where it is sent from there, as a browser does. */
function visit(url: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sent = request(url, (answer) => {
    answer.resume();
    const { location } = answer.headers;
    answer.on("end", () => (location === undefined ? resolve() : visit(location).then(resolve, reject)));
  });
  sent.on("error", reject).end();
  return promise;
}

/** The person opens the address that is shown. */
function login(setting: Journey, name: string) {
  return setting.run(["mcp", "login", name], {
    running: (child) => {
      let seen = "";
      let gone = false;
      child.onOutput((text) => {
        seen += text;
        const url = /^http:\S+$/m.exec(seen)?.[0];
        if (url === undefined || gone || !seen.includes(`${url}\n`)) return;
        gone = true;
        visit(url).catch(() => child.kill("SIGKILL"));
      });
    },
  });
}

test("login, use, renewal, logout; the token is nowhere but in its file", async () => {
  await using far = await startHttpServer();
  const script = () => (setting.server.chats.length % 2 === 1 ? inner("mcp__far__echo", { text: "x" }) : DONE);
  await using setting: Journey = await journey({ script });
  configure(setting, { far: { url: far.url, approve: ["*"], headers: { "X-Key": "given" } } });
  expect(await setting.run(["mcp", "test", "far"])).toMatchObject({
    code: 41,
    stderr: expect.stringContaining("crucible mcp login far") as string,
  });
  await setting.ask(["-p", "call"]);
  expect(told(setting, 1)).toBe("MCP server far wants a login (crucible mcp login far)");
  expect(await login(setting, "far")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("logged in at far") as string,
  });
  const file = join(setting.home, "crucible/state/mcp/logins.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const token = /access-[\w-]+/.exec(readFileSync(file, "utf8"))?.[0] ?? "";
  expect(await setting.ask(["-p", "call"])).toMatchObject({ code: 0 });
  expect(told(setting, 3)).toBe("far: x");
  expect(far.log).toContain("call echo given");
  far.expire();
  expect(await setting.ask(["-p", "call"])).toMatchObject({ code: 0 });
  expect(far.log).toContain("token refresh_token");
  const got = await setting.run(["mcp", "get", "far"]);
  expect(got.stdout).toMatch(/login: +since 20/);
  expect(got.stdout + JSON.stringify([setting.journal(), setting.audit()])).not.toContain(token);
  expect(await setting.run(["mcp", "logout", "far"])).toMatchObject({ code: 0, stdout: "logged out of far\n" });
  expect(await setting.run(["mcp", "test", "far"])).toMatchObject({ code: 41 });
});

test("a server's word for another port of this machine is not taken; the person's is", async () => {
  await using inner = await startHttpServer();
  const { origin, host } = new URL(inner.url);
  await using far = await startHttpServer(false, origin);
  await using setting = await journey({ script: [] });
  configure(setting, { far: { url: far.url } });
  const refused = await login(setting, "far");
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("127.0.0.1");
  expect(inner.log).toEqual([]);
  configure(setting, { far: { url: far.url, oauth: { hosts: [host] } } });
  expect(await login(setting, "far")).toMatchObject({ code: 0 });
  expect(inner.log).toEqual(["register", "token authorization_code"]);
});

test("a second call after foreign text needs a word beforehand", async () => {
  await using far = await startHttpServer(true);
  const calls = [inner("mcp__far__echo", { text: "a" }), inner("mcp__far__echo", { text: "b" }), DONE];
  await using setting = await journey({
    script: () => calls[setting.server.chats.length % 3 === 0 ? 2 : (setting.server.chats.length % 3) - 1] ?? DONE,
  });
  configure(setting, { far: { url: far.url } });
  expect(await setting.ask(["-p", "call"])).toMatchObject({ code: 62 });
  expect(far.log.filter((line) => line.startsWith("call"))).toEqual([]);
  expect(await setting.ask(["-p", "call", "--allowed-tools", "mcp__far"])).toMatchObject({ code: 0 });
  expect(far.log.filter((line) => line.startsWith("call"))).toHaveLength(2);
  expect(await login(setting, "far")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("wants no login") as string,
  });
});

test("a project's server on this machine is not reached", async () => {
  await using far = await startHttpServer(true);
  await using setting = await journey({
    script: [inner("mcp__near__echo"), DONE],
    files: { ".mcp.json": JSON.stringify({ mcpServers: { near: { url: far.url } } }) },
  });
  await setting.run(["trust", "--yes"]);
  await setting.ask(["-p", "call", "--allowed-tools", "mcp__near"]);
  expect(told(setting, 1)).toMatch(/127\.0\.0\.1 leads to 127\.0\.0\.1, which is not a public address/);
  expect(far.log).toEqual([]);
});
