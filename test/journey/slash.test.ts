/** Slash commands as a person types them at a terminal: going back, other models, larger work, sessions. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { askedIn, CLAMP, voicesScript } from "../kit/council.ts";
import { call, journey, lastText } from "../kit/journey.ts";
import { missing, type Terminal, terminal } from "../kit/terminal.ts";

/** The prompt stands below, empty, and nothing is at work. */
const READY = /^(?![\s\S]*Esc stops)[\s\S]*─{20,}\n\s*\n─{20,}\n/;

async function say(screen: Terminal, text: string): Promise<void> {
  await screen.shows(READY);
  screen.type(text);
  await screen.shows(new RegExp(`─\\n.*${text.slice(0, 20).replaceAll(/[/$*.?|()[\]{}+^\\]/g, "\\$&")}`));
  screen.send("Enter");
}

describe.skipIf(missing).concurrent("slash commands (need tmux)", { timeout: 120_000 }, () => {
  test("/undo, /redo and /rewind: files and conversation go back; what the person changed is asked about", async () => {
    await using setting = await journey({
      script: [
        call("write", { path: "one.txt", content: "1\n" }),
        { text: "One is there." },
        call("write", { path: "two.txt", content: "2\n" }),
        { text: "Two is there." },
      ],
    });
    using screen = terminal(setting, [], {}, { columns: 120, rows: 40 });
    const there = () => readdirSync(setting.folder).filter((name) => /^(?:one|two)\.txt$/.test(name));
    await say(screen, "make one");
    await screen.shows(/One is there\./);
    await say(screen, "make two");
    await screen.shows(/Two is there\./);
    await say(screen, "/undo");
    await screen.shows(/removed +two\.txt[\s\S]*undid turn 2: 1 file/);
    expect(there()).toEqual(["one.txt"]);
    await say(screen, "/redo");
    await screen.shows(/redid turn 2: 1 file/);
    expect(there()).toEqual(["one.txt", "two.txt"]);
    writeFileSync(join(setting.folder, "two.txt"), "mine\n");
    await say(screen, "/rewind");
    await screen.shows(/Back to the state before which turn\?[\s\S]*make two[\s\S]*make one/);
    screen.send("Down", "Enter");
    await screen.shows(/left +two\.txt[\s\S]*Some files were changed since\. And now\?/);
    screen.send("Down", "Enter");
    await screen.shows(/undid turns 1, 2: 1 file/);
    expect(there()).toEqual(["two.txt"]);
    // The prompt of that turn is offered again.
    await screen.shows(/─{20,}\n.*make one.*\n─{20,}/);
  });

  test("/council puts a question to voices, /why tells how they decided", async () => {
    const proposal = { approach: "Leave it.", position: "Yes, it is good.", confidence: 0.9 };
    const choice = { choice: "A", confidence: 0.9, reason: "it reads well" };
    const script = voicesScript({}, ({ stage }) => (stage === "propose" ? proposal : choice));
    await using setting = await journey({ script, files: CLAMP.files });
    using screen = terminal(setting, [], {}, { columns: 120, rows: 40 });
    await say(screen, "/why");
    await screen.shows(/no council has decided here yet/);
    await say(screen, "/council is it good?");
    await screen.shows(/council [0-9a-f-]+[\s\S]*Yes, it is good\./);
    expect(setting.server.chats.length).toBeGreaterThan(1);
    expect(askedIn(setting.server.chats[0] ?? ({ body: {} } as never)).stage).toBe("propose");
    await say(screen, "/why");
    await screen.shows(/is it good\?[\s\S]*Developer|is it good\?[\s\S]*developer/);
  });

  test("/model and /effort count from the next request on; wrong ones are told", async () => {
    await using setting = await journey({ script: () => ({ text: "Good." }) });
    using screen = terminal(setting, [], {}, { columns: 120, rows: 40 });
    await say(screen, "hello");
    await screen.shows(/Good\./);
    await say(screen, "/effort huge");
    await screen.shows(/\/effort huge: one of off, low, medium, high/);
    await say(screen, "/model nobody/nothing");
    await screen.shows(/nothing/);
    await say(screen, "/model ollama/scripted:latest");
    await screen.shows(/ollama\/scripted:latest answers from now on/);
    await say(screen, "and again");
    await screen.shows(/and again[\s\S]*Good\./);
    expect(lastText(setting.server.chats.at(-1) ?? { body: {} })).toContain("and again");
  });

  test("/name, /fork and /resume: sessions by name, a branch leaves its origin alone", async () => {
    await using setting = await journey({ script: () => ({ text: `Answer ${setting.server.chats.length}.` }) });
    using screen = terminal(setting, [], {}, { columns: 120, rows: 40 });
    await say(screen, "first");
    await screen.shows(/Answer 1\./);
    await say(screen, "/name trunk");
    await screen.shows(/trunk/);
    await say(screen, "/fork");
    await say(screen, "only in the branch");
    await screen.shows(/Answer 2\./);
    await say(screen, "/resume trunk");
    await say(screen, "back in the trunk");
    await screen.shows(/Answer 3\./);
    const said = JSON.stringify(setting.server.chats.at(-1)?.body);
    expect(said).toContain("first");
    expect(said).not.toContain("only in the branch");
  });

  test("/export writes the session where it is told to", async () => {
    await using setting = await journey({ script: [{ text: "Hello." }] });
    using screen = terminal(setting, ["hi"], {}, { columns: 120, rows: 40 });
    await screen.shows(/Hello\./);
    const file = join(setting.home, "talk.html");
    await say(screen, `/export html ${file}`);
    await screen.shows(/talk\.html/);
    await vi.waitFor(() => expect(existsSync(file)).toBe(true), 20_000);
  });
});
