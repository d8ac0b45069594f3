/** At a real terminal of 80x24: streaming, tool lines, the diff, a question answered both ways, the status line, Ctrl+C. */
import { describe, expect, test } from "vitest";
import { call, journey, lastText } from "../kit/journey.ts";
import { TYPESCRIPT_FIX } from "../kit/repositories.ts";
import { missing, terminal } from "../kit/terminal.ts";

const { path, old, new: next, test: command } = TYPESCRIPT_FIX;

describe.skipIf(missing).concurrent("terminal (needs tmux)", () => {
  test("the whole job: streamed words, tool lines, a diff, the proof, and nothing transient left", async () => {
    await using setting = await journey({
      script: [
        call("shell", { command }, "I will run the tests first."),
        call("read", { path }),
        call("edit", { path, edits: [{ old, new: next }] }),
        call("shell", { command }),
        { text: "The count was **missing** from the sum.", chunkDelayMs: 5 },
      ],
    });
    using screen = terminal(setting, ["fix the failing test"]);
    const last = await screen.shows(/exit=0/);
    expect(last).toMatch(/^developer ollama\/scripted:latest · window 32768 \(loaded\) · [0-9a-f-]{13}$/m);
    expect(last).toContain("I will run the tests first.");
    expect(last).toMatch(/✗ .*node --test.*exit 1/);
    expect(last).toMatch(/✔ .*src\/basket\.ts.*\+1 -1/);
    expect(last).toMatch(/^ {2}-.*sum \+ line\.price, 0/m);
    expect(last).toMatch(/^ {2}\+.*line\.price \* line\.count, 0/m);
    expect(last).toContain("verified since the last edit: `node --test` exit 0");
    expect(last).toMatch(/k\/32\.8k loaded · \d+ tok\/s · \d+ s/);
    expect(last).not.toContain("thinking ·");
    for (const line of last.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("a question: y runs it, n refuses it and is told to the model", async () => {
    const ask = { command: "node -e 'console.log(40+2)'" };
    await using setting = await journey({
      script: [call("shell", ask), call("shell", { command: "node -e 'console.log(1)'" }), { text: "Enough." }],
    });
    using screen = terminal(setting, ["compute"]);
    const first = await screen.shows(/allow once\? \[y\/N\]/);
    expect(first).toContain("node -e 'console.log(40+2)'");
    screen.send("y", "Enter");
    await screen.shows(/console\.log\(1\)[\s\S]*allow once/);
    expect(lastText(setting.server.chats[1] ?? { body: {} })).toContain("42");
    screen.send("n", "Enter");
    const last = await screen.shows(/exit=\d+/);
    expect(last).toContain("exit=62");
    expect(lastText(setting.server.chats[2] ?? { body: {} })).toContain("the person said no");
    const approvals = setting.audit().filter((record) => record["action"] === "approval");
    expect(approvals.map((record) => record["decision"])).toEqual(["yes", "no"]);
  });

  test("an always is shown with what it stores, asked once, listed, and asked again after it is revoked", async () => {
    const build = call("shell", { command: "mytool build src/a.ts" });
    await using setting = await journey({ script: [build, build, { text: "Built." }, build, { text: "Again." }] });
    using screen = terminal(setting, ["build"]);
    const asked = await screen.shows(/allow\? \[y\]es once, \[a\]lways, \[N\]o/);
    expect(asked.replaceAll(/\s+/g, " ")).toContain("always would allow: mytool build … (without options) in ");
    screen.send("a", "Enter");
    await screen.shows(/exit=\d+/);
    expect(setting.journal().filter((event) => event.kind === "approval-asked")).toHaveLength(1);
    const listed = await setting.run(["approvals"]);
    expect(listed.stdout).toMatch(/^a_\w+ +shell +mytool build … \(without options\) +\S+ +until \d{4}-\d\d-\d\d\n$/);
    expect((await setting.run(["approvals", "revoke", listed.stdout.split(" ")[0] ?? ""])).stdout).toBe("1 revoked\n");
    using again = terminal(setting, ["build"]);
    await again.shows(/allow\? \[y\]es once/);
    again.send("C-c");
    await again.shows(/exit=130/);
    const kinds = setting.audit().map((record) => record["action"]);
    expect(kinds).toEqual(expect.arrayContaining(["approval", "approval-stored", "approval-revoked"]));
  });

  test("ask_user: the answer goes to the model", async () => {
    await using setting = await journey({
      script: [call("ask_user", { question: "Which colour?", options: ["red", "blue"] }), { text: "Painted." }],
    });
    using screen = terminal(setting, ["paint"]);
    await screen.shows(/Which colour\?[\s\S]*2\. blue/);
    screen.send("2", "Enter");
    await screen.shows(/exit=0/);
    expect(lastText(setting.server.chats[1] ?? { body: {} })).toContain("blue");
  });

  test("the status line tells what is going on, and Ctrl+C ends it at once", async () => {
    await using setting = await journey({ script: [{ delayMs: 60_000, text: "late" }] });
    using screen = terminal(setting, ["wait"]);
    await screen.shows(/thinking · .*\/32\.8k loaded · \d+ s/);
    screen.send("C-c");
    const last = await screen.shows(/exit=130/);
    expect(last).toContain("cancelled");
    expect(last).not.toContain("thinking");
  });

  test("Ctrl+C at a question", async () => {
    await using setting = await journey({
      script: [call("shell", { command: "node -e 'console.log(1)'" }), { text: "x" }],
    });
    using screen = terminal(setting, ["compute"]);
    await screen.shows(/allow once/);
    screen.send("C-c");
    await screen.shows(/exit=130/);
    expect(setting.journal().at(-1)).toMatchObject({ kind: "turn-end", outcome: { status: "cancelled" } });
  });

  test("Ctrl+C at the question for the window, before there is a session", async () => {
    await using setting = await journey({ wire: "openai", server: { flavour: "plain" }, script: [] });
    using screen = terminal(setting, ["hi"]);
    await screen.shows(/assumed\)\n +>/);
    screen.send("C-c");
    await screen.shows(/exit=130/);
    expect(setting.server.chats).toEqual([]);
  });

  test("a server that does not tell its window: asked once, then remembered", async () => {
    await using setting = await journey({
      wire: "openai",
      server: { flavour: "plain" },
      script: () => ({ text: "Hello." }),
    });
    using screen = terminal(setting, ["hi"]);
    await screen.shows(/How many token\s*s\?/);
    screen.send("16000", "Enter");
    expect(await screen.shows(/exit=0/)).toContain("window 16000 (configured)");
    expect((await setting.run(["config", "get", "windows"])).stdout).toContain("16000");
    const again = await setting.ask(["-p", "hi"]);
    expect(again).toMatchObject({ code: 0, stderr: "" });
  });
});
