/** Commands, skills, memory and commits of a person at a real terminal. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Journey, journey, lastText } from "../kit/journey.ts";
import { missing, type Terminal, terminal } from "../kit/terminal.ts";

const READY = /─{20,}\n\s*\n─{20,}\n(?!.*Esc stops)/;

function own(setting: Journey, path: string, text: string): void {
  const file = join(setting.home, "crucible/config", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

async function say(screen: Terminal, text: string): Promise<void> {
  await screen.shows(READY);
  screen.type(text);
  screen.send("Enter");
}

describe.skipIf(missing).concurrent("what a person added, at a terminal (needs tmux)", () => {
  test("their command runs, their words are remembered, their skills and hooks are listed", async () => {
    await using setting = await journey({ script: [{ text: "Looked." }, { text: "Brief." }], files: { "a.ts": "" } });
    own(setting, "commands/look.md", "---\ndescription: look\n---\nLook at $1 now.\n!`echo ran`\n");
    own(setting, "skills/release/SKILL.md", "---\nname: release\ndescription: how to release\n---\nTag.\n");
    own(setting, "hooks.json", '{"hooks":{"PreToolUse":[{"matcher":"web_fetch","hooks":[{"command":"true"}]}]}}');
    using screen = terminal(setting, []);
    await say(screen, "/look basket");
    await screen.shows(/❯ \/look basket[\s\S]*Looked\./);
    expect(lastText(setting.server.chats[0] ?? { body: {} })).toMatch(/^Look at basket now\.[\s\S]*\$ echo ran\nran/);
    await say(screen, "# be brief");
    await screen.shows(/remembered: be brief/);
    await say(screen, "go on");
    await screen.shows(/Brief\./);
    expect(lastText(setting.server.chats[1] ?? { body: {} })).toMatch(/memory \(the user's own words\):\n- be brief/);
    await say(screen, "/memory");
    await screen.shows(/1 {2}be brief/);
    await say(screen, "/skills");
    await screen.shows(/release +how to release/);
    await say(screen, "/hooks");
    await screen.shows(/PreToolUse +web_fetch +user +true/);
  });

  test("/commit shows the message, runs pre-commit after a yes, and commits after another", async () => {
    await using setting = await journey({ script: [{ text: "Mend the basket" }], files: { "a.ts": "1\n" } });
    const git = (...words: string[]) => execFileSync("git", words, { cwd: setting.folder, encoding: "utf8" });
    git("init", "-q", "-b", "main");
    git("config", "user.name", "A");
    git("config", "user.email", "a@example.org");
    git("add", "-A");
    git("commit", "-q", "-m", "Begin");
    writeFileSync(join(setting.folder, "a.ts"), "2\n");
    const hook = join(setting.folder, ".git/hooks/pre-commit");
    mkdirSync(dirname(hook), { recursive: true });
    writeFileSync(hook, "#!/bin/sh\ngrep -q 2 a.ts\n");
    chmodSync(hook, 0o755);
    using screen = terminal(setting, []);
    await say(screen, "/commit");
    await screen.shows(/^ {2}(?: M|\?\?) \S+[\s\S]*Nothing is staged\. Stage all changes\?/m);
    screen.send("Enter");
    await screen.shows(/Mend the basket[\s\S]*Commit with this message\?/);
    screen.send("Enter");
    await screen.shows(/pre-commit may hold credentials|allow/);
    screen.type("y");
    await screen.shows(/main [0-9a-f]{7,}\] Mend the basket|1 file changed/);
    expect(git("log", "--format=%s")).toBe("Mend the basket\nBegin\n");
  });
});
