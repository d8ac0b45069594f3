/** Names that a repository brings steer no terminal: not where they are offered, not where they are pasted. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { reviewText } from "../../src/cli/render/review-text.ts";
import type { ReviewReport } from "../../src/core/review.ts";
import { call, journey } from "../kit/journey.ts";
import { missing, terminal } from "../kit/terminal.ts";

const EVIL = "evil\u001b]2;STOLEN\u0007.txt";

describe.skipIf(missing).concurrent("hostile names at a terminal (needs tmux)", () => {
  test.each([
    ["files after @", ["@evi"]],
    ["paths on Tab", ["look ./evi", "Tab"]],
  ])("%s", async (_what, keys) => {
    await using setting = await journey({
      script: [],
      files: { [EVIL]: "", "evil-twin.txt": "", "evil-third.txt": "" },
    });
    using screen = terminal(setting, []);
    await screen.shows(/\/help/);
    for (const key of keys) key === "Tab" ? screen.send(key) : screen.type(key);
    await screen.shows(/evil-twin\.txt/);
    const title = execFileSync("tmux", ["-S", `${setting.home}/tmux`, "display-message", "-p", "#{pane_title}"]);
    expect(title.toString()).not.toContain("STOLEN");
  });
});

test("hostile names in a review", () => {
  const finding = {
    ...{ id: "1", file: "a\u001b]2;x\u0007.ts", line: 1, severity: "high", subject: "s", text: "t", voices: [] },
    ...{ groups: [], status: "unconfirmed", by: [], forPerson: false },
  };
  const report = {
    ...{ id: "r", change: "c", files: [], findings: [finding], checks: [], voices: [], groups: [], unread: [] },
    ...{ elsewhere: 0, cost: { calls: 0, promptTokens: 0, outputTokens: 0 }, failed: false },
  };
  const plain = (text: string) => text;
  const style = { dim: plain, bold: plain, red: plain, green: plain, yellow: plain, cyan: plain };
  expect(reviewText(report as unknown as ReviewReport, style)).toMatch(/HIGH {5}a\.ts:1 {2}s/);
});

describe.concurrent("hostile names on standard output", () => {
  const folder = "evil\u001b]2;STOLEN\u0007\u009b2J";
  /** Nothing but text, line feeds and tabs. */
  const STEERS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

  test.each([
    [".codecrucible/config.jsonc", { "key\u001b]2;STOLEN\u0007": 1 }],
    [".mcp.json", { "key\u001b]2;STOLEN\u0007": 1 }],
  ])("of keys in a %s that nobody trusts", async (file, text) => {
    await using setting = await journey({ script: [{ text: "Hi." }], files: { [file]: JSON.stringify(text) } });
    for (const words of [["-p", "hi"], ["--debug", "-p", "hi"], ["mcp", "list"], ["doctor"]]) {
      const { stdout, stderr } = await setting.run(words);
      expect(stdout + stderr).not.toMatch(STEERS);
    }
  });

  test("of files, in a run, undo, sessions, trust, servers and import", async () => {
    await using setting = await journey({
      script: [
        call("write", { path: "evil\u001b]2;STOLEN\u0007.txt", content: "x\n" }),
        call("shell", { command: 'for f in e*; do cp "$f" "2$f"; done; printf \'a\\033]2;STOLEN\\007\'' }),
        { text: "Done \u001b]2;STOLEN\u0007." },
      ],
      files: {
        [`.codecrucible/commands/${folder}.md`]: "Hi",
        [`.agents/skills/${folder}/SKILL.md`]: '---\nname: x\ndescription: "\\e]2;STOLEN\\a"\n---\nHi',
        ".codecrucible/hooks.json": "{}",
        ".mcp.json": JSON.stringify({ mcpServers: { ["x\u001b]2;STOLEN\u0007"]: { command: "x" } } }),
        [`.cursor/rules/${folder}.mdc`]: "---\nalwaysApply: false\n---\nHi",
      },
    });
    const runs = [await setting.ask(["-p", "go"]), await setting.ask(["--output-format", "text", "go"])];
    for (const words of [
      ["undo", "--list"],
      ["sessions", "show", setting.journal()[0]?.session ?? ""],
      ["sessions", "export", setting.journal()[0]?.session ?? "", "--format", "markdown"],
      ["trust", "--show"],
      ["trust", "--yes"],
      ["mcp", "list"],
      ["import", "--dry-run", "--workspace"],
      ["undo"],
    ])
      runs.push(await setting.run(words));
    for (const { stdout, stderr } of runs) {
      expect(stdout).not.toMatch(STEERS);
      expect(stderr).not.toMatch(STEERS);
    }
  });
});
