import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { defineTool, textResult } from "../../src/core/tool.ts";
import { createRedactor } from "../../src/guard/redact.ts";
import { redactingStream } from "../../src/guard/redacting-stream.ts";
import { findSecrets } from "../../src/guard/secrets.ts";
import { gateKit } from "../kit/guard.ts";
import {
  BOUNDARIES,
  HOSTILE,
  INVISIBLE,
  AWS as KEY,
  KEYS,
  LOOK_ALIKES,
  MADE,
  NAMED,
  PEM,
  GITHUB as TOKEN,
} from "./redact-forms.ts";

/** Eight characters of a secret in a row are a leak. */
const leaks = (output: string, secret: string) =>
  Array.from({ length: Math.max(0, secret.length - 7) }, (_, at) => secret.slice(at, at + 8)).some((slice) =>
    output.includes(slice),
  );
const inPieces = (text: string, size: number, known: readonly string[] = []) => {
  const stream = createRedactor("s", known).stream();
  let output = "";
  for (let at = 0; at < text.length; at += size) output += stream.push(text.slice(at, at + size));
  return output + stream.end();
};

describe("the redactor", () => {
  it("replaces known shapes and known values, the same value by the same placeholder, in every process of a session", () => {
    const [a, b, other] = [
      createRedactor("s", ["correct horse"]),
      createRedactor("s", ["correct horse"]),
      createRedactor("t", ["correct horse"]),
    ];
    const text = `key ${KEY} token=${TOKEN} pass "correct horse" again ${KEY}`;
    expect(a.text(text)).toBe(b.text(text));
    expect(a.text(text)).not.toBe(other.text(text));
    for (const secret of [KEY, TOKEN, "correct horse"]) expect(a.text(text)).not.toContain(secret);
    const [first, second] = a.text(`${KEY} ${KEY}`).split(" ");
    expect(first).toBe(second);
    expect(a.reveal(first ?? "")).toBe(KEY);
    expect(b.reveal("[redacted:value:00000000]")).toBeUndefined();
  });

  it("redacts its own output no further", () => {
    const redactor = createRedactor("s");
    const once = redactor.text(`x ${KEY} y`);
    expect(redactor.text(once)).toBe(once);
  });

  it("leaves ordinary text and code alone", () => {
    const ordinary = [
      "const password = getPassword();",
      "npm_config_registry",
      "sha512-abcdefABCDEF0123456789==",
      "https://example.com/a:b@c",
      "function token(lexer) {}",
      "0123456789abcdef".repeat(4),
      "Bearer of good news and more words here",
    ];
    for (const text of ordinary) expect(findSecrets(text), text).toEqual([]);
    const redactor = createRedactor("s");
    fc.assert(fc.property(fc.lorem(), (text) => redactor.text(text) === text));
  });

  it("goes through every string of a value and keeps its shape", () => {
    const value = { a: [KEY, 1, null, { b: `x${TOKEN}` }] };
    const redacted = createRedactor("s").deep(value);
    expect(JSON.stringify(redacted)).not.toContain(KEY);
    expect(redacted.a).toHaveLength(4);
  });
});

describe("a value of JSON", () => {
  it("has keys that say what their values are, and keys that are secrets themselves", () => {
    const value = { [TOKEN]: 1, password: MADE, headers: { authorization: [MADE] }, name: "DB_PASSWORD", value: MADE };
    const output = createRedactor("s").deep(value);
    expect(JSON.stringify(output)).not.toContain(MADE);
    expect(JSON.stringify(output)).not.toContain(TOKEN);
    expect(Object.keys(output)).toHaveLength(5);
    expect(createRedactor("s").deep({ password: "required", path: MADE })).toEqual({
      password: "required",
      path: MADE,
    });
  });

  it("keeps a key __proto__ as a key", () => {
    const output = createRedactor("s").deep(JSON.parse(`{"__proto__":{"a":"${TOKEN}"}}`) as object);
    expect(Object.keys(output)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(output)).toBe(Object.prototype);
    expect(JSON.stringify(output)).not.toContain(TOKEN);
  });
});

describe("the forms of secrets", () => {
  const text = (input: string, known: readonly string[] = []) => createRedactor("s", known).text(input);

  it.each(BOUNDARIES.map(([input, secret], at) => [at, input, secret] as const))(
    "a token needs no blank before it (%i)",
    (_, input, secret) => {
      expect(leaks(text(input), secret), input).toBe(false);
    },
  );

  it.each(INVISIBLE.map((sign) => [JSON.stringify(sign), sign] as const))("nothing hides behind %s", (_, sign) => {
    for (const secret of [TOKEN, KEY, "correct horse battery"]) {
      const split = secret.slice(0, 10) + sign + secret.slice(10);
      for (const output of [
        text(`x ${split} y`, ["correct horse battery"]),
        inPieces(`x ${split} y\n`, 1, ["correct horse battery"]),
      ]) {
        expect(leaks(output, secret.slice(0, 10)), split).toBe(false);
        expect(leaks(output, secret.slice(10)), split).toBe(false);
      }
    }
  });

  it.each(KEYS.map((key, at) => [at, key] as const))("a private key is found in every dress (%i)", (_, key) => {
    const body = key.split("\n").reduce((longest, line) => (line.length > longest.length ? line : longest));
    for (const output of [text(key), inPieces(`${key}\n`, 7)]) {
      expect(leaks(output, PEM.slice(40, 80)), output).toBe(false);
      expect(output.includes(body.slice(20, 60)), output).toBe(false);
    }
  });

  it.each(NAMED)("a name gives its value away: %s", (input, secret) => {
    for (const output of [text(input), inPieces(`a\n${input}\nb\n`, 7)])
      expect(leaks(output, secret), output).toBe(false);
  });

  it.each(LOOK_ALIKES)("ordinary text stays as it is: %s", (input) => {
    expect(text(input)).toBe(input);
  });

  it("one placeholder covers known values that overlap", () => {
    const output = text("x abcdefgh1234abcdefXYZ9 y", ["abcdefgh1234", "1234abcdefXYZ9"]);
    expect(output).toMatch(/^x \[redacted:value:[0-9a-f]{8}\] y$/);
  });

  it("text behind a word about keys comes through a stream", () => {
    const speaks = `match("-----BEGIN RSA PRIVATE KEY-----")\n${"and so on, in words.\n".repeat(5000)}`;
    expect(inPieces(speaks, 4096)).toBe(speaks);
  });

  it.each(HOSTILE.map((shape) => [JSON.stringify(shape).slice(0, 40), shape]))(
    "a stream searches twice as much in twice the text, not four times: %s",
    (_name, shape) => {
      const searched = (size: number) => {
        let characters = 0;
        const spansIn = (text: string) => {
          characters += text.length;
          return findSecrets(text);
        };
        const stream = redactingStream({ spansIn, replaced: (text) => text, longest: 0 });
        const text = shape.repeat(Math.ceil(size / shape.length));
        for (let at = 0; at < text.length; at += 256) stream.push(text.slice(at, at + 256));
        stream.end();
        return characters;
      };
      expect(searched(120_000)).toBeLessThan(3 * searched(60_000));
    },
  );

  // Square work on these would take minutes: the test's own limit is what turns red.
  it.each(HOSTILE.map((shape) => [JSON.stringify(shape).slice(0, 40), shape]))(
    "the work grows with the text, not with its square: %s",
    (_name, shape) => {
      const text = shape.repeat(Math.ceil(120_000 / shape.length));
      const redactor = createRedactor("s", ["abcdefghijklmnop"]);
      expect(typeof redactor.text(text)).toBe("string");
      expect(typeof inPieces(text, 256)).toBe("string");
    },
  );
});

describe("placeholders in what is written", () => {
  const file = new Map([["/ws/project/.config", `key=${KEY}\n`]]);
  const written: unknown[] = [];
  const edit = defineTool({
    name: "edit",
    summary: "",
    input: z.strictObject({ path: z.string(), old: z.string(), new: z.string() }),
    effects: ["read", "write"],
    parallel: false,
    timeoutMs: 1000,
    run: async (input: { path: string; old: string; new: string }) => {
      written.push(input);
      return textResult("ok");
    },
  });
  const kit = () =>
    gateKit({
      tools: [edit],
      secrets: [KEY],
      policy: {},
      hands: () => ({
        files: {
          read: async (path) => ({
            path,
            bytes: Buffer.from(file.get(`/ws/project/${path}`) ?? ""),
            mode: 0o644,
            hash: "h",
          }),
          list: async () => [],
          lastSeen: () => undefined,
          lastSeenText: async () => undefined,
          markSeen: () => undefined,
        },
        fileWrites: { write: async (path) => ({ path, before: null, after: "h" }) },
      }),
    });
  const placeholder = createRedactor("s1", [KEY]).text(KEY);

  it("are put back where the value stands already", async () => {
    written.length = 0;
    const gate = kit();
    await gate.run("edit", { path: "src/x", old: KEY, new: "y" });
    const outcome = await gate.run("edit", { path: ".config", old: `key=${placeholder}`, new: `key = ${placeholder}` });
    expect(outcome.failed).toBe(false);
    expect(written.at(-1)).toMatchObject({ old: `key=${KEY}`, new: `key = ${KEY}` });
  });

  it("are refused anywhere else: no placeholder and no secret is written", async () => {
    const gate = kit();
    await gate.run("edit", { path: "src/x", old: KEY, new: "y" });
    written.length = 0;
    const outcome = await gate.run("edit", { path: "src/other", old: "a", new: placeholder });
    expect(outcome).toMatchObject({ failed: true, denied: false });
    expect(outcome.parts[0]).toMatchObject({ text: expect.stringContaining("cannot be written there") as string });
    expect(written).toEqual([]);
  });
});

describe("the corpus of secrets", () => {
  interface Row {
    readonly id: string;
    readonly kind: string;
    readonly redact: boolean;
    readonly parts: readonly string[];
    readonly secret_parts?: readonly [number, number];
  }
  const rows = readFileSync(new URL("../corpus/secrets.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
  const secretOf = (row: Row) => row.parts.slice(...(row.secret_parts ?? [0, row.parts.length])).join("");
  it("every secret is redacted; a value without a form when it is known", () => {
    const missed = rows.filter((row) => {
      if (!row.redact) return false;
      const known = row.kind === "known-value" ? [secretOf(row)] : [];
      return leaks(createRedactor("s", known).text(row.parts.join("")), secretOf(row));
    });
    expect(missed.map((row) => `${row.id} ${row.kind}`)).toEqual([]);
  });

  it.each([1, 7, 64, 4096])("and when it arrives in pieces of %i bytes", (size) => {
    const missed = rows.filter((row) => {
      if (!row.redact) return false;
      const known = row.kind === "known-value" ? [secretOf(row)] : [];
      const stream = createRedactor("s", known).stream();
      const text = `first line\n${row.parts.join("")}\nlast line`;
      let output = "";
      for (let at = 0; at < text.length; at += size) output += stream.push(text.slice(at, at + size));
      output += stream.end();
      expect(output).toMatch(/^first line\n/);
      return leaks(output, secretOf(row));
    });
    expect(missed.map((row) => `${row.id} ${row.kind}`)).toEqual([]);
  });

  it("what only looks like one stays as it is", () => {
    const touched = rows.filter(
      (row) => !row.redact && createRedactor("s").text(row.parts.join("")) !== row.parts.join(""),
    );
    expect(touched.map((row) => row.id)).toEqual([]);
  });
});

describe("a text in pieces", () => {
  const words = fc.constantFrom(
    KEY,
    TOKEN,
    "password=",
    "hunter2hunter2",
    "\n",
    " ",
    "x",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "MIIEow",
    "-----END RSA PRIVATE KEY-----",
    "cookie: a=",
    "correct horse",
  );
  const secrets = [KEY, TOKEN, "correct horse"];
  it("leaks nothing wherever it is cut, and loses nothing of what is no secret", () => {
    fc.assert(
      fc.property(
        fc.array(words, { maxLength: 14 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 20 }),
        (parts, cuts) => {
          const text = parts.join("");
          const redactor = createRedactor("s", ["correct horse"]);
          const stream = redactor.stream();
          let output = "";
          let at = 0;
          for (const cut of cuts) {
            output += stream.push(text.slice(at, at + cut));
            at += cut;
          }
          output += stream.push(text.slice(at)) + stream.end();
          const whole = redactor.text(text);
          for (const secret of [...secrets, "hunter2hunter2", "MIIEow"])
            if (!whole.includes(secret)) expect(output).not.toContain(secret);
          if (whole === text) expect(output).toBe(text);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("a key that never ends is kept out whole, and a line without end does not fill the memory", () => {
    const stream = createRedactor("s").stream();
    let output = stream.push("-----BEGIN RSA PRIVATE KEY-----\n");
    for (let line = 0; line < 3000; line++) output += stream.push(`${"MIIEowIBAAKCAQEA".repeat(4)}\n`);
    output += stream.push("-----END RSA PRIVATE KEY-----\nafter\n") + stream.end();
    expect(output).not.toContain("MIIEow");
    expect(output).toContain("after");
    const long = createRedactor("s").stream();
    const shown = long.push("y".repeat(200_000));
    expect(shown.length).toBeGreaterThan(100_000);
  });
});

describe("a known value", () => {
  const value = 'pa"ss/wörd+1 %';
  const forms = {
    plain: value,
    json: JSON.stringify(value).slice(1, -1),
    percent: encodeURIComponent(value),
    "percent, lower case": encodeURIComponent(value).toLowerCase(),
    hex: Buffer.from(value).toString("hex").toUpperCase(),
    base64: Buffer.from(value).toString("base64"),
    base64url: Buffer.from(value).toString("base64url"),
    "base64 inside a longer text": Buffer.from(`user:${value}!`).toString("base64"),
    "base64 at another place": Buffer.from(`x${value}yz`).toString("base64"),
    base32: "OBQSE43TF534HNTSMQVTCIBF",
    "base32 inside a longer text": "OVZWK4R2PBYGCITTOMXXPQ5WOJSCWMJAEUQSC===",
    "JSON of other programs": value.replace("/", "\\/").replace("+", "\\u002b").replace('"', '\\"'),
    "a form": new URLSearchParams({ a: value }).toString().slice(2),
    HTML: value.replace('"', "&quot;").replace("+", "&#43;"),
    "hex with blanks": Buffer.from(value).toString("hex").replace(/(..)/g, "$1 ").trim(),
    "hex with colons": Buffer.from(value)
      .toString("hex")
      .replace(/(..)(?=.)/g, "$1:"),
    "hex of a program": [...Buffer.from(value)].map((byte) => `0x${byte.toString(16)}`).join(", "),
    "hex escapes": [...Buffer.from(value)].map((byte) => `\\x${byte.toString(16)}`).join(""),
  };
  it.each(Object.entries(forms))("is found as %s", (_name, form) => {
    const output = createRedactor("s", [value]).text(`a ${form} b`);
    const middle = form.slice(8, 14);
    expect(output).not.toContain(middle);
    expect(output).toMatch(/^a .*\[redacted:value:[0-9a-f]{8}\].* b$/);
  });

  it("is found in base64 wrapped into lines and in a dump of bytes, whole and in pieces", () => {
    const around = Buffer.from(`X=1234567890 filler filler filler filler f ${value}\n${"z".repeat(60)}`);
    const wrapped = around.toString("base64").replace(/(.{76})/g, "$1\n");
    const hexOf = (bytes: Buffer) => bytes.toString("hex").replace(/(....)/g, "$1 ");
    const dump = Array.from({ length: Math.ceil(around.length / 16) }, (_, at) => {
      const line = around.subarray(at * 16, at * 16 + 16);
      const shown = line.toString("latin1").replace(/[^ -~]/g, ".");
      return `${(at * 16).toString(16).padStart(8, "0")}: ${hexOf(line).padEnd(40)} ${shown}`;
    });
    for (const size of [1, 64, 100_000]) {
      expect(inPieces(`a\n${wrapped}\nb.\n`, size, [value])).toMatch(/^a\n\[redacted:value:[0-9a-f]{8}\]\nb\.\n$/);
      const output = inPieces(`a\n${dump.join("\n")}\nb.\n`, size, [value]);
      expect(output).toMatch(/^a\n\[redacted:value:[0-9a-f]{8}\]\nb\.\n$/);
    }
  });
});
