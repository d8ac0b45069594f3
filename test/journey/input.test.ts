/** Bad input gets one clear line, a hint and the right exit code. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { journey, lastText, resultOf } from "../kit/journey.ts";
import { TYPESCRIPT, writeFiles } from "../kit/repositories.ts";

const hello = () => ({ text: "Hello." });

describe.concurrent("command line", () => {
  test.each([
    [["--modell", "x", "-p", "hi"], 2, /unknown flag --modell\. Did you mean --model\?/],
    [["-Z", "-p", "hi"], 2, /unknown flag -Z/],
    [["--quorum", "-p", "hi"], 2, /unknown flag --quorum/],
    [["--council=many", "-p", "hi"], 2, /--council=many: a number of voices from 1 to 10/],
    [["-o", "jsn", "-p", "hi"], 2, /-o jsn: one of text, json, stream-json\. Did you mean json\?/],
    [["--max-turns", "none", "-p", "hi"], 2, /--max-turns none is not a whole number/],
    [["--max-wall-time", "soon", "-p", "hi"], 2, /--max-wall-time soon is not a time/],
    [["-m"], 2, /-m needs a value/],
    [["-p"], 2, /there is no prompt/],
    [["doctr"], 2, /there is no command doctr.*crucible doctor/],
    [["sessions", "lst"], 2, /crucible sessions: .*lst/],
    [["-c", "--session-id", "0c7e8f7e-1c1c-4a7e-9d57-0d9f3e2b1a00", "-p", "hi"], 2, /--fork-session/],
    [["-C", "/nowhere", "-p", "hi"], 42, /the folder \/nowhere cannot be opened/],
    [["-C", "package.json", "-p", "hi"], 42, /is not a folder/],
    [["-i", "nothing.png", "-p", "hi"], 42, /nothing\.png cannot be read/],
    [["-i", "package.json", "-p", "hi"], 42, /is not a png, jpg, gif or webp/],
    [["--json-schema", "{", "-p", "hi"], 42, /--json-schema is not JSON/],
    [["--json-schema", "@nothing.json", "-p", "hi"], 42, /nothing\.json cannot be read/],
    [["-r", "nobody", "-p", "hi"], 42, /there is no session nobody/],
  ] as const)("%j", async (words, code, line) => {
    await using setting = await journey({ script: [] });
    const run = await setting.run(words);
    expect(run.stderr).toMatch(line);
    expect(run.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(run).toMatchObject({ code, stdout: "" });
    expect(setting.server.requests).toEqual([]);
  });
});

describe.concurrent("configuration", () => {
  const project = (text: string) => ({ ...TYPESCRIPT, ".codecrucible/config.jsonc": text });

  test.each([
    [
      '{\n  // mine\n  "limits": { "turn": 3 }\n}\n',
      /config\.jsonc:3: unknown key limits\.turn\. Did you mean limits\.turns\?/,
    ],
    ['{\n  "model": "ollama/evil"\n}\n', /config\.jsonc:2: model cannot be set by a project/],
    ['{\n  "limits.turns": "many"\n}\n', /config\.jsonc:2: limits\.turns: number expected/],
    ['{\n  "limits.turns": 3,,\n}\n', /config\.jsonc:2: /],
  ])("a bad project file is exit 52 with file and line: %j", async (text, line) => {
    await using setting = await journey({ files: project(text), script: [] });
    const run = await setting.ask(["-p", "hi"]);
    expect(run).toMatchObject({ code: 52, stdout: "" });
    expect(run.stderr).toMatch(line);
    expect(run.stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("a project may tighten; what it may not decide is ignored with one line; --bare sees none of it", async () => {
    await using setting = await journey({
      files: project('{\n  "effort": "high",\n  "limits": { "toolCalls": 1 }\n}\n'),
      script: hello,
    });
    const run = await setting.ask(["-o", "json", "--max-tool-calls", "5", "hi"]);
    expect(run.code).toBe(0);
    const shown = await setting.run(["config", "show", "--origin"]);
    expect(shown.stdout).toMatch(/limits\.toolCalls +1 +.*config\.jsonc:3/);
    expect(shown.stdout).toMatch(/effort +- +default/);
    const noted = await setting.ask(["-p", "hi"]);
    expect(noted.stderr).toMatch(/config\.jsonc:2: effort is ignored until you trust it: crucible trust\n$/);
    expect((await setting.ask(["-p", "--bare", "hi"])).stderr).toBe("");
  });

  test("config set, get, path and origins", async () => {
    await using setting = await journey({ script: hello });
    const env = { CODECRUCIBLE_LIMITS_TURNS: "7" };
    expect((await setting.run(["config", "set", "limits.turns", "9"])).code).toBe(0);
    expect(await setting.run(["config", "get", "limits.turns"])).toMatchObject({ code: 0, stdout: "9\n" });
    expect(await setting.run(["config", "get", "limits.turns"], { env })).toMatchObject({ stdout: "7\n" });
    expect((await setting.run(["config", "show", "--origin"], { env })).stdout).toMatch(
      /limits\.turns +7 +env CODECRUCIBLE_LIMITS_TURNS/,
    );
    expect((await setting.run(["config", "path"])).stdout).toContain(
      join(setting.home, "crucible/config/config.jsonc"),
    );
    const wrong = await setting.run(["config", "set", "limits.turn", "9"]);
    expect(wrong).toMatchObject({ code: 2, stderr: "crucible: unknown key limits.turn. Did you mean limits.turns?\n" });
    expect((await setting.run(["config", "set", "limits.turns", "x"])).code).toBe(2);
    writeFileSync(join(setting.home, "crucible/config/config.jsonc"), '{ "servrs": [] }');
    expect((await setting.run(["config", "show"])).stderr).toMatch(
      /config\.jsonc:1: unknown key servrs\. Did you mean servers\?/,
    );
  });

  test("a configured server and model need no flags", async () => {
    await using setting = await journey({ wire: "openai", script: hello });
    mkdirSync(join(setting.home, "crucible/config"), { recursive: true });
    const servers = [
      { name: "mine", kind: "openai-compatible", url: setting.server.url, apiKey: "sesame-open-sesame" },
    ];
    writeFileSync(
      join(setting.home, "crucible/config/config.jsonc"),
      JSON.stringify({ model: "mine/scripted", servers }),
    );
    const run = await setting.run(["-o", "json", "hi"]);
    expect(resultOf(run)).toMatchObject({ exit_code: 0, model: "mine/scripted" });
    expect(setting.server.chats[0]?.headers.authorization).toBe("Bearer sesame-open-sesame");
    expect(JSON.stringify(setting.journal())).not.toContain("sesame-open-sesame");
  });
});

describe.concurrent("folders", () => {
  test("spaces and letters of the world, a subfolder, and -C", async () => {
    const read = (_request: unknown, index: number) =>
      index % 2 ? { text: "Read." } : { toolCalls: [{ name: "read", arguments: { path: "ä b/Größe.txt" } }] };
    await using setting = await journey({
      folder: "Ordner mit Ümläut 🙂",
      files: { "ä b/Größe.txt": "sehr groß\n" },
      script: read,
    });
    expect(await setting.ask(["-p", "lies"])).toMatchObject({ code: 0, stderr: "" });
    expect(lastText(setting.server.chats[1] ?? { body: {} })).toContain("sehr groß");
    const other = await setting.ask(["-p", "-C", setting.folder, "lies"], { cwd: setting.home });
    expect(other).toMatchObject({ code: 0, stderr: "" });
    expect(lastText(setting.server.chats[3] ?? { body: {} })).toContain("sehr groß");
  });

  test("in a subfolder of a repository the instructions above it are read", async () => {
    await using setting = await journey({ files: {}, script: hello });
    writeFiles(setting.folder, {
      ".git/HEAD": "ref: refs/heads/main\n",
      "AGENTS.md": "Upper rule.\n",
      "part/AGENTS.md": "Near rule.\n",
    });
    const run = await setting.ask(["-p", "hi"], { cwd: join(setting.folder, "part") });
    expect(run.code).toBe(0);
    const sent = JSON.stringify(setting.server.chats[0]?.body);
    expect(sent.indexOf("Near rule.")).toBeGreaterThan(0);
    expect(sent.indexOf("Near rule.")).toBeLessThan(sent.indexOf("Upper rule."));
  });
});
