import { expect, test } from "vitest";
import { toolLines } from "../../../src/cli/render/tool-lines.ts";
import { themeOf } from "../../../src/cli/tui/theme.ts";
import type { EventOf } from "../../../src/core/event.ts";

const style = themeOf("none", false);
const look = { style, columns: 80, verbose: false, more: "Ctrl+O shows all" };
const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at + 1}`).join("\n");

function ended(text: string, more: Partial<EventOf<"tool-end">> = {}): EventOf<"tool-end"> {
  return {
    ...{ kind: "tool-end", callId: "c", tool: "shell", failed: false, denied: false, durationMs: 5 },
    ...{ v: 1, seq: 1, at: 0, session: "s", epoch: 1 },
    parts: [{ type: "text", text }],
    label: { integrity: "workspace", confidentiality: "workspace" },
    ...more,
  } as EventOf<"tool-end">;
}

test("the end of a long output says how much stands above it and how all of it is shown", () => {
  const [, cut, ...end] = toolLines(ended(lines(20)), "ls", look);
  expect(cut).toBe("  … 12 more lines (Ctrl+O shows all)");
  expect(end).toEqual(
    lines(20)
      .split("\n")
      .slice(-8)
      .map((line) => `  ${line}`),
  );
  expect(toolLines(ended(lines(9)), "ls", look)).toHaveLength(10);
});

test("what the person ran themselves is shown up to a few hundred lines", () => {
  const own = { voice: "person" };
  expect(toolLines(ended(lines(200), own), "git diff", look)).toHaveLength(201);
  const long = toolLines(ended(lines(1000), own), "git diff", look);
  expect(long[1]).toBe("  … 700 more lines (Ctrl+O shows all)");
  expect(long.at(-1)).toBe("  line 1000");
});

test("the file of an output that was too long is named as the person finds it", () => {
  const details = { spill: "/tmp/output_1.txt", spillAt: "/home/me/state/tmp/output_1.txt" };
  const text = "a\n[output was cut; all of it is in /tmp/output_1.txt]";
  expect(toolLines(ended(text, { details }), "seq", look).at(-1)).toContain("/home/me/state/tmp/output_1.txt");
});
