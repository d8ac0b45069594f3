/** The voices of a folder: the package's, one's own, a project's once it is trusted; and whether they hold up. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { VoiceFinding, VoiceList, VoiceTrial } from "../../src/core/ports/voices.ts";
import type { Voice } from "../../src/core/voice.ts";
import { type Journey, journey } from "../kit/journey.ts";

const file = (id: string, title: string, more = "") =>
  `---\nid: ${id}\ntitle: ${title}\nduty: One thing.\ntemperature: 0\nyields: [claims]\ndomain: code\n${more}---\nSay one thing.\n`;
const put = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};
const own = ({ home }: Journey, name: string) => join(home, "crucible/config", name);
const listOf = async (setting: Journey) =>
  JSON.parse((await setting.run(["voices", "list", "--json"])).stdout) as VoiceList;
const titles = ({ voices }: VoiceList) =>
  Object.fromEntries(voices.map(({ id, title, origin }) => [id, `${title} ${origin}`]));

describe.concurrent("voices", () => {
  test("come from the package, then from the person, then from a project that is trusted", async () => {
    await using setting = await journey({
      script: [],
      files: {
        ".codecrucible/voices/security.md": file("security", "Ours"),
        ".codecrucible/voices/lawyer.md": file("lawyer", "Lawyer"),
        ".codecrucible/config.jsonc": '{"councils":{"legal":{"members":["lawyer","security"]}}}',
      },
    });
    put(own(setting, "voices/security.md"), file("security", "Mine"));
    put(own(setting, "voices/poet.md"), file("poet", "Poet"));
    put(own(setting, "config.jsonc"), '{"councils": {"legal": {"members": ["poet"]}, "verse": {"members": ["poet"]}}}');
    const before = await listOf(setting);
    expect(Object.keys(titles(before))).toHaveLength(11);
    expect(titles(before)).toMatchObject({ security: "Mine user", poet: "Poet user", guardian: "Guardian built-in" });
    expect(before.councils.map(({ id }) => id)).toEqual([
      "security_review",
      "performance_optimization",
      "ui_component",
      "api_design",
      "full_council",
      "legal",
      "verse",
    ]);
    expect(before.councils.at(-2)).toMatchObject({ origin: "user", members: [{ voice: "poet" }] });
    const shown = await setting.run(["voices"]);
    expect(shown.stdout).toMatch(/poet +Poet +code +0 +claims +user/);
    expect(shown.stderr).toBe(
      [".codecrucible/voices/lawyer.md", ".codecrucible/voices/security.md"]
        .map((name) => `${name} is ignored until you trust it: crucible trust\n`)
        .join(""),
    );

    expect((await setting.run(["trust", "--yes"])).code).toBe(0);
    const after = await listOf(setting);
    expect(titles(after)).toMatchObject({ security: "Ours project", lawyer: "Lawyer project" });
    expect(after.councils.map(({ id }) => id)).toEqual(before.councils.map(({ id }) => id));
    expect(after.councils.at(-2)).toMatchObject({ id: "legal", origin: "project", members: [{ voice: "lawyer" }, {}] });
    expect(after.notes).toEqual([]);

    writeFileSync(join(setting.folder, ".codecrucible/voices/security.md"), file("security", "Changed"));
    const changed = await listOf(setting);
    expect(titles(changed)["security"]).toBe("Mine user");
    expect(changed.notes).toEqual([".codecrucible/voices/security.md is ignored until you trust it: crucible trust"]);
  });

  test("a councils key is read from every layer, and its faults have their line", async () => {
    await using setting = await journey({ script: [], files: { "a.ts": "" } });
    const config = own(setting, "config.jsonc");
    put(
      config,
      '{\n  "councils": {\n    "pair": {\n      "title": "Two",\n      "members": [\n        "developer",\n        { "voice": "security", "depends_on": ["developer"] }\n      ]\n    },\n    "api_design": { "members": ["developer"] }\n  }\n}\n',
    );
    const { councils } = await listOf(setting);
    expect(councils.find(({ id }) => id === "pair")).toMatchObject({
      title: "Two",
      origin: "user",
      members: [{}, { dependsOn: ["developer"] }],
    });
    expect(councils.find(({ id }) => id === "api_design")).toMatchObject({
      origin: "user",
      members: [{ voice: "developer" }],
    });
    expect((await setting.run(["voices", "list"])).stdout).toContain("developer, security after developer");

    const broken = async (text: string) => {
      put(config, text);
      const run = await setting.run(["voices", "list"]);
      expect(run).toMatchObject({ code: 52, stdout: "" });
      return run.stderr;
    };
    expect(await broken('{"councils": {\n"pair": {"members": [\n"developer",\n"secrity"]}}}')).toMatch(
      /config\.jsonc:4: there is no voice secrity\. Did you mean security\?/,
    );
    expect(await broken('{"councils": {"pair": {"member": []}}}')).toMatch(/config\.jsonc:1: councils: pair/);
    put(config, '{"councils": {"pair": {"members": ["secrity"]}}}');
    expect(await setting.run(["voices", "test"])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/FAIL +councils +.*there is no voice secrity/),
    });
  });

  test("show tells everything of one, and the nearest name", async () => {
    await using setting = await journey({ script: [], files: { "a.ts": "" } });
    const run = await setting.run(["voices", "show", "designer"]);
    expect(run.stdout).toMatch(
      /votes +no: it comments\n[\s\S]*sits in +ui_component\n[\s\S]*file +\/.*\/voices\/designer\.md\n[\s\S]*Look at what people touch/,
    );
    const voice = JSON.parse((await setting.run(["voices", "show", "designer", "--json"])).stdout) as Voice;
    expect(voice).toMatchObject({ id: "designer", votes: false, temperature: 0.6 });
    expect(await setting.run(["voices", "show", "desinger"])).toMatchObject({
      code: 2,
      stderr: "crucible: there is no voice desinger. Did you mean designer?\n",
    });
  });
});

interface Tested {
  readonly files: readonly VoiceFinding[];
  readonly model: string | null;
  readonly note?: string;
  readonly trials: readonly (VoiceTrial & { readonly id: string })[];
}

describe.concurrent("voices test", () => {
  test("without a model checks the files and says that it did no more", async () => {
    await using setting = await journey({ script: [], files: { "a.ts": "" } });
    const run = await setting.run(["voices", "test"]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/ok +guardian +about \d+ tokens\n[\s\S]*no voice was asked: no model server answers/);
    put(own(setting, "voices/poet.md"), file("poet", "Poet", "tools: [reads]\n").replace("Say", "Say it, ".repeat(60)));
    put(own(setting, "voices/worse.md"), file("worse", "Worse", "colour: red\n"));
    const found = await setting.run(["voices", "test", "--json"]);
    expect(found.code).toBe(1);
    const { files, note } = JSON.parse(found.stdout) as Tested;
    expect(files).toHaveLength(12);
    expect(files.flatMap(({ problems }) => problems)).toEqual([
      expect.stringMatching(/the prompt is about \d+ tokens \(bytes\/4\), at most 90/),
      "there is no tool reads: did you mean read?",
      expect.stringMatching(/worse\.md:8: unknown key colour: there are id, /),
    ]);
    expect(note).toBe("no voice was asked: a file has to be mended first");
    expect((await setting.run(["voices", "test", "guardian"])).code).toBe(0);
    expect((await setting.run(["voices", "test", "nobody"])).stderr).toMatch(/worse\.md:8/);
  });

  test("asks each voice one small question in the form of what it hands in, and counts", async () => {
    const answers = { proposal: "done", claims: [{ subject: "a", claim: "b", where: "a.js:1" }], checks: [] };
    await using setting = await journey({
      files: { "a.ts": "" },
      script: ({ body }) => {
        const { required, properties } = body["format"] as { required: (keyof typeof answers)[]; properties: object };
        expect(Object.keys(properties)).toEqual(required);
        return { text: JSON.stringify(Object.fromEntries(required.map((name) => [name, answers[name]]))) };
      },
    });
    const run = await setting.run(["voices", "test", "--json", ...setting.model]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const { trials, model } = JSON.parse(run.stdout) as Tested;
    expect(model).toBe("ollama/scripted:latest");
    expect(trials).toHaveLength(10);
    for (const trial of trials) expect(trial).toMatchObject({ ok: true, ms: expect.any(Number) });
    expect(trials.every(({ inputTokens, outputTokens }) => inputTokens > 0 && outputTokens > 0)).toBe(true);
    const options = setting.server.chats.map(({ body }) => (body["options"] as { temperature: number }).temperature);
    expect(options).toEqual([0.3, 0.4, 0.6, 0.5, 0.9, 0.3, 0.2, 0.3, 0.3, 0.1]);
  });

  test("an answer out of form is a failure of that voice", async () => {
    await using setting = await journey({
      files: { "a.ts": "" },
      script: [{ text: "Sure!" }, { text: '{"proposal":1}' }],
    });
    const garbled = await setting.run(["voices", "test", "developer", ...setting.model]);
    expect(garbled).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/FAIL +developer +ollama\/scripted:latest: the answer is no JSON; \d+ tokens read/),
    });
    const wrong = await setting.run(["voices", "test", "security", ...setting.model]);
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringMatching(/FAIL +security .*claims/) });
    const gone = await setting.run(["voices", "test", "--base-url", "http://127.0.0.1:9/v1", "-m", "x"]);
    expect(gone.code).toBe(60);
  });
});
