import { expect, test } from "vitest";
import { lastWords } from "../../src/cli/last-words.ts";
import { themeOf } from "../../src/cli/tui/theme.ts";
import type { Event } from "../../src/core/event.ts";

const style = themeOf("none", false);
const begun = (text: string) => ({ kind: "turn-start", prompt: [{ type: "text", text }] });
const answered = (text: string) => ({
  kind: "model-end",
  purpose: "turn",
  message: { parts: [{ type: "text", text }] },
});
const ended = (status: string, message?: string) => ({
  kind: "turn-end",
  outcome: { status, ...(message === undefined ? {} : { fault: { message } }) },
});
const words = (...events: object[]) => lastWords({ events: () => events as unknown as Event[] }, style);

test("the last exchange as it was; what is left out is counted", () => {
  expect(words(begun("hi"), answered("Hello.\nThere."), ended("done"))).toEqual(["❯ hi", "Hello.", "There."]);
  const long = Array.from({ length: 40 }, (_, at) => `line ${at}`).join("\n");
  const shown = words(begun("a"), ended("done"), begun("b\nc"), answered(long), answered(""), ended("done"));
  expect(shown.slice(0, 3)).toEqual([
    "… 1 earlier turn (/export writes all of it to a file)",
    "❯ b … 1 more line",
    "… 28 lines above",
  ]);
  expect(shown.at(-1)).toBe("line 39");
  expect(words()).toEqual([]);
});

test("a turn that was broken off is told, with how to go on; an older answer is not taken for its own", () => {
  expect(words(begun("a"), answered("old"), ended("done"), begun("b"))).toEqual(
    [
      "… 1 earlier turn (/export writes all of it to a file)",
      "❯ b",
      "",
      'this turn was broken off: it has no end. Say "go on", and it goes on from here.',
    ].filter((line) => line !== ""),
  );
  expect(words(begun("a"), ended("failed", "the server closed\nit")).at(-1)).toBe(
    'this turn was broken off: the server closed it. Say "go on", and it goes on from here.',
  );
});
