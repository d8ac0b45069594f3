/** A person at a real terminal: what they see, press and get back. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { call, type Journey, journey, lastText, messagesOf } from "../kit/journey.ts";
import { TYPESCRIPT_FIX } from "../kit/repositories.ts";
import { missing, type Terminal, terminal } from "../kit/terminal.ts";

const { path, old, new: next, test: command } = TYPESCRIPT_FIX;
/** The prompt stands below, empty, and nothing is at work. */
const READY = /^(?![\s\S]*Esc stops)[\s\S]*─{20,}\n\s*\n─{20,}\n/;

async function leave(screen: Terminal): Promise<string> {
  screen.send("C-c");
  await screen.shows(/Ctrl\+C again leaves/);
  // On a busy machine the first may be long ago by now.
  screen.send("C-c", "C-c");
  return screen.shows(/exit=\d+/);
}

async function say(screen: Terminal, text: string): Promise<void> {
  await screen.shows(READY);
  screen.type(text);
  screen.send("Enter");
}

function requestText(setting: Journey, index: number): string {
  return lastText(setting.server.chats[index] ?? { body: {} });
}

describe.skipIf(missing).concurrent("a conversation at a terminal (needs tmux)", () => {
  test.each([
    ["80x24", 80, 24],
    ["200x50", 200, 50],
  ])(
    "the whole job at %s: words, tool lines, a diff, the proof; the prompt waits again",
    async (_size, columns, rows) => {
      await using setting = await journey({
        script: [
          call("shell", { command }, "I will run the tests first."),
          call("read", { path }),
          call("edit", { path, edits: [{ old, new: next }] }),
          call("shell", { command }),
          { text: "The count was **missing** from the sum.", chunkDelayMs: 5 },
        ],
      });
      using screen = terminal(setting, [], {}, { columns, rows });
      await say(screen, "fix the failing test");
      const done = await screen.shows(
        /missing from the sum\.[\s\S]*verified since the last edit: `node --test` exit 0/,
      );
      expect(done).toContain("❯ fix the failing test");
      expect(done).toMatch(/✗ .*node --test.*exit 1/);
      expect(done).toMatch(/✔ .*src\/basket\.ts.*\+1 -1/);
      expect(done).toMatch(/^ {2}-.*sum \+ line\.price, 0/m);
      expect(done).toMatch(/^ {2}\+.*line\.price \* line\.count, 0/m);
      await screen.shows(/k\/32\.8k loaded · \d+ tok\/s/);
      const last = await leave(screen);
      expect(last).toContain("exit=0");
      expect(last).toMatch(/session \S{13} · go on with: crucible -c/);
      expect(last).not.toContain("Esc stops");
      for (const line of last.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
    },
  );

  test("a prompt on the command line is the first turn, and -c shows where it was", async () => {
    await using setting = await journey({ script: [{ text: "Hello there." }, { text: "Back again." }] });
    using screen = terminal(setting, ["hi"]);
    await screen.shows(/❯ hi[\s\S]*Hello there\./);
    await screen.shows(READY);
    screen.send("C-d");
    await screen.shows(/exit=0/);
    using again = terminal(setting, ["-c"]);
    await again.shows(/❯ hi[\s\S]*Hello there\./);
    await say(again, "and now?");
    await again.shows(/Back again\./);
    expect(messagesOf(setting.server.chats[1] ?? { body: {} }).map(({ role }) => role)).toEqual([
      "system",
      "user",
      "assistant",
      "user",
    ]);
  });

  test("questions: y runs it, n refuses it and is told to the model", async () => {
    const ask = { command: "node -e 'console.log(40+2)'" };
    await using setting = await journey({
      script: [call("shell", ask), call("shell", { command: "node -e 'console.log(1)'" }), { text: "Enough." }],
    });
    using screen = terminal(setting, ["compute"]);
    const first = await screen.shows(/\? shell node -e[\s\S]*yes, once/);
    expect(first).toContain("node -e 'console.log(40+2)'");
    screen.send("y");
    await screen.shows(/\? shell node -e 'console\.log\(1\)'[\s\S]*yes, once/);
    expect(requestText(setting, 1)).toContain("42");
    screen.send("w");
    await screen.shows(/Why not\?/);
    screen.type("use python instead");
    screen.send("Enter");
    await screen.shows(/not allowed: .*\(use python instead\)[\s\S]*Enough\./);
    expect(requestText(setting, 2)).toContain("the person said no: use python instead");
    const approvals = setting.audit().filter((record) => record["action"] === "approval");
    expect(approvals.map((record) => record["decision"])).toEqual(["yes", "no"]);
  });

  test("an always is shown with what it stores, asked once, listed, and asked again after it is revoked", async () => {
    const build = call("shell", { command: "mytool build src/a.ts" });
    await using setting = await journey({ script: [build, build, { text: "Built." }, build, { text: "Again." }] });
    using screen = terminal(setting, ["build"]);
    const asked = await screen.shows(/always would allow[\s\S]*a {2}always/);
    expect(asked.replaceAll(/\s+/g, " ")).toContain("always would allow: mytool build … (without options) in ");
    screen.send("a");
    await screen.shows(/always\? shell mytool build[\s\S]*y {2}yes, always/);
    screen.send("y");
    await screen.shows(/Built\./);
    expect(setting.journal().filter((event) => event.kind === "approval-asked")).toHaveLength(1);
    const listed = await setting.run(["approvals"]);
    expect(listed.stdout).toMatch(/^a_\w+ +shell +mytool build … \(without options\) +\S+ +until \d{4}-\d\d-\d\d\n$/);
    expect((await setting.run(["approvals", "revoke", listed.stdout.split(" ")[0] ?? ""])).stdout).toBe("1 revoked\n");
    await leave(screen);
    using again = terminal(setting, ["build"]);
    await again.shows(/always would allow/);
    again.send("Escape");
    await again.shows(/the person said no/);
    const kinds = setting.audit().map((record) => record["action"]);
    expect(kinds).toEqual(expect.arrayContaining(["approval", "approval-stored", "approval-revoked"]));
  });

  test("what is typed ahead, and a line written into an open question, goes to the model and answers nothing", async () => {
    const fetch = call("shell", { command: "node -e 'console.log(40+2)'" }, "I will compute it. ".repeat(40));
    await using setting = await journey({ script: [{ ...fetch, chunkDelayMs: 10 }, { text: "Heard you." }] });
    using screen = terminal(setting, ["compute"]);
    await screen.shows(/I will compute it\./);
    screen.type("please ");
    await screen.shows(/\? shell node -e[\s\S]*Tab: answer here[\s\S]*\nplease/);
    screen.type("always use python");
    screen.send("Enter");
    await screen.shows(/↳ please always use python/);
    screen.type("yes do it");
    screen.send("Enter");
    await screen.shows(/↳ yes do it/);
    screen.send("y");
    await screen.shows(/allowed once: shell node -e[\s\S]*Heard you\./);
    const answers = setting.journal().filter((event) => event.kind === "approval-given");
    expect(answers).toMatchObject([{ answer: "yes" }]);
    expect(JSON.stringify(messagesOf(setting.server.chats[1] ?? { body: {} }))).toContain("please always use python");
  });

  test("/diff names new files and says when nothing is changed; /new begins with an empty status", async () => {
    await using setting = await journey({ script: () => ({ text: "Yes." }) });
    const git = (...words: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...words], { cwd: setting.folder });
    git("init", "-q");
    git("add", "-A");
    git("commit", "-qm", "first");
    using screen = terminal(setting, ["hi"]);
    await screen.shows(/1\.\dk\/32\.8k loaded/);
    await say(screen, "/diff");
    await screen.shows(/❯ \/diff[\s\S]*nothing is changed/);
    writeFileSync(join(setting.folder, "brand-new.txt"), "x\n");
    await say(screen, "/diff");
    await screen.shows(/\?\? brand-new\.txt/);
    await say(screen, "/clear");
    const fresh = await screen.shows(/a new session\n[\s\S]* 0\/32\.8k loaded/);
    expect(fresh.match(/brand-new/g)).toHaveLength(1);
    expect(fresh.match(/sandbox bubblewrap/g)).toHaveLength(1);
    await say(screen, "again");
    await screen.shows(/❯ again[\s\S]*Yes\.[\s\S]*1\.\dk\/32\.8k loaded/);
  });

  test("ask_user: the answer goes to the model, chosen or in own words", async () => {
    const ask = call("ask_user", { question: "Which colour?", options: ["red", "blue"] });
    await using setting = await journey({ script: [ask, ask, { text: "Painted." }] });
    using screen = terminal(setting, ["paint"]);
    await screen.shows(/Which colour\?[\s\S]*something else/);
    screen.send("Down", "Enter");
    await screen.shows(/→ blue[\s\S]*\? Which colour\?[\s\S]*something else/);
    screen.send("Up", "Enter");
    await screen.shows(/Which colour\?\s*\n>/);
    screen.type("a warm grey");
    screen.send("Enter");
    await screen.shows(/Painted\./);
    expect(requestText(setting, 1)).toContain("blue");
    expect(requestText(setting, 2)).toContain("a warm grey");
  });

  test("said while it works: read before the next request; queued: asked when it is done; Up takes it back", async () => {
    await using setting = await journey({
      script: [
        call("shell", { command: "sleep 15; echo slept" }, "First I sleep."),
        { text: "Heard." },
        { text: "Second turn." },
      ],
    });
    using screen = terminal(setting, ["work"]);
    await screen.shows(/● .*sleep 15/);
    screen.type("use tabs");
    screen.send("Enter");
    await screen.shows(/↳ use tabs/);
    for (const text of ["later one", "later two"]) {
      screen.type(text);
      screen.send("C-q");
      await screen.shows(new RegExp(`waits: ${text}`));
    }
    screen.send("Up");
    await screen.shows(/─\nlater two/);
    screen.send("C-c");
    await screen.shows(/Heard\.[\s\S]*❯ later one[\s\S]*Second turn\./);
    expect(requestText(setting, 1)).toBe("use tabs");
    expect(requestText(setting, 2)).toContain("later one");
    expect(setting.server.chats).toHaveLength(3);
  });

  test("Esc stops the turn, the words so far stay, and the next turn goes on", async () => {
    await using setting = await journey({
      script: [{ text: "word ".repeat(2000), chunkDelayMs: 10 }, { text: "Fine." }],
    });
    using screen = terminal(setting, ["talk"]);
    await screen.shows(/word word word/);
    screen.type("shorter");
    screen.send("C-q");
    await screen.shows(/waits: shorter/);
    screen.send("Escape");
    await screen.shows(/cancelled[\s\S]*waits: shorter\n.*Enter alone sends it/);
    await vi.waitFor(() => expect(setting.server.aborted.count).toBe(1), 20_000);
    screen.send("Enter");
    await screen.shows(/❯ shorter[\s\S]*Fine\./);
    await say(screen, "/effort");
    await screen.shows(/effort: as the model has it \(\/effort off\|low/);
  });

  test("a resize in the middle of an answer and ten thousand lines: the scrollback stays, the prompt stands once", async () => {
    const answer = Array.from({ length: 120 }, (_, line) => `paragraph ${line} of the answer.\n\n`).join("");
    await using setting = await journey({
      script: [call("shell", { command: "seq 1 10000" }), { text: answer, chunkDelayMs: 4 }],
    });
    using screen = terminal(setting, ["count"]);
    await screen.shows(/paragraph 10 of/);
    screen.resize(60, 20);
    await screen.shows(/paragraph 40 of/);
    screen.resize(120, 40);
    await screen.shows(/paragraph 119 of/);
    screen.send("C-o");
    const all = await screen.shows(/ {2}9999\n {2}10000[\s\S]*sandbox bubblewrap/);
    const shown = [...all.matchAll(/^paragraph (\d+) of the answer\.$/gm)].map(([, line]) => Number(line));
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect(new Set(shown).size).toBe(shown.length);
    expect(all.match(/sandbox bubblewrap/g)).toHaveLength(1);
  });

  test("200x50 becomes 90x20 in the middle of a long list: each item stands once, and no piece of the prompt is left behind", async () => {
    const item = (at: number) => `- item ${at} ${"some words that make a rather long line of a list ".repeat(3)}`;
    const answer = `${Array.from({ length: 40 }, (_, at) => item(at)).join("\n")}\n\nThe end.`;
    await using setting = await journey({ script: [{ text: answer, chunkDelayMs: 4 }] });
    using screen = terminal(setting, ["list"], {}, { columns: 200, rows: 50 });
    await screen.shows(/- item 12 /);
    screen.resize(90, 20);
    await screen.shows(/The end\./);
    const all = await screen.shows(READY);
    const items = [...all.matchAll(/- item (\d+) /g)].map(([, at]) => Number(at));
    expect(items).toEqual(Array.from({ length: 40 }, (_, at) => at));
    expect(all.match(/^─{20,}$/gm)).toHaveLength(2);
    expect(all).not.toContain("Esc stops");
  });

  test("@file is completed, read through the gate and told; !command too", async () => {
    await using setting = await journey({ script: () => ({ text: "Seen." }) });
    using screen = terminal(setting, []);
    await screen.shows(READY);
    screen.type("explain @bask");
    await screen.shows(/→ src\/basket\.ts/);
    screen.send("Tab");
    await screen.shows(/explain @src\/basket\.ts/);
    screen.send("Enter");
    await screen.shows(/Seen\./);
    const said = JSON.stringify(messagesOf(setting.server.chats[0] ?? { body: {} }).at(-1));
    expect(said).toContain("export function total");
    expect(said).toContain("explain @src/basket.ts");
    await say(screen, "!echo own words");
    await screen.shows(/\$ echo own words[\s\S]*own words/);
    await say(screen, "what did I run?");
    await vi.waitFor(() => expect(setting.server.chats.length).toBe(2), 20_000);
    expect(JSON.stringify(messagesOf(setting.server.chats[1] ?? { body: {} }).at(-1))).toContain(
      String.raw`$ echo own words\nown words`,
    );
    expect(setting.audit().filter(({ action }) => action === "tool-decision").length).toBe(2);
  });

  test("Shift+Tab: in plan mode nothing is written, and the model is told", async () => {
    await using setting = await journey({
      script: [call("write", { path: "new.txt", content: "x" }), { text: "Only a plan." }],
    });
    using screen = terminal(setting, []);
    await screen.shows(/· default ·/);
    screen.send("BTab");
    await screen.shows(/· auto ·/);
    screen.send("BTab");
    await screen.shows(/· plan ·/);
    await say(screen, "write it");
    await screen.shows(/Only a plan\./);
    expect(requestText(setting, 1)).toContain("plan mode only reads");
    expect(JSON.stringify(messagesOf(setting.server.chats[0] ?? { body: {} }).at(-1))).toContain("mode: plan");
  });

  test("Ctrl+B: the running command goes on in the background", async () => {
    await using setting = await journey({
      script: [call("shell", { command: "seq 1 3000; sleep 15; echo over" }), { text: "It runs on." }],
    });
    using screen = terminal(setting, ["build"]);
    await screen.shows(/^ +\d+$[\s\S]*● .*sleep 15/m);
    screen.send("C-b");
    await screen.shows(/It runs on\./);
    expect(requestText(setting, 1)).toMatch(/1\n2\n3[\s\S]*goes on as job job_\w+/);
    await screen.shows(/job job_\w+ ended with exit 0/);
    const actions = setting.audit().map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(["lease-start", "lease-end"]));
  });

  test("a server that dies in the middle is told in one line, and the conversation goes on", async () => {
    await using setting = await journey({
      script: [{ text: "word ".repeat(400), chunkDelayMs: 5, dieAfterBytes: 9000 }, { text: "Here again." }],
    });
    using screen = terminal(setting, ["talk"]);
    await screen.shows(/word word[\s\S]*(?:closed|ended|broke|cut|died)[\s\S]*loaded/);
    await say(screen, "go on");
    await screen.shows(/Here again\./);
  });

  test("keys of one's own, the editor, the search in earlier prompts", async () => {
    await using setting = await journey({ script: () => ({ text: "Good." }) });
    const config = join(setting.home, "crucible/config");
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, "keybindings.json"), '{"app.editor": "alt+e"}');
    const editor = join(setting.home, "editor.sh");
    writeFileSync(editor, '#!/bin/sh\necho "written outside" >> "$1"\n');
    chmodSync(editor, 0o755);
    using screen = terminal(setting, [], { EDITOR: editor });
    await screen.shows(READY);
    screen.send("M-e");
    await screen.shows(/written outside/);
    screen.send("Enter");
    await screen.shows(/Good\./);
    await screen.shows(READY);
    screen.send("C-r");
    await screen.shows(/Which prompt\?[\s\S]*→ written outside/);
    screen.send("Enter");
    await screen.shows(/─\nwritten outside/);
    screen.send("C-c");
    await leave(screen);
    writeFileSync(join(config, "keybindings.json"), '{"app.edtor": "alt+e"}');
    using bad = terminal(setting, []);
    const told = await bad.shows(/see\s+\/keybindings/);
    expect(told.replaceAll(/\s+/g, " ")).toContain(
      "keybindings.json: there is no action app.edtor (did you mean app.editor?). The keys",
    );
    await say(bad, "still here");
    await bad.shows(/Good\./);
  });

  test("slash commands: help, a model for the rest of the session, export, a wrong one", async () => {
    await using setting = await journey({ script: () => ({ text: "Yes." }) });
    using screen = terminal(setting, ["hi"]);
    await screen.shows(/Yes\./);
    await say(screen, "/nosuch");
    await screen.shows(/there is no \/nosuch\. See: \/help/);
    await say(screen, "/context");
    await screen.shows(/window +32\.8k tokens \(loaded\)[\s\S]*head +about/);
    await screen.shows(READY);
    screen.type("/effort low");
    await screen.shows(/→ low/);
    screen.send("Enter");
    await screen.shows(/^effort low$/m);
    await say(screen, "/name first talk");
    await screen.shows(/named first talk/);
    await say(screen, "/new");
    await screen.shows(/a new session/);
    await say(screen, "/resume first");
    await screen.shows(/❯ hi[\s\S]*Yes\./);
    await say(screen, "/quit");
    await screen.shows(/exit=0/);
  });

  test("/compact puts a summary in the place of what was said; /tasks tells of background commands", async () => {
    const long = "Every word of this answer counts. ".repeat(120);
    await using setting = await journey({
      server: { window: 8_192 },
      script: [
        ...["first", "second", "third"].map((which) => ({ text: `${long}So much for the ${which}.` })),
        { text: "In short: words." },
        { text: "Going on." },
      ],
    });
    using screen = terminal(setting, ["one"]);
    await screen.shows(/much for the first\./);
    await say(screen, "two");
    await screen.shows(/much for the second\./);
    await say(screen, "three");
    await screen.shows(/much for the third\./);
    await say(screen, "/tasks");
    await screen.shows(/no command runs in the background/);
    await say(screen, "/compact");
    await screen.shows(/context compacted: /);
    await say(screen, "go on");
    await screen.shows(/Going on\./);
    expect(setting.journal().some(({ kind }) => kind === "context-compacted")).toBe(true);
  });

  test("the window of a model whose server does not tell: asked once, then remembered", async () => {
    await using setting = await journey({
      wire: "openai",
      server: { flavour: "plain" },
      script: () => ({ text: "Hello." }),
    });
    using screen = terminal(setting, ["hi"]);
    await screen.shows(/How many\s+tokens\?/);
    screen.type("16000");
    screen.send("Enter");
    await screen.shows(/16\.0k configured/);
    expect((await setting.run(["config", "get", "windows"])).stdout).toContain("16000");
    const again = await setting.ask(["-p", "hi"]);
    expect(again).toMatchObject({ code: 0, stderr: "" });
  });

  test("--screen-reader: every line once, nothing is drawn over", async () => {
    await using setting = await journey({
      script: [call("shell", { command: "node -e 'console.log(40+2)'" }), { text: "Forty-two." }],
    });
    using screen = terminal(setting, ["--screen-reader"]);
    await screen.shows(/crucible/);
    screen.type("compute");
    screen.send("Enter");
    await screen.shows(/Question: allow shell node -e[\s\S]*yes or no:/);
    screen.type("say it in words");
    screen.send("Enter");
    await screen.shows(/Said in between: say it in words/);
    await screen.answer("yes", "Enter");
    const done = await screen.shows(/Forty-two\.[\s\S]*Ready\.\n>/);
    expect(done).not.toMatch(/[─●❯]/);
    expect(lastText(setting.server.chats[1] ?? { body: {} })).toBe("say it in words");
    screen.type("half a line");
    await screen.shows(/> half a line/);
    screen.send("C-c");
    await screen.shows(/\n>\s*$/);
    screen.send("C-c");
    await screen.shows(/Ctrl\+C again leaves/);
    screen.type("half");
    await screen.shows(/> half/);
    screen.send("C-u", "C-d");
    await screen.shows(/\nsession \S+ · go on with: crucible -c\nexit=0/);
  });

  test("SIGTERM while it works: the session is closed, nothing is left behind", async () => {
    await using setting = await journey({ script: [call("shell", { command: "sleep 77.125" }), { text: "x" }] });
    using screen = terminal(setting, ["wait"]);
    await screen.shows(/● .*sleep 77/);
    const children = execFileSync("pgrep", ["-P", String(screen.pid())], { encoding: "utf8" }).trim();
    process.kill(Number(children.split("\n")[0]), "SIGTERM");
    await screen.shows(/exit=143/);
    expect(() => execFileSync("pgrep", ["-f", "sleep 77.125"])).toThrow();
    const end = setting.journal().findLast(({ kind }) => kind === "turn-end");
    expect(end).toMatchObject({ outcome: { status: "cancelled" } });
  });
});
