/** Work with an end of its own: a goal that a command decides, a plan that a person accepts, answers of a given length. */
import { describe, expect, test } from "vitest";
import { call, journey, lastText, messagesOf } from "../kit/journey.ts";
import { TYPESCRIPT_FIX } from "../kit/repositories.ts";
import { missing, terminal } from "../kit/terminal.ts";

const { path, old, new: next, test: command } = TYPESCRIPT_FIX;

describe.concurrent("a goal", () => {
  test("stops only when its check passes: what the check printed is the next instruction", async () => {
    await using setting = await journey({
      script: [
        { text: "I believe it is done." },
        call("edit", { path, edits: [{ old, new: next }] }),
        { text: "Mended." },
      ],
    });
    const run = await setting.ask(["-p", "-o", "json", "--goal", command, "mend the basket"]);
    expect(run.code).toBe(0);
    const result = JSON.parse(run.stdout) as { result: string; verification: { status: string; text: string } };
    expect(result.result).toBe("Mended.");
    expect(result.verification).toMatchObject({ status: "passed", text: `the goal is reached: \`${command}\` exit 0` });
    const second = messagesOf(setting.server.chats[1] ?? { body: {} });
    expect(second.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
    expect(lastText(setting.server.chats[1] ?? { body: {} })).toMatch(/does not pass yet:[\s\S]*Go on until it does\./);
    expect(setting.journal().flatMap((event) => (event.kind === "check-run" ? [event.exitCode] : []))).toEqual([1, 0]);
  });

  test("a check that never passes ends after the attempts, with exit 3", async () => {
    await using setting = await journey({ script: () => ({ text: "Surely now." }) });
    const run = await setting.ask(["-p", "--goal", command, "--attempts", "3", "mend the basket"]);
    expect(run.code).toBe(3);
    expect(setting.server.chats).toHaveLength(3);
    expect(run.stderr).toContain(`the goal is not reached: \`${command}\` does not pass after 3 attempts`);
  });

  test("a check that is not allowed is said so, and not tried again", async () => {
    await using setting = await journey({ script: () => ({ text: "Done." }) });
    const run = await setting.ask(["-p", "--goal", "curl -s example.com", "look"]);
    expect(run.code).toBe(3);
    expect(setting.server.chats).toHaveLength(1);
    expect(run.stderr).toContain("was not allowed");
  });
});

describe.concurrent("styles", () => {
  test("concise is said once, and a change later is appended", async () => {
    await using setting = await journey({ script: () => ({ text: "Yes." }) });
    await setting.ask(["-p", "--style", "concise", "is it?"]);
    await setting.ask(["-p", "-c", "--style", "concise", "is it?"]);
    await setting.ask(["-p", "-c", "--style", "verbose", "is it?"]);
    const users = messagesOf(setting.server.chats[2] ?? { body: {} }).filter(({ role }) => role === "user");
    expect(users.map(({ content }) => /style: (\w+)/.exec(String(content))?.[1])).toEqual([
      "concise",
      undefined,
      "verbose",
    ]);
  });
});

describe.skipIf(missing).concurrent("a plan (needs tmux)", () => {
  test("is read-only, and carried out once it is accepted", async () => {
    await using setting = await journey({
      script: [
        { text: "1. Edit the basket." },
        call("write", { path: "done.txt", content: "x\n" }),
        { text: "Carried out." },
      ],
    });
    using screen = terminal(setting, ["--permission-mode", "plan", "mend the basket"]);
    await screen.shows(/1\. Edit the basket\.[\s\S]*Is this the plan\?[\s\S]*yes, carry it out/);
    // Enter alone would mean "not yet".
    screen.send("Up");
    screen.send("Up");
    await screen.shows(/→ yes, carry it out/);
    screen.send("Enter");
    await screen.shows(/The plan is accepted\. Carry it out\.[\s\S]*Carried out\./);
    expect(setting.read("done.txt")).toBe("x\n");
    expect(setting.journal().some((event) => event.kind === "mode-set" && event.mode === "default")).toBe(true);
  });
});
