/** The words before the first token. */
import { expect, test } from "vitest";
import { createWait } from "../../src/cli/render/wait.ts";
import type { EventOf } from "../../src/core/event.ts";

function kit() {
  let time = 0;
  const wait = createWait(() => time);
  const start = (expectedMs?: number) =>
    wait.start({ kind: "model-start", ...(expectedMs === undefined ? {} : { expectedMs }) } as EventOf<"model-start">);
  const progress = (fields: object) =>
    wait.progress({ kind: "model-progress", ...fields } as EventOf<"model-progress">);
  const after = (ms: number) => {
    time += ms;
    return wait.text();
  };
  return { start, progress, after };
}

test("a countdown from what earlier answers taught; short waits are not worth one", () => {
  const { start, after } = kit();
  start(12_000);
  expect(after(0)).toBe("thinking, about 12 s to the first token");
  expect(after(5_000)).toBe("thinking, about 7 s to the first token");
  expect(after(6_000)).toBe("thinking");
  start();
  expect(after(0)).toBe("thinking");
});

test("the part of the prompt that is read, with the time that is left at this pace", () => {
  const { start, progress, after } = kit();
  start(99_000);
  progress({ state: "prefill", done: 0, total: 1_000 });
  expect(after(0)).toBe("reading the prompt 0 %, about 99 s to the first token");
  progress({ state: "prefill", done: 250, total: 1_000 });
  expect(after(5_000)).toBe("reading the prompt 25 %, about 15 s to the first token");
  progress({ state: "prefill", done: 1_000, total: 1_000 });
  expect(after(0)).toMatch(/^reading the prompt 100 %/);
});

test("the queue, a loading model, a call that is mended", () => {
  const { start, progress, after } = kit();
  start();
  progress({ state: "queued", ahead: 3 });
  expect(after(0)).toBe("queued behind 3");
  progress({ state: "queued" });
  expect(after(0)).toBe("queued: the server is busy");
  progress({ state: "loading" });
  expect(after(8_000)).toBe("loading the model, 8 s");
  expect(after(592_000)).toBe("loading the model, 10 min");
  progress({ state: "reask", text: "read: path is missing" });
  expect(after(0)).toBe("mending a call: read: path is missing");
});
