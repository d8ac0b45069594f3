import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { completionFor } from "../../../src/cli/tui/completion.ts";
import type { Event } from "../../../src/core/event.ts";
import { tempFolder } from "../../kit/temp.ts";
import { viewKit } from "../../kit/terminal-face.ts";

const todos = { kind: "todos-set", todos: [{ text: "paint the fence", status: "pending" }] } as unknown as Event;
const begun = { kind: "turn-start", prompt: [] } as unknown as Event;
const answered = {
  kind: "model-end",
  purpose: "turn",
  message: { parts: [], usage: { input: 1_200, output: 100, source: "server" } },
} as unknown as Event;
const model = { ref: { provider: "vllm", model: "scripted" }, window: { tokens: 32_768, source: "loaded" } };

const live = (id: string, events: readonly Event[]) => ({ id, face: "developer", events: () => events });

test("status and list belong to the session: taken up with it, gone with it", async () => {
  using kit = viewKit({});
  Object.assign(kit.state, { model, busy: false, live: live("a", [begun, answered, todos]) });
  kit.view.changed();
  await kit.shows(/paint the fence[\s\S]*1\.3k\/32\.8k loaded/);
  Object.assign(kit.state, { live: undefined });
  kit.view.changed();
  const shown = await kit.shows(/ 0\/32\.8k loaded/);
  expect(shown).not.toContain("paint the fence");
});

test("a list that a turn left unfinished is not pinned through the next one", async () => {
  using kit = viewKit({});
  kit.view.event(begun);
  kit.view.event(todos);
  await kit.shows(/paint the fence/);
  kit.view.event(begun);
  await vi.waitFor(async () => expect((await kit.terminal.lines()).join("\n")).not.toContain("paint the fence"));
});

test("an argument that is offered as it stands is whole; another is not", async () => {
  const effort = {
    name: "effort",
    getArgumentCompletions: (prefix: string) =>
      ["low", "high"].filter((each) => each.startsWith(prefix)).map((value) => ({ value, label: value })),
  };
  const offers = completionFor([effort], "/", async () => []);
  for (const [line, whole] of [
    ["/effort low", true],
    ["/effort lo", false],
    ["/effort ", false],
  ] as const) {
    await offers.getSuggestions([line], 0, line.length, { signal: new AbortController().signal });
    expect(offers.whole(line)).toBe(whole);
  }
});

test("what was asked for in full: the whole file of an output that was cut, and what the model thought", async () => {
  using folder = tempFolder();
  const file = join(folder.path, "output.txt");
  writeFileSync(file, Array.from({ length: 100 }, (_, at) => `row ${at}`).join("\n"));
  using kit = viewKit({});
  kit.view.event({ kind: "model-start" } as unknown as Event);
  kit.view.event({ kind: "thinking-delta", text: "first I count\nthen I rest" } as unknown as Event);
  kit.view.event({
    ...{ kind: "tool-end", callId: "c", tool: "shell", failed: false, denied: false, durationMs: 1 },
    parts: [{ type: "text", text: "row 99\n[output was cut; all of it is in /tmp/o.txt]" }],
    details: { exitCode: 0, spill: "/tmp/o.txt", spillAt: file },
  } as unknown as Event);
  await kit.shows(/all of it is in .*output\.txt/);
  kit.view.details();
  const shown = await kit.shows(/what the model thought\nfirst I count\nthen I rest/);
  expect(shown).toMatch(/row 0\n {2}row 1\n[\s\S]* {2}row 99\n/);
});

test("a command stands once where it is said, also when it becomes a prompt; its output is broken between words", async () => {
  using kit = viewKit({}, [40, 24]);
  kit.view.said("/plan mend the basket", "slash");
  kit.view.said("mend the basket", "prompt");
  kit.view.said("/help", "slash");
  kit.view.say(["/review   voices read a change: what is not committed"]);
  kit.view.said("/style", "slash");
  const shown = await kit.shows(/❯ \/style/);
  expect(shown).toContain(
    "❯ /plan mend the basket\n\n❯ /help\n\n/review   voices read a change: what is\n          not committed\n\n❯ /style\n",
  );
});

test("what waits after a turn was stopped says how it is sent", async () => {
  using kit = viewKit({});
  Object.assign(kit.state, { queue: ["steer me"], busy: false });
  kit.view.changed();
  await kit.shows(/waits: steer me\n.*Enter alone sends it · Up takes it back/);
});

test("while a question stands the screen does not say that Esc stops", async () => {
  using kit = viewKit({});
  kit.view.said("go", "prompt");
  await kit.shows(/Esc stops/);
  const question = { callId: "c", tool: "shell", title: "shell x", lines: [], rules: [] };
  void kit.view.human.approve(question, new AbortController().signal);
  const shown = await kit.shows(/\? shell x[\s\S]*Esc: no/);
  expect(shown).not.toContain("Esc stops");
});
