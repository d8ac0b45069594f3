import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { boundedReader } from "../../src/lsp/reader.ts";

const framed = (value: unknown) => {
  const body = Buffer.from(JSON.stringify(value));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
};

function reading() {
  const stopped: string[] = [];
  const messages: unknown[] = [];
  const reader = boundedReader((reason) => stopped.push(reason.message));
  return { reader, stopped, messages, listen: () => reader.listen((message) => messages.push(message)) };
}

test("messages come whole and in order, however they are cut", async () => {
  const values = fc.array(fc.jsonValue(), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(values, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), async (sent, cuts) => {
      const { reader, stopped, messages, listen } = reading();
      const bytes = Buffer.concat(sent.map(framed));
      listen();
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const end = at + (cuts[turn % cuts.length] ?? 1);
        reader.take(bytes.subarray(at, end));
        at = end;
      }
      await vi.waitFor(() => expect(messages).toEqual(JSON.parse(JSON.stringify(sent))));
      expect(stopped).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

test("a length that no message has ends it, before anything of that length is held", () => {
  for (const header of ["Content-Length: 33554433\r\n\r\n", "Content-Length: 99999999999\r\n\r\n", "X: 1\r\n\r\n"]) {
    const { reader, stopped } = reading();
    reader.take(Buffer.from(header));
    reader.take(framed({}));
    expect(stopped).toHaveLength(1);
  }
});

test("a header without an end, no JSON, and a flood end it, once; nothing is delivered after that", async () => {
  const endless = reading();
  for (let count = 0; count < 20; count++) endless.reader.take(Buffer.alloc(1_000, "a"));
  expect(endless.stopped).toHaveLength(1);
  const garbage = reading();
  garbage.listen();
  garbage.reader.take(Buffer.concat([Buffer.from("Content-Length: 1\r\n\r\n{"), framed(1)]));
  await vi.waitFor(() => expect(garbage.stopped).toHaveLength(1));
  expect(garbage.messages).toEqual([]);
  const flood = reading();
  const many = Buffer.concat(Array.from({ length: 5_000 }, () => framed(0)));
  for (let count = 0; count < 6; count++) flood.reader.take(many);
  expect(flood.stopped).toEqual([expect.stringContaining("more than can be read")]);
});
