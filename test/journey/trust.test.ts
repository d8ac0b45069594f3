/** What a workspace would steer: nothing before trust, exactly the trusted bytes after it, also without a terminal. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { call, journey } from "../kit/journey.ts";

const FILES = {
  "a.ts": "export const a = 1;\n",
  ".codecrucible/config.jsonc": '{"effort":"high"}',
  ".mcp.json": '{"mcpServers":{"x":{"command":"sh","args":["-c","touch started"]}}}',
};

describe.concurrent("trust", () => {
  test("shows what would run or steer, needs a yes, and ends with the first changed byte", async () => {
    await using setting = await journey({ script: [], files: FILES });
    const effort = async () => (await setting.run(["config", "get", "effort"])).stdout.trim();
    expect(await effort()).toBe("");
    const asked = await setting.run(["trust"]);
    expect(asked.stdout).toContain("touch started");
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringMatching(/nobody is here to say yes.*trust --show/) });
    expect(asked.stdout).toMatch(/\.codecrucible\/config\.jsonc +17 bytes +new\n\.mcp\.json/);
    expect((await setting.run(["trust", "--show"])).stdout).toContain("touch started");
    expect(await effort()).toBe("");

    expect((await setting.run(["trust", "--yes"])).code).toBe(0);
    expect(await effort()).toBe("high");
    expect((await setting.run(["trust"])).stdout).toMatch(/config\.jsonc +17 bytes +trusted/);
    writeFileSync(join(setting.folder, ".codecrucible/config.jsonc"), '{"effort":"low" }');
    expect(await effort()).toBe("");
    expect((await setting.run(["trust", "--json"])).stdout).toMatch(/"state":"changed"/);

    await setting.run(["trust", "--yes"]);
    expect(await effort()).toBe("low");
    expect((await setting.run(["trust", "--revoke"])).stdout).toMatch(/nothing in .* is trusted now/);
    expect(await effort()).toBe("");
    expect(setting.audit().map((record) => record["action"])).toEqual(["trust-given", "trust-given", "trust-revoked"]);
  });

  test("of one workspace is none of another's", async () => {
    await using setting = await journey({ script: [], files: FILES });
    await setting.run(["trust", "--yes"]);
    const other = `${setting.folder}-other`;
    mkdirSync(join(other, ".codecrucible"), { recursive: true });
    writeFileSync(join(other, ".codecrucible/config.jsonc"), '{"effort":"high"}');
    expect((await setting.run(["config", "get", "effort"], { cwd: other })).stdout.trim()).toBe("");
  });

  test("is refused for links and says which", async () => {
    await using setting = await journey({ script: [], files: FILES });
    rmSync(join(setting.folder, ".mcp.json"));
    symlinkSync("/etc/passwd", join(setting.folder, ".mcp.json"));
    const run = await setting.run(["trust", "--yes"]);
    expect(run).toMatchObject({ code: 52, stderr: expect.stringMatching(/\.mcp\.json is a link or a special file/) });
  });

  test("has nothing to ask where nothing would run", async () => {
    await using setting = await journey({ script: [], files: { "a.ts": "" } });
    expect(await setting.run(["trust"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/nothing to trust/) });
  });
});

describe.concurrent("policy files", () => {
  test("a broken one stops the run before the model is asked, with its line", async () => {
    await using setting = await journey({
      script: [],
      files: { "a.ts": "", ".codecrucible/policy.jsonc": '{\n"rules": [1]}' },
    });
    const run = await setting.ask(["-p", "hi"]);
    expect(run).toMatchObject({ code: 52, stderr: expect.stringMatching(/policy\.jsonc:2: .*\n$/) });
    expect(setting.server.chats).toEqual([]);
    expect((await setting.run(["policy", "explain", "ls"])).code).toBe(52);
  });

  test("a rule of the person and of the workspace count for `policy explain`", async () => {
    await using setting = await journey({
      script: [],
      files: {
        "a.ts": "",
        ".codecrucible/policy.jsonc":
          '{"rules":[{"id":"no-tests","tool":"shell","command":["npm","test"],"decision":"deny","reason":"CI runs them"}]}',
      },
    });
    const config = join(setting.home, "crucible/config");
    mkdirSync(config, { recursive: true });
    writeFileSync(
      join(config, "policy.jsonc"),
      '{"rules":[{"id":"mine","tool":"shell","command":["mytool"],"decision":"allow","match":["mytool x"]}]}',
    );
    const explain = async (command: string) => (await setting.run(["policy", "explain", "--", command])).stdout;
    expect(await explain("npm test")).toMatch(/^deny[\s\S]*CI runs them/);
    expect(await explain("mytool build")).toMatch(/^allow/);
    expect(await explain("othertool")).toMatch(/^ask/);
  });

  test("path rules hold inside commands and searches too, not only at the gate", async () => {
    const probe = [
      'const fs = require("fs");',
      'console.log("read", JSON.stringify(fs.readFileSync("private/a.txt", "utf8")));',
      'for (const path of ["data/old.txt", "data/new.txt", "other.txt"])',
      '  try { fs.writeFileSync(path, "x"); console.log("wrote", path); } catch (error) { console.log(error.code, path); }',
    ];
    await using setting = await journey({
      files: {
        "package.json": '{"scripts":{"test":"node probe.js"}}',
        "probe.js": probe.join("\n"),
        "private/a.txt": "hidden words\n",
        "data/old.txt": "old",
        ".codecrucible/policy.jsonc":
          '{"rules":[{"id":"a","tool":"read","path":"private/**","decision":"deny"},{"id":"b","tool":"write","path":"data/**","decision":"deny"}]}',
      },
      script: [
        call("read", { path: "private/a.txt" }),
        call("shell", { command: "cat private/a.txt" }),
        call("grep", { pattern: "hidden" }),
        call("write", { path: "data/old.txt", content: "x" }),
        call("shell", { command: "npm test" }),
        { text: "done" },
      ],
    });
    await setting.ask(["-p", "look"]);
    const ends = setting.journal().filter((event) => event.kind === "tool-end");
    expect(ends.map((event) => event.denied)).toEqual([true, true, false, true, false]);
    const said = JSON.stringify(ends.at(-1)?.parts);
    expect(said).toContain('read \\"\\"');
    expect(said).toMatch(/EROFS data\/old\.txt.*EROFS data\/new\.txt.*wrote other\.txt/);
    expect(JSON.stringify(ends)).not.toContain("hidden words");
    expect(setting.read("data/old.txt")).toBe("old");
  });
});
