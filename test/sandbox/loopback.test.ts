import { expect, test } from "vitest";
import { openLoopback } from "../../src/sandbox/loopback.ts";

test("only the browser that was sent out is heard: whoever comes with another state changes nothing", async () => {
  const stop = new AbortController();
  const loopback = await openLoopback(0, stop.signal);
  const come = async (query: string) => (await fetch(`${loopback.url}?${query}`)).status;
  expect(await come("code=early&state=mine")).toBe(404);
  const answer = loopback.answer("mine");
  for (const query of ["code=x", "code=x&state=", "error=access_denied&state=other", "state=mine"])
    expect(await come(query)).toBe(404);
  expect(await come("code=good&state=mine")).toBe(200);
  expect((await answer).get("code")).toBe("good");
  loopback.close();
  await expect(come("code=late&state=mine")).rejects.toThrow();
});

test("waiting ends with the signal", async () => {
  const stop = new AbortController();
  const loopback = await openLoopback(0, stop.signal);
  const answer = loopback.answer("mine");
  stop.abort(new Error("enough"));
  await expect(answer).rejects.toThrow("enough");
  loopback.close();
});
