import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { themeOf } from "../../../src/cli/tui/theme.ts";
import { createWorksView } from "../../../src/cli/tui/works-view.ts";
import type { Event } from "../../../src/core/event.ts";

const event = (kind: string, more: object = {}) => ({ kind, ...more }) as unknown as Event;
const asked = (name: string, stage = "position") => event("voice-asked", { asked: name, stage });
const answered = (name: string, text: string, status = "ok") =>
  event("voice-answered", { asked: name, stage: "position", status, text });
const seen = (lines: readonly string[]) => lines.map((line) => stripVTControlCharacters(line));
const view = () => createWorksView(themeOf("none", false));

function council() {
  const works = view();
  works.take(event("turn-start", { prompt: [] }));
  for (const name of ["alice", "bob", "carol"]) works.take(asked(name));
  return works;
}

test("voices stand side by side where there is room, one below the other where there is none", () => {
  const works = council();
  expect(works.voices).toBe(3);
  expect(works.lines(120)).toEqual([
    `${"▸ alice position …".padEnd(40)}${"▸ bob position …".padEnd(40)}▸ carol position …`,
  ]);
  expect(works.lines(80)).toEqual([`${"▸ alice position …".padEnd(40)}▸ bob position …`, "▸ carol position …"]);
  expect(works.lines(50)).toEqual(["▸ alice position …", "▸ bob position …", "▸ carol position …"]);
  for (const width of [10, 20, 38, 76, 114])
    for (const line of seen(works.lines(width))) expect(line.length).toBeLessThanOrEqual(width);
});

test("an answer, a vote and a voice that was lost stand where the question stood", () => {
  const works = council();
  works.take(answered("alice", "Tabs,\nbecause of width"));
  works.take(answered("bob", "", "timeout"));
  works.take(asked("carol", "vote"));
  expect(works.lines(60)).toEqual(["✔ alice Tabs, because of width", "✗ bob timeout", "▸ carol vote …"]);
  works.take(answered("carol", `dissents: spaces ${"x".repeat(200)}`));
  const [, , carol = ""] = seen(works.lines(60));
  expect(carol).toMatch(/^✔ carol dissents: spaces x+…$/);
});

test("the decision takes them away: its report says votes and dissent", () => {
  for (const kind of ["decision-made", "review-end", "turn-end", "turn-start"]) {
    const works = council();
    works.take(event(kind));
    expect(works.voices).toBe(0);
    expect(works.lines(80)).toEqual([]);
  }
});

test("phases of a spiral, and the part of a long list around what is being done", () => {
  const works = view();
  works.take(event("phase-start", { phase: "synthesis", loop: 2 }));
  const todos = Array.from({ length: 20 }, (_, at) => ({
    text: `step ${at}`,
    status: at < 10 ? "done" : at === 10 ? "in_progress" : "pending",
  }));
  works.take(event("todos-set", { todos }));
  const [phases, ...list] = works.lines(100);
  expect(phases).toBe("✔ collapse  ✔ council  ▸ synthesis  · rebirth  · reflection  loop 2");
  expect(list).toHaveLength(8);
  expect(list[2]).toContain("▸ step 10");
  works.take(event("todos-set", { todos: todos.map(({ text }) => ({ text, status: "done" })) }));
  expect(works.lines(100)).toHaveLength(1);
});

test("nothing of a voice can steer the terminal", () => {
  const works = council();
  works.take(answered("alice", "\u001b[2Jgone\u0007"));
  expect(works.lines(60)[0]).toBe("✔ alice gone");
});
