/** Sessions as things one keeps: names, branches, documents, files to take elsewhere, search, and an end. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { call, journey, messagesOf } from "../kit/journey.ts";

const HOSTILE = '<script>alert(1)</script> & "quotes" ```fence```';

describe.concurrent("sessions", () => {
  test("a document shows what was said, each call once, and what was denied", async () => {
    const script = [call("shell", { command: "git reset --hard HEAD~1" }, "I will reset."), { text: "Denied, then." }];
    await using setting = await journey({ script });
    await setting.ask(["-p", "-n", "talk", "reset it"]);
    const { stdout } = await setting.run(["sessions", "export", "talk", "--format", "markdown"]);
    expect(stdout).toContain("I will reset.\n\n**✋ shell git reset --hard HEAD~1**");
    expect(stdout).not.toContain("[tool-call]");
  });

  test("as Markdown, as a page that runs nothing, as JSON lines; a file that is there is not overwritten", async () => {
    await using setting = await journey({
      script: [call("shell", { command: "echo 'a ``` b'" }, HOSTILE), { text: "Fine." }],
    });
    await setting.ask(["-p", "-n", "talk", `say ${HOSTILE}`]);
    const markdown = await setting.run(["sessions", "export", "talk", "--format", "markdown"]);
    expect(markdown.code).toBe(0);
    expect(markdown.stdout).toMatch(/^# talk\n\n\S+ · \d{4}-/);
    expect(markdown.stdout).toContain("**✔ shell echo");
    expect(markdown.stdout).toMatch(/````\na ``` b\n````/);
    const page = await setting.run(["sessions", "export", "talk", "--format", "html"]);
    expect(page.stdout).toContain("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quotes&quot;");
    expect(page.stdout).not.toContain("<script");
    expect(page.stdout).toContain("default-src 'none'");
    const file = join(setting.folder, "talk.jsonl");
    expect((await setting.run(["sessions", "export", "talk", "--to", file])).code).toBe(0);
    const again = await setting.run(["sessions", "export", "talk", "--to", file]);
    expect(again).toMatchObject({ code: 42 });
    expect(again.stderr).toContain("is there already. Name another file");
    expect((await setting.run(["sessions", "export", "talk", "--format", "pdf"])).code).toBe(2);
  });

  test("an exported session goes on elsewhere, and nothing in it is trusted", async () => {
    await using here = await journey({
      script: [call("read", { path: "src/basket.ts" }), { text: "I have read it." }],
    });
    await here.ask(["-p", "look"]);
    const file = join(here.home, "talk.jsonl");
    writeFileSync(file, (await here.run(["sessions", "export", here.journal()[0]?.session ?? ""])).stdout);
    await using there = await journey({ script: () => ({ text: "Going on." }) });
    const imported = await there.run(["sessions", "import", file]);
    expect(imported.stdout).toMatch(/^imported as \S+; go on with: crucible -c\n$/);
    expect((await there.ask(["-p", "-c", "and now?"])).code).toBe(0);
    const roles = messagesOf(there.server.chats[0] ?? { body: {} }).map(({ role }) => role);
    expect(roles).toEqual(["system", "user", "assistant", "tool", "assistant", "user"]);
    const labels = there.journal().flatMap((event) => (event.kind === "tool-end" ? [event.label.integrity] : []));
    expect(labels).toEqual(["external"]);
    expect(there.journal().some(({ kind }) => kind === "verdict-given" || kind === "snapshot-taken")).toBe(false);
    writeFileSync(file, '{"v":1,"kind":"turn-start"}\n');
    const broken = await there.run(["sessions", "import", file]);
    expect(broken).toMatchObject({ code: 42 });
    expect(broken.stderr).toMatch(/^crucible: line 1 is no event of a session: at: number expected\. /);
  });

  test("search finds what was said, names and branches are shown, old ones are removed", async () => {
    await using setting = await journey({
      script: (_request, index) => ({ text: `answer ${index} about "porridge"` }),
    });
    await setting.ask(["-p", "-n", "first", "what of the Weather?"]);
    await setting.ask(["-p", "-r", "first", "--fork-session", "-n", "branch", "and tomorrow?"]);
    const found = await setting.run(["sessions", "search", "weather"]);
    expect(found.code).toBe(0);
    expect(found.stdout).toMatch(/^\S{13} {2}\S+ \S+ {2}❯ what of the Weather\?$/m);
    expect((await setting.run(["sessions", "search", '"porridge"'])).stdout.trim().split("\n")).toHaveLength(3);
    expect((await setting.run(["sessions", "search", "nothing like it"])).code).toBe(1);
    const tree = (await setting.run(["sessions", "tree"])).stdout.split("\n");
    expect(tree[1]).toMatch(/ first +what of the Weather\?$/);
    expect(tree[2]).toMatch(/ branch +└ and tomorrow\?$/);
    await setting.run(["sessions", "name", "branch", "other", "name"]);
    expect((await setting.run(["sessions", "list"])).stdout).toContain("other name");
    expect((await setting.run(["sessions", "prune", "--days", "1"])).stdout).toBe("0 sessions removed\n");
    expect((await setting.run(["sessions", "prune", "--days", "0.0000001"])).stdout).toBe("2 sessions removed\n");
  });
});
