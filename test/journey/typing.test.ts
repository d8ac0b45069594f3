/** Keys that were pressed before a question could be read do not answer it. */
import { describe, expect, test, vi } from "vitest";
import { call, type Journey, journey } from "../kit/journey.ts";
import { missing, terminal } from "../kit/terminal.ts";

const asking = call("shell", { command: "node -e 'console.log(1)'" });
/** Two questions at once: reads run side by side. */
const reads = {
  toolCalls: ["one", "two"].map((name) => ({ name: "read", arguments: { path: `/var/${name}` } })),
};
const decided = (setting: Journey) =>
  setting
    .audit()
    .filter((record) => record["action"] === "approval")
    .map((record) => record["decision"]);

describe.skipIf(missing).concurrent("keys that come too early (needs tmux)", () => {
  test("a key that is held is a text: it answers no question, and the draft has it", async () => {
    await using setting = await journey({ script: [reads, { text: "Enough." }] });
    using screen = terminal(setting, ["compute"]);
    await screen.shows(/\? read [^\n]*one[\s\S]*yes, once/);
    screen.send("y", "y", "y", "y");
    await screen.shows(/yyyy/);
    expect(await screen.screen()).toMatch(/\? read [^\n]*one/);
    screen.send("C-u");
    await screen.answer("y");
    await screen.shows(/\? read [^\n]*two[\s\S]*yes, once/);
    expect(decided(setting)).toHaveLength(1);
    await screen.answer("n");
    await screen.shows(/Enough\./);
    expect(decided(setting)).toEqual(["yes", "no"]);
  });

  test("a line typed while a one-shot run works is no answer", async () => {
    await using setting = await journey({ script: [{ ...asking, delayMs: 1_500 }, { text: "Enough." }] });
    using screen = terminal(setting, ["--output-format", "text", "compute"]);
    await vi.waitFor(() => expect(setting.server.chats.length).toBe(1), 20_000);
    screen.type("y");
    screen.send("Enter");
    await screen.shows(/allow once\?[\s\S]*again[\s\S]*allow once\? \[y\/N\]\s*$/);
    await screen.answer("n", "Enter");
    await screen.shows(/Enough\./);
    expect(decided(setting)).toEqual(["no"]);
  });

  test("to a screen reader questions are told one at a time, and a line typed before one was read is no answer", async () => {
    await using setting = await journey({ script: [{ ...reads, delayMs: 1_500 }, { text: "Enough." }] });
    using screen = terminal(setting, ["--screen-reader", "compute"]);
    await vi.waitFor(() => expect(setting.server.chats.length).toBe(1), 20_000);
    const early = await screen.shows(/Question: allow read [^\n]*one[\s\S]*no:/);
    expect(early).not.toMatch(/allow read [^\n]*two/);
    screen.send("y", "Enter");
    await screen.shows(/could be read; again:/);
    await screen.answer("y", "Enter");
    await screen.shows(/Question: allow read [^\n]*two[\s\S]*no:/);
    await screen.answer("n", "Enter");
    await screen.shows(/Enough\./);
    expect(decided(setting)).toEqual(["yes", "no"]);
  });
});
