/** Voices as files: what is read, what is refused and where, and that the ten of the package are what they promise. */
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { toFault } from "../../src/base/error.ts";
import { parseVoice } from "../../src/council/voice-file.ts";

const FOLDER = resolve(import.meta.dirname, "../../voices");
const GOOD = `---
id: critic # the file's name
title: Critic
duty: Finds what is wrong.
temperature: 0.4
yields: [claims]
domain: code
---
Say what is wrong.
`;
const parse = (text: string, file = "some/critic.md") => parseVoice({ file, origin: "user", text });
const fault = (text: string, file?: string) => {
  try {
    parse(text, file);
  } catch (error) {
    const { code, message, hint } = toFault(error);
    return `${code} ${message}. ${hint}`;
  }
  return "no fault";
};

describe("a voice's file", () => {
  it("gives what it says, and what it leaves out", () => {
    expect(parse(GOOD)).toEqual({
      id: "critic",
      title: "Critic",
      duty: "Finds what is wrong.",
      temperature: 0.4,
      yields: ["claims"],
      tools: [],
      model: "quality",
      domain: "code",
      votes: true,
      prompt: "Say what is wrong.",
      origin: "user",
      file: "some/critic.md",
    });
    expect(parse(`\ufeff${GOOD.replaceAll("\n", "\r\n")}`)).toEqual(parse(GOOD));
  });

  it.each([
    [
      "an unknown key",
      GOOD.replace("temperature", "temprature"),
      /critic\.md:5: unknown key temprature\. did you mean temperature\?/,
    ],
    [
      "a key from nowhere",
      GOOD.replace("domain:", "colour: red\ndomain:"),
      /critic\.md:7: unknown key colour\. there are id, title/,
    ],
    [
      "a bad value",
      GOOD.replace("[claims]", "[clams]"),
      /critic\.md:6: yields\.0: not a known value: one of proposal, claims, checks/,
    ],
    ["a number that is too large", GOOD.replace("0.4", "7"), /critic\.md:5: temperature: too large \(most 2\)/],
    ["a word for a number", GOOD.replace("0.4", "warm"), /critic\.md:5: temperature: number expected/],
    ["a missing key", GOOD.replace(/duty.*\n/, ""), /critic\.md:2: duty: string expected/],
    ["a key twice", GOOD.replace("domain:", "title: Again\ndomain:"), /critic\.md:7: Map keys must be unique/],
    ["broken YAML", GOOD.replace("[claims]", "[claims"), /critic\.md:\d: /],
    [
      "an alias",
      GOOD.replace("title: Critic", "title: &a Critic").replace("duty: Finds what is wrong.", "duty: *a"),
      /critic\.md:2: Alias resolution is disabled/,
    ],
    [
      "another name than the file's",
      GOOD.replace("id: critic", "id: other"),
      /critic\.md:2: id is other, the file's name says critic/,
    ],
    ["no front matter", "Say what is wrong.", /critic\.md:1: the file does not begin with front matter/],
    ["no prompt", GOOD.replace("Say what is wrong.\n", ""), /critic\.md:8: there is no prompt/],
    ["a list for a map", "---\n- id\n---\nx", /critic\.md:2: /],
  ])("is refused for %s, with its line", (_, text, told) => {
    expect(fault(text)).toMatch(told);
    expect(fault(text)).toMatch(/^bad-config/);
    expect(fault(text)).not.toContain("\n");
  });

  it("holds whatever fits, in any of YAML's forms", () => {
    const line = fc.stringMatching(/^[a-zA-Z:#'"\-{[*&!%@`][ -~é]{0,40}$/).map((text) => text.trim());
    const voice = fc.record({
      title: line,
      duty: line,
      temperature: fc.integer({ min: 0, max: 20 }).map((n) => n / 10),
      yields: fc.uniqueArray(fc.constantFrom("proposal", "claims", "checks")),
      tools: fc.uniqueArray(fc.constantFrom("read", "grep")),
      model: fc.constantFrom("fast", "quality"),
      domain: fc.stringMatching(/^[a-z][a-z0-9_-]{0,12}$/).filter((word) => !/^(?:null|true|false)$/.test(word)),
      votes: fc.boolean(),
    });
    const prompt = fc
      .string({ minLength: 1 })
      .map((text) => text.replaceAll("\r", "").trim())
      .filter((text) => text !== "");
    fc.assert(
      fc.property(voice, prompt, (fields, text) => {
        const file = `---\n${stringify({ id: "critic", ...fields })}---\n${text}\n`;
        expect(parse(file)).toMatchObject({ ...fields, prompt: text });
      }),
    );
  });

  it("never throws anything but a fault with its place", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("-", "\n", ":", " ", "a", "[", "&", "*", "{", '"', "#", "1") }),
        (text) => {
          expect(fault(`---\n${text}\n---\nx`)).toMatch(/^bad-config some\/critic\.md:\d+: |^no fault/);
        },
      ),
    );
  });
});

describe("the ten of the package", () => {
  const voices = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".md"))
    .map((name) => parse(readFileSync(resolve(FOLDER, name), "utf8"), name));

  it("have their duties", () => {
    const rows = voices.map(({ id, temperature, yields, domain, votes }) => [
      id,
      temperature,
      yields.join("+"),
      domain,
      votes,
    ]);
    expect(rows).toEqual([
      ["analyzer", 0.3, "claims+checks", "diagnosis", true],
      ["architect", 0.4, "claims", "design", true],
      ["designer", 0.6, "claims", "ux", false],
      ["developer", 0.5, "proposal", "code", true],
      ["explorer", 0.9, "proposal", "design", true],
      ["guardian", 0.3, "checks", "tests", true],
      ["implementor", 0.2, "proposal", "code", true],
      ["maintainer", 0.3, "claims+checks", "code", true],
      ["optimizer", 0.3, "claims+checks", "performance", true],
      ["security", 0.1, "claims+checks", "security", true],
    ]);
  });

  it("are duties and not costumes, and short", () => {
    for (const { id, prompt } of voices) {
      expect(encode(prompt).length, id).toBeLessThanOrEqual(90);
      expect(prompt, id).not.toMatch(/you are an? |world-class|expert|experienced|senior/i);
      expect(prompt, id).toContain("ever ");
    }
  });
});
