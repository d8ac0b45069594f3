import { type Component, CURSOR_MARKER } from "@earendil-works/pi-tui";
import fc from "fast-check";
import { expect, test } from "vitest";
import { InlineScreen } from "../../../src/cli/tui/inline-screen.ts";
import { virtualTerminal } from "../../kit/virtual-terminal.ts";

function screenWith(columns = 40, rows = 10) {
  const terminal = virtualTerminal(columns, rows);
  const screen = new InlineScreen(terminal);
  const live: { lines: string[] } = { lines: [] };
  const part: Component = {
    invalidate: () => undefined,
    render: (width) => live.lines.map((line) => line.slice(0, width)),
  };
  screen.addChild(part);
  screen.start();
  return { terminal, screen, live, draw: () => screen.renderNow() };
}

const word = fc.stringMatching(/^[a-z]{1,30}$/);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ settle: fc.array(word, { maxLength: 12 }) }) },
  { weight: 4, arbitrary: fc.record({ live: fc.array(word, { maxLength: 14 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ settle: fc.array(word, { maxLength: 4 }), live: fc.array(word, { maxLength: 6 }) }),
  },
);

test("what is settled stands once, in order, above a live part that shows its end: any steps", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const { terminal, screen, live, draw } = screenWith();
      const settled: string[] = [];
      let at = 0;
      for (const each of steps) {
        // Each line has a number: a line that is lost or doubled cannot hide.
        const lines = ("settle" in each ? each.settle : []).map((text) => `${at++} ${text}`);
        if ("live" in each) live.lines = each.live.map((text, row) => `live ${row} ${text}`);
        settled.push(...lines);
        screen.settle(lines);
        draw();
      }
      const shown = await terminal.lines();
      expect(shown).toEqual([...settled, ...live.lines.slice(-9)].map((line) => line.trimEnd()));
    }),
    { numRuns: 300 },
  );
});

test("a resize neither loses nor doubles what is settled, and leaves one live part", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 30, max: 90 }), fc.integer({ min: 6, max: 30 }), fc.boolean()), {
        minLength: 1,
        maxLength: 6,
      }),
      async (sizes) => {
        const { terminal, screen, live, draw } = screenWith(60, 12);
        live.lines = ["live first", "live second"];
        let at = 0;
        const more = () => screen.settle(Array.from({ length: 3 }, () => `settled ${at++}`));
        more();
        draw();
        for (const [columns, rows, settle] of sizes) {
          terminal.resize(columns, rows);
          if (settle) more();
          draw();
        }
        const shown = (await terminal.lines()).filter((line) => line !== "");
        expect(shown).toEqual([...Array.from({ length: at }, (_, index) => `settled ${index}`), ...live.lines]);
      },
    ),
    { numRuns: 100 },
  );
});

test("a narrower terminal breaks long live lines: they are taken away whole", async () => {
  const { terminal, screen, live, draw } = screenWith(60, 12);
  live.lines = ["─".repeat(60), "prompt", "─".repeat(60), "status"];
  screen.settle(["before"]);
  for (const columns of [60, 25, 80]) {
    terminal.resize(columns, 12);
    draw();
    await terminal.lines();
  }
  const shown = (await terminal.lines()).filter((line) => line !== "");
  expect(shown.filter((line) => line === "prompt")).toHaveLength(1);
  expect(shown.filter((line) => line === "status")).toHaveLength(1);
  expect(shown[0]).toBe("before");
});

test("a lower terminal, and one that grows again, shows the whole live part while nothing else changes", async () => {
  const { terminal, screen, live, draw } = screenWith(60, 40);
  live.lines = ["─".repeat(20), `prompt${CURSOR_MARKER}`, "─".repeat(20), "status"];
  screen.settle(Array.from({ length: 60 }, (_, at) => `settled ${at}`));
  draw();
  for (const rows of [20, 40, 12]) {
    terminal.resize(60, rows);
    draw();
    const shown = await terminal.lines();
    expect(shown.slice(-4)).toEqual(["─".repeat(20), "prompt", "─".repeat(20), "status"]);
    expect(shown.slice(0, -4)).toEqual(Array.from({ length: 60 }, (_, at) => `settled ${at}`));
  }
});

test("an empty screen on demand: each line stands once in the scrollback, the live part at the top", async () => {
  for (const count of [3, 30]) {
    const { terminal, screen, live, draw } = screenWith(40, 10);
    live.lines = ["prompt", "status"];
    screen.settle(Array.from({ length: count }, (_, at) => `settled ${at}`));
    draw();
    screen.redraw();
    draw();
    expect(await terminal.lines()).toEqual([
      ...Array.from({ length: count }, (_, at) => `settled ${at}`),
      "prompt",
      "status",
    ]);
    expect((await terminal.screen())[0]).toBe("prompt");
  }
});

test("the scrollback is never cleared, and each frame is one write between synchronized marks", () => {
  const { terminal, screen, live, draw } = screenWith();
  for (let frame = 0; frame < 50; frame++) {
    live.lines = Array.from({ length: frame % 13 }, (_, row) => `row ${row} of frame ${frame}`);
    if (frame % 3 === 0) screen.settle([`line ${frame}`]);
    if (frame % 7 === 0) terminal.resize(40 + (frame % 5), 10);
    draw();
  }
  screen.redraw();
  draw();
  expect(terminal.writes.join("")).not.toContain("\u001b[3J");
  const frames = terminal.writes.filter((write) => write.includes("row "));
  expect(frames.length).toBeGreaterThan(10);
  for (const frame of frames) expect(frame).toMatch(/^\u001b\[\?2026h[\s\S]*\u001b\[\?2026l$/);
});

test("nothing is written when nothing changed, and only from the first changed line on when something did", async () => {
  const { terminal, live, draw } = screenWith();
  live.lines = ["one", "two", "three"];
  draw();
  const before = terminal.writes.length;
  draw();
  expect(terminal.writes.length).toBe(before);
  live.lines = ["one", "two", "THREE"];
  draw();
  const frame = terminal.writes.slice(before).join("");
  expect(frame).toContain("THREE");
  expect(frame).not.toContain("one");
});

test("leaving takes the live part away and keeps the rest", async () => {
  const { terminal, screen, live, draw } = screenWith();
  live.lines = ["prompt", "status"];
  screen.settle(["said"]);
  draw();
  screen.stop();
  expect(await terminal.lines()).toEqual(["said"]);
});
