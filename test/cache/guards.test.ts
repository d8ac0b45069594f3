import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differenceOf, intentOf } from "../../src/cache/guards.ts";
import { tokensOf } from "../../src/cache/question-tokens.ts";
import {
  ASKING,
  AUXILIARY,
  NEGATIONS,
  NO_NOUN,
  NUMBER_WORDS,
  OPPOSITES,
  TELLING,
  UNITS,
} from "../../src/cache/words.ts";
import { questionGrammar } from "../kit/questions.ts";
import { seeded } from "../kit/vectors.ts";

describe("questions that only look the same", () => {
  it("are never taken for the same: 10,000 of the grammar", () => {
    const grammar = questionGrammar(20_260);
    const hits: unknown[] = [];
    const kinds = new Set<string>();
    for (let n = 0; n < 10_000; n++) {
      const pair = grammar.adversary();
      kinds.add(pair.kind);
      const one = differenceOf(pair.a, pair.b);
      if (!one || !differenceOf(pair.b, pair.a)) hits.push(pair);
    }
    expect(hits).toEqual([]);
    const all = "antonym case flag identifier language negation number path quoted swap unit version";
    expect([...kinds].sort().join(" ")).toBe(all);
  });

  it.each([
    ["how do I turn the cache on", "how do I turn the cache off", "opposite"],
    ["is the cache safe", "isn't the cache safe", "negation"],
    ["copy a to b", "copy b to a", "order"],
    ["copy a to b", "copy the to b", "words"],
    ["what does --max-cost do", "what does --max-heads do", "flag"],
    ["what does getUser do", "what does getuser do", "identifier"],
    ["what does `npm test` do", "what does `npm  test` do", "quoted"],
    ['find foo("a  b")', 'find foo("a b")', "identifier"],
    ["wait for 5 ms", "wait for 5 s", "number"],
    ["wait for 5 MB", "wait for 5 mb", "number"],
    ["wait five minutes in the loop", "wait six minutes in the loop", "number"],
    ["use node 20.1 for the build", "use node 20.2 for the build", "version"],
    ["what is in src/a.ts", "what is in src/b.ts", "path"],
    ["what is in .", "what is in ..", "identifier"],
    ["explain the cache", "describe the cache", "intent"],
    ["explain the cache", "explain the router", "words"],
    ["show me a test", "show me the test", "article"],
    ["explain a few tests", "explain few tests", "words"],
    ["is there a number of tests", "is there number of tests", "words"],
    ["wait a second time", "wait second time", "words"],
    ["explain the only test", "explain only test", "words"],
    ["what does the not operator do", "what does not operator do", "words"],
    ["can you delete the files?", "delete the files", "intent"],
    ["what does this do for me", "what does this do", "words"],
    ["show the mail sent to me", "show the mail sent", "words"],
    ["explain what that means to me", "explain what that means", "words"],
    ["how do I say thanks", "how do I say", "words"],
    ["describe when to say please", "describe when to say", "words"],
    ["explain the difference of thanks and please", "explain the difference of thanks and", "words"],
    ["explain nil?", "explain nil", "words"],
    ["what is the pattern a?", "what is the pattern a", "words"],
    ["what's changed", "what is changed", "words"],
    ["translate to French: I saw the dog", "translate to French: I saw dog", "words"],
    ["explain\nif x:\n  y()", "explain\nif x:\n    y()", "words"],
    ["do the tests pass", "does the tests pass", "intent"],
    ["what did the cache do", "what does the cache do", "words"],
    ["explain Map", "explain map", "words"],
    ["List methods of the cache", "list methods of the cache", "intent"],
    ["what does the cache do", "was macht der cache", "language"],
    ["explain the cache", "explain the сache", "language"],
    ["explain the cache", "explain the ca\u200bche", "unsure"],
    ["explain the cache", "explain the \ud800", "unsure"],
    ["wo ist der Cache.", "wo ist der Cache", "unsure"],
    ["va a casa", "va casa", "language"],
    ["explain this: the dog saw a cat", "explain this: dog saw a cat", "words"],
    ["explain this\nthe dog saw", "explain this\ndog saw", "words"],
    ["what's broken in the cache", "what is broken in the cache", "words"],
    ["explain when we owe thanks", "explain when we owe", "words"],
    ["explain why a matters to b", "explain why matters to b", "words"],
    ["how do I wait a second time", "how do I wait second time", "words"],
    ["explain if (a == the b)", "explain if (a == b)", "words"],
    ["explain /* the cat */", "explain /* cat */", "words"],
    ["explain don't touch the cat 'x", "explain don't touch cat 'x", "words"],
    ["explain cp a src", "explain cp src", "words"],
    ["in a.ts, b.ts, what is it", "b.ts, what is it in a.ts", "words"],
    ["explain the none value", "explain none value", "words"],
    ["what is in the /etc/hosts", "what is in /etc/host", "path"],
    ["", "", "unsure"],
  ])("%j and %j: %s", (a, b, difference) => {
    const found = differenceOf(a, b);
    expect(found, `${a} | ${b}`).toBeDefined();
    expect(differenceOf(b, a)).toBeDefined();
    if (difference !== "words" && difference !== "intent") expect(found).toBe(difference);
  });
});

/** Words that may be taken away or put in another's place; an edit of any other must show. */
const EMPTY = new Set("the a an is are do does please me".split(" "));
const OPENINGS = [
  "what does",
  "explain",
  "how do I",
  "why is",
  "please show",
  "which",
  "is the",
  "can you describe",
  "In `x`, what is",
];

describe("one edit of any question", () => {
  const vocabulary = [NEGATIONS, OPPOSITES, NO_NOUN, UNITS, NUMBER_WORDS, ASKING, TELLING, AUXILIARY].flatMap(
    (list) => [...list],
  );
  const names =
    "cache router Foo foo getUser get_user src/a.ts src/a.tsx --all --ALL 1.2.3 5 5.0 'x' \"y z\" `q` , ? . C C++ HTTP x y".split(
      " ",
    );
  const words = [...new Set([...vocabulary, ...names])].filter((word) => !EMPTY.has(word));

  it("is a difference: 20,000 of them", () => {
    const random = seeded(99);
    const pick = (): string => words[Math.floor(random() * words.length)] ?? "";
    const hits: string[] = [];
    for (let n = 0; n < 20_000; n++) {
      const rest = Array.from({ length: 3 + Math.floor(random() * 6) }, () => (random() < 0.2 ? "the" : pick()));
      const edited = [...rest];
      const at = Math.floor(random() * rest.length);
      const [one = "", next = ""] = [rest[at], rest[at + 1]];
      if (EMPTY.has(one) || EMPTY.has(next)) continue;
      const edit = n % 4;
      if (edit === 0) edited[at] = pick();
      else if (edit === 1) edited.splice(at, 1);
      else if (edit === 2) edited.splice(at, 0, pick());
      else edited.splice(at, 2, next, one);
      const opening = OPENINGS[n % OPENINGS.length];
      const [a, b] = [rest, edited].map((list) => `${opening} ${list.join(" ").trim()}`);
      // A closing mark is the one thing that may go.
      if (!a || !b || a === b || [a, b].some((text) => /[.?,]$/.test(text))) continue;
      if (!differenceOf(a, b)) hits.push(`${a} | ${b}`);
    }
    expect(hits).toEqual([]);
  });
});

describe("questions that are the same in other function words", () => {
  it("are mostly known: 1,000 of the grammar", () => {
    const grammar = questionGrammar(77);
    let asked = 0;
    let known = 0;
    while (asked < 1_000) {
      const question = grammar.question();
      const other = grammar.same(question, 3);
      if (other === question) continue;
      asked++;
      if (!differenceOf(question, other)) known++;
    }
    console.info(`known as the same: ${((100 * known) / asked).toFixed(1)} % of ${asked}`);
    expect(known / asked).toBeGreaterThan(0.9);
  });

  it.each([
    ["what does getUser do", "What does the getUser do?"],
    ["what is the cache", "what's the cache?"],
    ["what is cache", "what is a cache?"],
    ["explain the login handler", "Could you please explain the login handler to me?"],
    ["explain the login handler", "I'd like you to explain the login handler, thanks."],
    ["explain the login handler", "explain the login handler please"],
    ["how do I run the tests", "how to run tests?"],
    ["how do we run the tests", "how can I run the tests?"],
    ["how to run the tests", "tell me how to run the tests"],
    ["what does foo do in `src/a.ts`", "In `src/a.ts`, what does foo do?"],
    ["why does it not work", "Why doesn't it work?".replace("doesn't it", "does it not")],
    ["why can't it work", "why can not it work"],
    ["list the tests", "List me the tests"],
    ["is the cache on", "Is the cache on?"],
    ["hello, show the tests", "show tests."],
    ["caf\u00e9 is what", "cafe\u0301 is what"],
    ["wo ist der Cache", " wo ist der Cache\n"],
  ])("%j and %j", (a, b) => {
    expect([differenceOf(a, b), differenceOf(b, a)]).toEqual([undefined, undefined]);
  });
});

describe("the guards", () => {
  const texts = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          "the",
          "a",
          "what",
          "is",
          "does",
          "not",
          "please",
          "x",
          "Foo",
          "--f",
          "1.2",
          "?",
          ".",
          ",",
          "'",
          '"',
          "to",
          "me",
        ),
        {
          minLength: 1,
          maxLength: 12,
        },
      )
      .map((words) => words.join(" ")),
  );

  it("hold a question equal to itself, and judge the same both ways", () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        if (a.trim() !== "") expect(differenceOf(a, a)).toBeUndefined();
        expect(differenceOf(a, b) === undefined).toBe(differenceOf(b, a) === undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  it("lose nothing of a text when they split it", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const joined = tokensOf(text.trim())
          .map((token) => token.text)
          .join("");
        expect(joined.replaceAll(" ", "")).toBe(text.trim().replaceAll(" ", ""));
      }),
      { numRuns: 2_000 },
    );
  });

  it("take long texts for the same only when every character is", () => {
    const asked = (words: number) => `explain ${"x ".repeat(words)}z`;
    expect(differenceOf(asked(900), `please ${asked(900)}`)).toBeUndefined();
    expect(differenceOf(asked(1_500), `please ${asked(1_500)}`)).toBe("unsure");
    expect(differenceOf(asked(1_500), asked(1_500))).toBeUndefined();
  });

  it("are quick on hostile texts", () => {
    for (const text of ['"'.repeat(1_999), "'a".repeat(990), "` ".repeat(990), "a?".repeat(990), "please ".repeat(280)])
      expect(differenceOf(text, `${text}x`)).toBeDefined();
    expect(intentOf('"'.repeat(1_000_000))).toBe("other");
  });

  it.each([
    ["Please explain the cache", "explain"],
    ["How do I run it?", "how to"],
    ["What does it do", "what"],
    ["delete it", "other"],
    ["", "other"],
  ])("the intent of %j is %s", (text, intent) => expect(intentOf(text)).toBe(intent));
});
