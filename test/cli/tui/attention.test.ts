import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { viewKit } from "../../kit/terminal-face.ts";

const QUESTION = { callId: "c", tool: "shell", title: "shell wget x", lines: ["network: x"], rules: ["wget x"] };
const [ENTER, ESCAPE, TAB, DOWN] = ["\r", "\u001b", "\t", "\u001b[B"];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A question that stands, and nobody has pressed a key for a while. */
async function asking(rules: readonly string[] = QUESTION.rules) {
  const kit = viewKit();
  const stop = new AbortController();
  const given: unknown[] = [];
  void kit.view.human.approve({ ...QUESTION, rules }, stop.signal).then((answer) => given.push(answer));
  await vi.advanceTimersByTimeAsync(2_000);
  return {
    ...kit,
    given,
    stop,
    draft: () => kit.view.editor.getText(),
    wait: (ms: number) => vi.advanceTimersByTimeAsync(ms),
    [Symbol.dispose]: () => kit.view.stop(),
  };
}

test.each(["please use wget", "/tasks", "yes do it", "always ask me", "no, use wget", "why wget"])(
  "a line that is written while a question stands answers nothing and is sent whole: %s",
  async (line) => {
    using kit = await asking();
    await kit.type(`${line}${ENTER}`);
    await kit.wait(5_000);
    expect(kit.sent).toEqual([line]);
    expect(kit.given).toEqual([]);
  },
);

test("a line that was begun before the question came up goes on, whatever time it takes", async () => {
  using kit = viewKit();
  await kit.type("n");
  const given: unknown[] = [];
  void kit.view.human.approve(QUESTION, new AbortController().signal).then((answer) => given.push(answer));
  await vi.advanceTimersByTimeAsync(60_000);
  await kit.type(`o${ENTER}`);
  expect(kit.sent).toEqual(["no"]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(given).toEqual([]);
});

test("what arrives in one read, or as one paste, answers nothing and is not lost", async () => {
  using kit = await asking();
  for (const key of `y${ENTER}`) kit.terminal.press(key);
  expect(kit.sent).toEqual(["y"]);
  await kit.wait(2_000);
  kit.terminal.press("yes");
  kit.terminal.press("\u001b[200~a\u001b[201~");
  await kit.wait(5_000);
  expect(kit.draft()).toBe("yesa");
  expect(kit.given).toEqual([]);
});

test("a letter alone answers after a moment, or with Enter at once", async () => {
  for (const [letter, answer] of [
    ["y", "yes"],
    ["n", "no"],
  ] as const) {
    using slow = await asking();
    await slow.type(letter);
    expect(slow.given).toEqual([]);
    await slow.wait(600);
    expect(slow.given).toEqual([answer]);
    using quick = await asking();
    await quick.type(`${letter}${ENTER}`);
    await quick.wait(0);
    expect(quick.given).toEqual([answer]);
  }
});

test("a key that is held answers no further question", async () => {
  using kit = await asking();
  await kit.type("y");
  await kit.wait(600);
  expect(kit.given).toEqual(["yes"]);
  void kit.view.human.approve({ ...QUESTION, title: "next" }, kit.stop.signal).then((answer) => kit.given.push(answer));
  // The keyboard repeats it, and stops.
  for (let time = 0; time < 5; time++) {
    await kit.type("y");
    await kit.wait(100);
  }
  await kit.wait(600);
  expect([kit.given, kit.draft()]).toEqual([["yes"], ""]);
  await kit.wait(2_000);
  await kit.type("y");
  await kit.wait(600);
  expect(kit.given).toEqual(["yes", "yes"]);
});

test("Enter alone and Escape are no; what is chosen with the arrows counts", async () => {
  for (const keys of [[ENTER], [ESCAPE]]) {
    using kit = await asking();
    for (const key of keys) kit.terminal.press(key);
    await kit.wait(0);
    expect(kit.given).toEqual(["no"]);
  }
  using kit = await asking([]);
  for (const key of [DOWN, DOWN, ENTER]) kit.terminal.press(key);
  await kit.wait(0);
  expect(kit.given).toEqual(["yes"]);
});

test("always is asked a second time, and Enter there leads back", async () => {
  using kit = await asking();
  await kit.type(`a${ENTER}`);
  await kit.wait(2_000);
  expect(kit.given).toEqual([]);
  await kit.type(ENTER);
  await kit.wait(2_000);
  expect(kit.given).toEqual([]);
  await kit.type(`a${ENTER}`);
  await kit.type(`y${ENTER}`);
  await kit.wait(0);
  expect(kit.given).toEqual(["always"]);
});

test("no, and say why: the words go with the answer", async () => {
  using kit = await asking();
  await kit.type(`w${ENTER}`);
  await kit.type(`use curl instead${ENTER}`);
  await kit.wait(0);
  expect(kit.given).toEqual([{ answer: "no", reason: "use curl instead" }]);
  expect(kit.sent).toEqual([]);
});

test("Tab turns to the question from a draft, which stays; the screen says so", async () => {
  using kit = await asking();
  await kit.type("xylophone");
  vi.useRealTimers();
  const shown = await kit.shows(/Tab: answer here/);
  expect(shown).toMatch(/Tab: answer here\n─+\nxylophone *\n─/);
  await kit.type(`${TAB}y`);
  await vi.waitFor(() => expect(kit.given).toEqual(["yes"]));
  expect(kit.draft()).toBe("xylophone");
});

test("a list that the person has asked for takes keys at once and is narrowed by what its rows say", async () => {
  using kit = viewKit();
  await kit.type("draft");
  const choices = [
    { value: "0", label: "mend the basket" },
    { value: "1", label: "explain the parser" },
  ];
  const chosen = kit.view.choose("Which prompt?", choices);
  await vi.advanceTimersByTimeAsync(0);
  vi.useRealTimers();
  await kit.type("the zzz");
  await kit.shows(/nothing here has these words/);
  for (const _ of "zzz") kit.terminal.press("\u007f");
  await kit.type("pars");
  await kit.shows(/→ explain the parser/);
  kit.terminal.press(ENTER);
  expect(await chosen).toBe("1");
});

test("a key that only our own actions know is drawn at once", async () => {
  vi.useRealTimers();
  using kit = viewKit({
    onKey: (data) => {
      if (data === "\u0003") kit.view.editor.setText("");
      return data === "\u0003";
    },
  });
  await kit.type("half a line");
  await kit.shows(/half a line/);
  kit.terminal.press("\u0003");
  await vi.waitFor(async () => expect((await kit.terminal.lines()).join("\n")).not.toContain("half a line"));
});
