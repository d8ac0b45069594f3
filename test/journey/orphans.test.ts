/** Whatever ends a conversation, no process of it lives on: looked up by their words and by their process groups. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { call, type Journey, journey } from "../kit/journey.ts";
import { configure, kitEntry } from "../kit/mcp.ts";
import { missing, type Terminal, terminal } from "../kit/terminal.ts";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly words: string;
}

/** All that runs on this machine, zombies apart. */
function processes(): Process[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const stat = /^(\d+) \(.*\) (\S) (\d+) (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, "utf8"));
      if (!stat || stat[2] === "Z") return [];
      const words = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      return [{ pid: Number(stat[1]), parent: Number(stat[3]), group: Number(stat[4]), words }];
    } catch {
      return [];
    }
  });
}

/** What the program started, and what that started. */
function below(pid: number, all = processes()): Process[] {
  const own = all.filter(({ parent }) => parent === pid);
  return own.flatMap((child) => [child, ...below(child.pid, all)]);
}

/** The prompt stands below, empty, and nothing is at work. */
const READY = /^(?![\s\S]*Esc stops)[\s\S]*─{20,}\n\s*\n─{20,}\n/;

const program = (screen: Terminal) => processes().find(({ parent }) => parent === screen.pid())?.pid ?? 0;

const ENDINGS: Readonly<Record<string, (screen: Terminal) => Promise<unknown>>> = {
  "leaving in the middle of a command": async (screen) => {
    screen.send("C-c");
    await screen.shows(/Cancelled before it ended/);
    await screen.shows(READY);
    screen.send("C-c");
    await screen.shows(/Ctrl\+C again leaves/);
    // On a busy machine the first may be long ago by now.
    screen.send("C-c", "C-c");
  },
  SIGTERM: async (screen) => process.kill(program(screen), "SIGTERM"),
  "a closed terminal": async (screen) => process.kill(program(screen), "SIGHUP"),
  "kill -9": async (screen) => process.kill(program(screen), "SIGKILL"),
};

/** One command went to the background, one is at work, a server of the person's runs. */
async function busy(setting: Journey, screen: Terminal, mark: string): Promise<Process[]> {
  await screen.shows(/sleep \S+1 &/);
  await vi.waitFor(
    () => expect(processes().some(({ words }) => words.startsWith(`sleep ${mark}1`))).toBe(true),
    20_000,
  );
  screen.send("C-b");
  const all = [`sleep ${mark}1`, `sleep ${mark}2`, `sleep ${mark}3`, `${setting.home}/servers`];
  await vi.waitFor(() => {
    const running = processes();
    expect(all.filter((words) => !running.some((each) => each.words.includes(words)))).toEqual([]);
  }, 20_000);
  return below(program(screen));
}

describe.skipIf(missing).concurrent("nothing outlives a conversation (needs tmux)", () => {
  for (const [how, end] of Object.entries(ENDINGS))
    for (const sandbox of ["workspace-write", "off"])
      test(`after ${how} (-s ${sandbox})`, async () => {
        const at = Object.keys(ENDINGS).indexOf(how) + (sandbox === "off" ? 4 : 0);
        const mark = `98${process.pid}${at}`;
        await using setting = await journey({
          script: [
            call("tool_call", { name: "mcp__kit__echo", input: { text: "x" } }),
            call("shell", { command: `sleep ${mark}1 & sleep ${mark}2` }),
            call("shell", { command: `sleep ${mark}3` }),
            { text: "Done." },
          ],
        });
        configure(setting, { kit: kitEntry(setting, "plain", { approve: ["*"] }) });
        using screen = terminal(setting, ["-s", sandbox, "--allowed-tools", "shell,tool_call,mcp__kit__echo", "begin"]);
        const started = await busy(setting, screen, mark);
        const groups = new Set(started.map(({ group }) => group));
        expect(started.length).toBeGreaterThan(3);
        await end(screen);
        await screen.shows(/exit=\d+/);
        await vi.waitFor(() => {
          const left = processes().filter(
            ({ words, group }) =>
              words.includes(mark) || words.includes(`${setting.home}/servers`) || groups.has(group),
          );
          // The shell of the terminal itself holds neither.
          expect(
            left.filter(({ pid }) => pid !== screen.pid() && !below(screen.pid()).some((each) => each.pid === pid)),
          ).toEqual([]);
        }, 20_000);
      });
});
