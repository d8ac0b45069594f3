/** Foreign servers with the real binary in the real sandbox: found by search, judged, called, confined, reaped. */
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { call, type Journey, journey, lastText, messagesOf } from "../kit/journey.ts";
import { alive, configure, kitEntry, referenceEntry } from "../kit/mcp.ts";
import type { Reply } from "../kit/model-server.ts";
import { missing, terminal } from "../kit/terminal.ts";
import { lacking } from "../sandbox/machine.ts";

const reason = lacking();
const inner = (name: string, input: unknown = {}) => call("tool_call", { name, input });
const DONE = { text: "Done." };
/** What the model was told after its nth request. */
const told = (setting: Journey, at: number) => lastText(setting.server.chats[at] ?? { body: {} });
const decisions = (setting: Journey) =>
  setting
    .journal()
    .flatMap((event) =>
      event.kind === "verdict-given" ? [`${event.tool} ${event.verdict.decision} ${event.verdict.rule}`] : [],
    );

describe.skipIf(reason !== undefined)(`foreign servers${reason ? ` (skipped: ${reason})` : ""}`, () => {
  test("server-everything: found, called, resources and images read; nothing runs before and nothing after", async () => {
    const script = [
      call("tool_search", { query: "echo sum" }),
      inner("mcp__everything__echo", { message: "hello there" }),
      inner("mcp__everything__get-sum", { a: 2, b: 40 }),
      inner("mcp__everything__get-tiny-image"),
      inner("mcp_resources__everything"),
      inner("mcp__everything__trigger-long-running-operation", { duration: 0.2, steps: 2 }),
      DONE,
    ];
    await using setting = await journey({ script });
    configure(setting, { everything: referenceEntry("everything", ["stdio"], { approve: ["*"] }) });
    const run = await setting.ask(["-p", "use the server"]);
    expect(run).toMatchObject({ code: 0 });
    const [first] = setting.server.chats;
    expect(JSON.stringify(first?.body["tools"])).not.toContain("mcp__");
    expect(JSON.stringify(messagesOf(first ?? { body: {} }))).toContain("everything: not yet started");
    expect(told(setting, 1)).toMatch(/"name":"mcp__everything__echo","summary":"Echoes back/);
    expect(told(setting, 2)).toBe("Echo: hello there");
    expect(told(setting, 3)).toContain("42");
    const image = setting.journal().find((event) => event.kind === "tool-end" && event.tool.endsWith("tiny-image"));
    expect(image).toMatchObject({
      parts: expect.arrayContaining([expect.objectContaining({ type: "image", mediaType: "image/png" })]) as unknown,
    });
    expect(told(setting, 5)).toContain("demo://resource/static");
    expect(told(setting, 6)).toMatch(/completed/i);
    const ends = setting.journal().filter((event) => event.kind === "tool-end");
    expect(ends.every(({ label }) => label.integrity === "external")).toBe(true);
    expect(alive(`${setting.home}`)).toEqual([]);
    const leases = setting.audit().filter(({ action }) => action === "lease-start");
    expect(leases).toEqual([
      expect.objectContaining({
        tool: "mcp__everything",
        details: expect.objectContaining({ profile: "workspace-read", hosts: [] }) as unknown,
      }),
    ]);
  });

  test("server-filesystem: reads the workspace, cannot change it unless its entry says so; the next session knows its list", async () => {
    const write = (name: string) =>
      inner(`mcp__${name}__write_file`, { path: `${setting.folder}/new.txt`, content: "by a server" });
    const replies: Reply[] = [];
    await using setting = await journey({ script: () => replies.shift() ?? DONE });
    const entry = (more: object) => referenceEntry("filesystem", [setting.folder], { approve: ["*"], ...more });
    configure(setting, { fs: entry({}), fsw: entry({ sandbox: "workspace-write" }) });
    replies.push(inner("mcp__fs__list_directory", { path: setting.folder }), write("fs"), write("fsw"), DONE);
    expect(await setting.ask(["-p", "look"])).toMatchObject({ code: 0 });
    expect(told(setting, 1)).toContain("[FILE] package.json");
    expect(told(setting, 2)).toMatch(/EROFS|read-only/);
    expect(told(setting, 3)).toContain("Successfully wrote");
    expect(setting.read("new.txt")).toBe("by a server");
    expect(setting.journal().filter(({ kind }) => kind === "snapshot-taken")).toHaveLength(1);
    replies.push(DONE);
    await setting.ask(["-p", "again"]);
    expect(JSON.stringify(setting.server.chats.at(-1)?.body)).toContain("fs: 14 tools: read_file, ");
  });

  test("a server sees no network, no secrets of ours, no home; with hosts it has the proxy alone", async () => {
    const script = [
      inner("mcp__kit__env"),
      inner("mcp__kit__fetch", { url: "http://127.0.0.1:9/" }),
      inner("mcp__kit__write", { path: "/tmp/mine" }),
      inner("mcp__net__fetch", { url: "http://example.org:81/" }),
      call("shell", { command: "ls /tmp; echo end" }),
      DONE,
    ];
    await using setting = await journey({ script });
    configure(setting, {
      kit: kitEntry(setting, "plain", {
        approve: ["*"],
        env: { MINE: "\u0024{GIVEN:-fallback}", API_TOKEN: "\u0024{THE_TOKEN}" },
      }),
      net: kitEntry(setting, "plain", { approve: ["*"], hosts: ["example.com"] }),
    });
    const env = { THE_TOKEN: "tok-0123456789abcdef", OTHER_SECRET: "sec-0123456789abcdef" };
    expect(await setting.ask(["-p", "try"], { env })).toMatchObject({ code: 0 });
    expect(told(setting, 1)).toContain('"MINE":"fallback"');
    expect(told(setting, 1)).not.toMatch(/tok-0123456789abcdef|sec-0123|OTHER_SECRET|THE_TOKEN/);
    expect(told(setting, 2)).toContain("failed");
    expect(told(setting, 3)).toBe("written");
    expect(told(setting, 4)).toMatch(/not approved|failed/);
    expect(told(setting, 5)).not.toContain("mine");
    expect(JSON.stringify(setting.audit())).not.toContain("tok-0123456789abcdef");
  });

  test("nobody there: not called without a word beforehand; plan mode starts nothing; a disallowed one neither", async () => {
    const echo = inner("mcp__kit__echo", { text: "x" });
    await using setting = await journey({ script: () => (setting.server.chats.length % 2 === 1 ? echo : DONE) });
    configure(setting, { kit: kitEntry(setting, "plain") });
    expect(await setting.ask(["-p", "call"])).toMatchObject({ code: 62 });
    expect(await setting.ask(["-p", "call", "--allowed-tools", "mcp__kit__echo"])).toMatchObject({ code: 0 });
    expect(await setting.ask(["-p", "call", "--allowed-tools", "mcp__kit"])).toMatchObject({ code: 0 });
    expect(await setting.ask(["-p", "call", "--allowed-tools", "mcp__kit__e"])).toMatchObject({ code: 62 });
    const leases = () => setting.audit().filter(({ action }) => action === "lease-start").length;
    const before = leases();
    await setting.ask(["-p", "call", "--permission-mode", "plan"]);
    await setting.ask(["-p", "call", "--disallowed-tools", "mcp__kit"]);
    expect(leases()).toBe(before);
    expect(decisions(setting).sort()).toEqual([
      "mcp__kit__echo allow ok",
      "mcp__kit__echo allow ok",
      "mcp__kit__echo ask mcp.call",
      "mcp__kit__echo ask mcp.call",
      "mcp__kit__echo deny mode.plan",
      "mcp__kit__echo deny policy.disallowed",
    ]);
  });

  test("a changed description is asked about, whatever was approved; --pin takes it", async () => {
    const echo = inner("mcp__kit__echo", { text: "x" });
    await using setting = await journey({ script: () => (setting.server.chats.length % 2 === 1 ? echo : DONE) });
    const state = join(setting.folder, "changed");
    const entry = kitEntry(setting, "changing", { approve: ["*"] });
    configure(setting, { kit: { ...entry, args: [...entry.args, state] } });
    const words = ["-p", "call", "--allowed-tools", "mcp__kit__*"];
    expect(await setting.ask(words)).toMatchObject({ code: 0 });
    writeFileSync(state, "");
    expect(await setting.ask(words)).toMatchObject({ code: 62 });
    expect(decisions(setting)).toContain("mcp__kit__echo ask mcp.changed");
    const tried = await setting.run(["mcp", "test", "kit"]);
    expect(tried).toMatchObject({ code: 3, stdout: expect.stringMatching(/mcp__kit__echo +changed/) as string });
    expect((await setting.run(["mcp", "test", "kit", "--pin"])).code).toBe(0);
    expect(await setting.ask(words)).toMatchObject({ code: 0 });
    expect((await setting.run(["mcp", "get", "kit"])).stdout).toMatch(
      /mcp__kit__echo +pinned +[0-9a-f]{12} +Gives back. Also read/,
    );
  });

  test("hostile words and names: no control characters, no collisions, labelled external", async () => {
    await using setting = await journey({
      script: [call("tool_search", { query: "" }), call("tool_search", { query: "one two three echo" }), DONE],
    });
    configure(setting, { bad: kitEntry(setting, "hostile") });
    await setting.ask(["-p", "look"]);
    const found = told(setting, 2)
      .split("\n")
      .map((line) => (JSON.parse(line) as { name: string }).name)
      .filter((name) => name.startsWith("mcp__"));
    expect(new Set(found).size).toBe(found.length);
    expect(found).toContain("mcp__bad__a_b");
    expect(found.every((name) => /^mcp__bad__[A-Za-z0-9_-]+$/.test(name))).toBe(true);
    expect(told(setting, 2)).not.toMatch(/[\u0007\u001b\u202e]|\\u001b|\\u0007/);
    const [, end] = setting.journal().filter((event) => event.kind === "tool-end");
    expect(end?.label.integrity).toBe("external");
  });

  test("huge answers go to a file, secrets are taken out, failures are results", async () => {
    const script = [
      inner("mcp__kit__big", { bytes: 300_000 }),
      inner("mcp__kit__big", { bytes: "many" }),
      inner("mcp__kit__fail"),
      inner("mcp__sec__echo", { text: "ghp_0123456789abcdefghijklmnopqrstuvwxyz" }),
      inner("mcp__kit__nothing"),
      DONE,
    ];
    await using setting = await journey({ script });
    configure(setting, {
      kit: kitEntry(setting, "plain", { approve: ["*"] }),
      sec: kitEntry(setting, "secret", { approve: ["*"] }),
    });
    await setting.ask(["-p", "try"]);
    expect(told(setting, 1).length).toBeLessThan(31_000);
    expect(told(setting, 1)).toMatch(/\[all 300000 bytes are in \/tmp\/output_\w+\.txt\]/);
    expect(told(setting, 2)).toMatch(/action\.bad-input/);
    expect(told(setting, 3)).toBe("it does not work");
    expect(told(setting, 4)).not.toContain("ghp_0123456789abcdefghijklmnopqrstuvwxyz");
    expect(told(setting, 5)).toMatch(/there is no tool mcp__kit__nothing/);
  });

  test("each server costs one line of the prompt, however many tools it has", async () => {
    await using setting = await journey({ script: () => DONE });
    const prompt = () => {
      const { body }: { body: Record<string, unknown> } = setting.server.chats.at(-1) ?? { body: {} };
      return { tools: JSON.stringify(body["tools"]), text: JSON.stringify(messagesOf({ body })) };
    };
    const entry = referenceEntry("everything", ["stdio"], { approve: ["*"] });
    configure(setting, { one: entry });
    expect((await setting.run(["mcp", "test", "one"])).code).toBe(0);
    await setting.ask(["-p", "hello"]);
    const single = prompt();
    configure(setting, { one: entry, two: entry, three: entry });
    await setting.ask(["-p", "hello"]);
    const three = prompt();
    expect(three.tools).toBe(single.tools);
    expect(three.text.split("\\n")).toHaveLength(single.text.split("\\n").length + 2);
    expect(three.text.length - single.text.length).toBeLessThan(2 * 200);
  });

  test("servers that fail are named with their last words: broken, garbage, flood, dying, started once more", async () => {
    const script = [
      inner("mcp__broken__echo", { text: "x" }),
      inner("mcp__garbage__echo", { text: "still here" }),
      inner("mcp__flood__echo", { text: "x" }),
      inner("mcp__kit__die"),
      inner("mcp__kit__echo", { text: "again" }),
      inner("mcp__kit__die"),
      inner("mcp__kit__echo", { text: "no more" }),
      DONE,
    ];
    await using setting = await journey({ script });
    const entry = (behaviour: string) => kitEntry(setting, behaviour, { approve: ["*"] });
    configure(setting, {
      broken: entry("broken"),
      garbage: entry("garbage"),
      flood: entry("flood"),
      kit: entry("plain"),
    });
    await setting.ask(["-p", "try"]);
    expect(told(setting, 1)).toMatch(
      /MCP server broken did not start: .*it said: no such database \(crucible mcp test broken\)/,
    );
    expect(told(setting, 2)).toBe("still here");
    expect(told(setting, 3)).toMatch(/MCP server flood did not start/);
    expect(told(setting, 4)).toMatch(
      /MCP server kit ended before it answered \(it said: out of luck\); whether the call did its work is not known/,
    );
    expect(told(setting, 5)).toBe("again");
    expect(told(setting, 7)).toMatch(/MCP server kit ended 2 times: out of luck/);
  });

  test("a server that never answers ends with its time, and is told to stop", async () => {
    await using setting = await journey({
      script: [inner("mcp__kit__wait"), inner("mcp__kit__echo", { text: "alive" }), DONE],
    });
    const log = join(setting.folder, "log");
    writeFileSync(log, "");
    const entry = kitEntry(setting, "plain", { approve: ["*"], timeoutMs: 700, sandbox: "workspace-write" });
    configure(setting, { kit: { ...entry, args: [...entry.args, log] } });
    await setting.ask(["-p", "try"]);
    expect(told(setting, 1)).toMatch(/MCP server kit gave no answer in 1 second/);
    expect(told(setting, 2)).toBe("alive");
    expect(readFileSync(log, "utf8")).toContain("notifications/cancelled");
  });

  for (const [how, kill] of [
    ["SIGTERM", "SIGTERM"],
    ["kill -9", "SIGKILL"],
  ] as const)
    for (const sandbox of ["workspace-write", "off"])
      test(`no process of a server outlives ${how} (-s ${sandbox})`, async () => {
        const confined = sandbox !== "off";
        const script = [
          inner(confined ? "mcp__fam__echo" : "mcp__kit__echo", { text: "x" }),
          inner("mcp__kit__wait"),
          DONE,
        ];
        await using setting = await journey({ script });
        // A child that left its process group is only held by the sandbox.
        const entry = (behaviour: string) => kitEntry(setting, behaviour, { approve: ["*"] });
        configure(setting, { kit: entry("deaf"), fam: entry("family") });
        const mark = `${setting.home}/servers`;
        let lived = 0;
        const run = await setting.ask(["-p", "wait", "-s", sandbox], {
          running: (child) => {
            const waits = () => {
              expect(setting.journal().filter(({ kind }) => kind === "tool-start")).toHaveLength(2);
              expect(alive(mark).length).toBeGreaterThan(0);
            };
            const end = () => {
              lived = alive(mark).length;
              child.kill(kill);
            };
            vi.waitFor(waits, { timeout: 20_000 }).then(end, () => child.kill("SIGKILL"));
          },
        });
        expect(lived).toBeGreaterThan(confined ? 1 : 0);
        expect(run.signal ?? run.code).toBe(kill === "SIGKILL" ? "SIGKILL" : 143);
        await vi.waitFor(() => expect(alive(mark)).toEqual([]), { timeout: 10_000 });
      });

  test("a project's servers wait for trust, take only listed variables and widen nothing", async () => {
    const echo = inner("mcp__ours__echo", { text: "x" });
    await using setting = await journey({ script: () => (setting.server.chats.length % 2 === 1 ? echo : DONE) });
    // It lies in the workspace: a project opens nothing else to be read.
    const { read: _home, ...outside } = kitEntry(setting, "plain", { env: { A: "\u0024{LISTED}" } });
    cpSync(outside.args[0] ?? "", join(setting.folder, "server.mjs"));
    const entry = { ...outside, args: [join(setting.folder, "server.mjs"), "plain"] };
    const file = join(setting.folder, ".mcp.json");
    writeFileSync(file, JSON.stringify({ mcpServers: { ours: entry } }));
    const words = ["-p", "call", "--allowed-tools", "mcp__ours__echo"];
    const env = { LISTED: "listed-value" };
    const untrusted = await setting.ask(words, { env });
    expect(untrusted.stderr).toContain("1 MCP server ignored until you trust it: crucible trust");
    expect(told(setting, 1)).toContain("no such tool: mcp__ours__echo");
    expect((await setting.run(["trust", "--yes"])).code).toBe(0);
    const listed = await setting.ask(words, { env });
    expect(listed.stderr).toContain("server ours is left out: LISTED is not set, or not listed in mcp.variables");
    await setting.run(["config", "set", "mcp.variables", "LISTED"]);
    expect(await setting.ask(words, { env })).toMatchObject({ code: 0 });
    expect(told(setting, 5)).toBe("x");
    writeFileSync(file, JSON.stringify({ mcpServers: { ours: { ...entry, approve: ["*"] } } }, null, 1));
    await setting.run(["trust", "--yes"]);
    expect(await setting.ask(words, { env })).toMatchObject({
      code: 52,
      stderr: expect.stringMatching(/\.mcp\.json:\d+: approve cannot be set by a project/) as string,
    });
  });

  test.skipIf(missing)("with a person: yes, always for this tool as it is, forms, sampling with consent", async () => {
    const script = [
      inner("mcp__kit__echo", { text: "one" }),
      inner("mcp__kit__echo", { text: "two" }),
      inner("mcp__kit__form"),
      inner("mcp__kit__sample"),
      { text: "from the model" },
      DONE,
    ];
    await using setting = await journey({ script });
    configure(setting, { kit: kitEntry(setting, "plain", { approve: ["form", "sample"] }) });
    using window = terminal(setting, ["--screen-reader", "go"]);
    await window.shows(/always would allow: mcp__kit__echo with any input/);
    await window.answer("a", "Enter");
    await window.shows(/1: answer/);
    window.send("1", "Enter");
    await window.shows(/1: red/);
    window.send("2", "Enter");
    await window.shows(/size \(empty: 3\)/);
    window.send("", "Enter");
    await window.shows(/wants an answer of the model/);
    await window.answer("y", "Enter");
    await window.shows(/^Done\.$/m);
    expect(told(setting, 2)).toBe("two");
    expect(told(setting, 3)).toBe('{"action":"accept","content":{"colour":"blue","size":3}}');
    expect(told(setting, 5)).toContain("from the model");
    expect(
      setting.journal().filter((event) => event.kind === "model-end" && event.purpose === "sampling"),
    ).toHaveLength(1);
    expect((await setting.run(["approvals"])).stdout).toContain("mcp__kit__echo");
  });

  test("crucible mcp: add, list, get, test, remove; doctor tells; wrong entries name file and line", async () => {
    await using setting = await journey({ script: [] });
    const { command, args, read } = kitEntry(setting, "plain");
    const added = await setting.run([
      "mcp",
      "add",
      "kit",
      "--read",
      read[0] ?? "",
      "--env",
      "TOKEN=abcdefghijkl",
      "--",
      command,
      ...args,
    ]);
    expect(added).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("try it: crucible mcp test kit") as string,
    });
    await setting.run(["mcp", "add", "far", "https://example.com/mcp", "--header", "X-Key: \u0024{KEY:-none}"]);
    await setting.run(["mcp", "add", "shared", "-s", "project", "--", "shared-server"]);
    expect(existsSync(join(setting.folder, ".mcp.json"))).toBe(true);
    const listed = await setting.run(["mcp"]);
    expect(listed.stdout).toMatch(
      /kit .*not started +never seen[\s\S]*far +https:\/\/example.com\/mcp[\s\S]*note: .*crucible trust/,
    );
    const tested = JSON.parse((await setting.run(["mcp", "test", "kit", "-o", "json"])).stdout) as {
      tools: unknown[];
      prompts: string[];
      resources: string[];
      startMs: number;
    };
    expect(tested).toMatchObject({
      prompts: ["hello"],
      resources: ["kit://note"],
      startMs: expect.any(Number) as number,
    });
    expect(tested.tools.length).toBeGreaterThan(5);
    const got = await setting.run(["mcp", "get", "kit", "-o", "json"]);
    expect(got.stdout).not.toContain("abcdefghijkl");
    expect((await setting.run(["mcp", "get", "kit", "--json"])).stdout).toBe(got.stdout);
    const shown = (await setting.run(["mcp", "get", "kit"])).stdout;
    expect(shown).toMatch(/^kit\nruns: +.*server\.mjs plain\nfrom: +user: .*mcp\.json/);
    expect(shown).toMatch(/^env: +TOKEN$/m);
    expect(shown).toMatch(/^read: +.*servers$/m);
    expect(shown).not.toMatch(/[{}]|abcdefghijkl/);
    expect((await setting.run(["doctor"])).stdout).toMatch(/mcp +kit: .*pinned tools/);
    expect(await setting.run(["mcp", "get", "kits"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Did you mean kit?") as string,
    });
    expect(await setting.run(["mcp", "login", "kit"])).toMatchObject({ code: 2 });
    expect(await setting.run(["mcp", "logout", "far"])).toMatchObject({
      code: 0,
      stdout: "there was no login at far\n",
    });
    expect(await setting.run(["mcp", "add", "bad", "x", "--header", "a: b"])).toMatchObject({ code: 2 });
    expect(await setting.run(["mcp", "remove", "kit"])).toMatchObject({ code: 0 });
    expect((await setting.run(["mcp", "-o", "json"])).stdout).not.toContain('"kit"');
    const ask = (json: string) => setting.ask(["-p", "x", "--mcp-config", json]);
    expect(await ask('{"mcpServers": {"k": {"comand": "x"}}}')).toMatchObject({ code: 52 });
    expect((await ask('{"mcpServers": {"k": {"command": "x", "arg": []}}}')).stderr).toContain(
      "unknown key arg of server k. Did you mean args?",
    );
    expect((await ask("/nowhere.json")).stderr).toContain("there is no such file");
  });

  test("a server that does not see its own program: the folder that is missing is named, not the test that failed", async () => {
    await using setting = await journey({ script: [] });
    const { command, args, read } = kitEntry(setting, "plain");
    configure(setting, {
      kit: { command, args },
      gone: { command: "no-such-server" },
      bad: kitEntry(setting, "broken"),
    });
    const kit = await setting.run(["mcp", "test", "kit"]);
    expect(kit.code).not.toBe(0);
    expect(kit.stderr).toContain(`crucible mcp add kit --read ${read[0] ?? ""} `);
    expect((await setting.run(["mcp", "test", "gone"])).stderr).toContain("crucible mcp add gone --read FOLDER ");
    const bad = await setting.run(["mcp", "test", "bad"]);
    expect(bad.stderr).toContain("no such database");
    expect(bad.stderr).toContain("crucible mcp get bad");
    expect(bad.stderr).not.toContain("mcp test");
  });

  test("--mcp-config adds for one run, --strict-mcp-config takes nothing else; --offline closes what needs a network", async () => {
    const script = [call("tool_search", { query: "echo" }), inner("mcp__far__echo"), DONE];
    await using setting = await journey({ script });
    configure(setting, { own: kitEntry(setting, "plain") });
    const given = JSON.stringify({
      mcpServers: { here: kitEntry(setting, "plain"), far: { url: "https://example.com/mcp", approve: ["*"] } },
    });
    await setting.ask(["-p", "x", "--mcp-config", given, "--strict-mcp-config", "--offline"]);
    expect(told(setting, 1)).toContain("mcp__here__echo");
    expect(told(setting, 1)).not.toContain("mcp__own__echo");
    expect(told(setting, 2)).toContain("needs a network, and --offline closes it");
  });
});
