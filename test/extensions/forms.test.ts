/** The forms that people write for their agents: read leniently where words are concerned, never where a limit would get lost. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { importsIn } from "../../src/base/imports.ts";
import { shellQuoted } from "../../src/base/shell-words.ts";
import { argumentWords, expandCommand } from "../../src/cli/expand.ts";
import type { HookEntry } from "../../src/core/ports/hooks.ts";
import { readTomlServers, serversIn } from "../../src/extensions/foreign-forms.ts";
import { answerOf, joinAnswers, matches, readHooks } from "../../src/extensions/hook-form.ts";
import { type ExtensionText, readAgent, readCommand, readSkill } from "../../src/extensions/markdown.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/extend.md"), "utf8");
const blocks = (kind: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${kind}\n([\\s\\S]*?)\`\`\``, "g"))].map((match) => match[1] ?? "");
const source = (text: string, kind: ExtensionText["kind"] = "skill"): ExtensionText => ({
  ...{ kind, name: "given", file: "f.md", folder: "/f", origin: "user", text },
});
const head = (lines: string) => `---\n${lines}\n---\nBody.\n`;

describe("front matter", () => {
  test("of the page reads as it says", () => {
    const [skill = "", command = "", agent = ""] = blocks("md");
    expect(readSkill(source(skill))).toMatchObject({ name: "release", description: /version/ });
    expect(readCommand(source(command, "command"))).toMatchObject({
      ...{ name: "given", hint: "number [why]", only: ["Read", "Bash(git *)"] },
    });
    expect(readAgent(source(agent, "agent"))).toMatchObject({
      ...{ name: "reviewer", only: ["Read", "Grep", "Glob", "Bash(git *)"] },
    });
  });

  test.each([
    ["a list", "tools:\n  - Read\n  - Bash(git *)", ["Read", "Bash(git *)"]],
    ["a line", "tools: Read, Bash(git *)", ["Read", "Bash(git *)"]],
    ["nothing", 'tools: ""', []],
    ["beside what is no YAML", "argument-hint: [a] [b]\ndescription: x: y\ntools: Read", ["Read"]],
    ["beside a name twice", "tools: Read\nname: a\nname: a", ["Read"]],
    ["all", 'tools: "*"', undefined],
  ])("keeps the list of tools: %s", (_how, lines, only) => {
    const agent = readAgent(source(head(lines), "agent"));
    expect("only" in agent ? agent.only : undefined).toEqual(only);
  });

  test("names nothing that would not be a name, and takes foreign models for none", () => {
    expect(readSkill(source(head("name: ../x\ndescription: d")))).toHaveProperty("problem");
    expect(readSkill(source(head("name: x")))).toHaveProperty("problem");
    expect(readAgent(source("---\nname: a\n---\n", "agent"))).toHaveProperty("problem");
    expect(readAgent(source(head("model: sonnet"), "agent"))).not.toHaveProperty("model");
    expect(readAgent(source(head("model: ollama/qwen3:8b"), "agent"))).toMatchObject({ model: "ollama/qwen3:8b" });
    expect(readSkill(source(head("description: d\ndisable-model-invocation: true")))).toMatchObject({
      description: "",
    });
  });
});

describe("commands", () => {
  test("put arguments where they are asked for, else at the end", () => {
    const text = (body: string, line: string) =>
      expandCommand(body, line, shellQuoted)
        .map((piece) => Object.values(piece).slice(1).join(""))
        .join("|");
    expect(text("a $1 b $2 c $3.", `x "y z"`)).toBe("a x b y z c .");
    expect(text("all: $ARGUMENTS $ARGUMENTSX $10", "x y")).toBe("all: x y $ARGUMENTSX $10");
    expect(text("plain", "x y")).toBe("plain|\n\nx y");
    expect(text("see @$1 and a@b.c", "src/a.ts")).toBe("see |src/a.ts| and a@b.c");
  });

  test("never let an argument become a command, or more than one word of one", () => {
    fc.assert(
      fc.property(fc.string(), (line) => {
        const plain = expandCommand("Do $ARGUMENTS and $1", line, shellQuoted);
        expect(plain.filter(({ kind }) => kind !== "text")).toEqual([]);
        const [piece] = expandCommand("!`echo $1`", line, shellQuoted);
        const [first] = argumentWords(line);
        expect(piece).toEqual({ kind: "shell", command: `echo ${first === undefined ? "" : shellQuoted(first)}` });
      }),
    );
  });
});

describe("hooks", () => {
  const entry = (change: Partial<HookEntry> = {}): HookEntry => ({
    ...{ event: "PreToolUse", matcher: "", command: "c", timeoutMs: 1, failClosed: false, origin: "user", file: "f" },
    ...change,
  });
  const exit = (code: number | undefined, stdout = "", stderr = "") => ({ code, stdout, stderr });

  test("of the page are read; what is misspelt is named", () => {
    const from = { origin: "user", file: "h.json" } as const;
    const [json = ""] = blocks("json");
    expect(readHooks(JSON.parse(json), from)).toMatchObject([
      { event: "PreToolUse", matcher: "shell", timeoutMs: 10_000 },
    ]);
    const bad = (value: unknown) => () => readHooks(value, from);
    expect(bad({ hooks: { PostTool: [] } })).toThrow(/no hook event PostTool/);
    expect(bad({ hook: {} })).toThrow(/unknown key hook/);
    expect(bad({ hooks: { Stop: [{ matcher: "(", hooks: [] }] } })).toThrow(/matcher/);
    expect(bad({ hooks: { Stop: [{ hooks: [{ command: "x", timeout: 0 }] }] } })).toThrow(/h\.json: hooks/);
    expect(bad({ hooks: { Stop: [{ hooks: [{ command: "x", failClosed: false }] }] } })).toThrow(/h\.json: hooks/);
  });

  test.each([
    ["", "shell", true],
    ["*", "shell", true],
    ["Bash", "shell", true],
    ["shell", "shell", true],
    ["Edit|Write", "edit", true],
    ["Edit|Write", "shell", false],
    ["Ba", "shell", false],
    ["mcp__x__.*", "mcp__x__y", true],
  ])("matcher %j and tool %s: %s", (matcher, tool, expected) => {
    expect(matches(entry({ matcher }), tool)).toBe(expected);
  });

  test("of a project have a matcher that cannot take for ever; the person's own is theirs", () => {
    const read = (matcher: string, origin: "user" | "project") => () =>
      readHooks({ hooks: { PreToolUse: [{ matcher, hooks: [{ command: "x" }] }] } }, { origin, file: "h.json" });
    for (const slow of ["(a+)+", "(?:\\w|_)*x", "(.)\\1x", "a*a*a*a*a*x", "shell|(a|a)+", "(a|b){1,99}"]) {
      expect(read(slow, "project")).toThrow(/h\.json: matcher .* may take too long/);
      expect(read(slow, "user")).not.toThrow();
    }
    for (const plain of [
      "",
      "*",
      "Bash",
      "Edit|Write",
      "mcp__.*__write.*|mcp__.*__put.*|mcp__.*",
      "(Edit|Write)?",
      "^(?!read).*$",
    ])
      expect(read(plain, "project")).not.toThrow();
  });

  test("never widen, and say no where they fail: whatever they print, however they end", () => {
    const words = fc.constantFrom("approve", "allow", "block", "deny", "ask", "", undefined);
    const output = fc.record({ decision: words, hookSpecificOutput: fc.record({ permissionDecision: words }) });
    const code = fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined });
    fc.assert(
      fc.property(
        code,
        fc.oneof(
          output.map((each) => JSON.stringify(each)),
          fc.string(),
        ),
        (ended, stdout) => {
          const { decision } = answerOf(entry(), exit(ended, stdout));
          expect([undefined, "ask", "deny"]).toContain(decision);
          if (ended !== 0) expect(decision).toBe("deny");
          if (ended === 0 && /"(?:block|deny)"/.test(stdout)) expect(decision).toBe("deny");
        },
      ),
    );
  });

  test("add words, and only say no where a no means something", () => {
    expect(answerOf(entry({ event: "PostToolUse" }), exit(1))).toMatchObject({
      failed: expect.stringContaining("exit code 1"),
    });
    expect(answerOf(entry({ event: "PostToolUse" }), exit(1))).not.toHaveProperty("decision");
    expect(answerOf(entry({ event: "Stop", failClosed: true }), exit(1))).toMatchObject({ decision: "deny" });
    expect(answerOf(entry({ event: "SessionStart" }), exit(0, "hello\n"))).toEqual({ context: "hello" });
    expect(answerOf(entry(), exit(0, "hello\n"))).toEqual({});
    expect(answerOf(entry(), exit(0, '{"continue":false,"stopReason":"no"}'))).toEqual({
      decision: "deny",
      reason: "no",
    });
    expect(
      joinAnswers([
        { decision: "ask", reason: "a", context: "x" },
        { decision: "deny", reason: "b" },
        { context: "y" },
      ]),
    ).toEqual({
      ...{ decision: "deny", reason: "b", context: "x\ny" },
    });
    expect(joinAnswers([])).toEqual({});
  });
});

test("imports are found where people mean them", () => {
  const text = [
    "See @docs/a.md, @b.md. (@c/d.md) and @~/e.md",
    "mail a@b.de `@no.md` ``@no.md``",
    "```sh\n@no.md\n```",
    "~~~~\n@no.md\n~~~\n@no.md\n~~~~",
    "    @no.md",
    "@last.md @b.md",
  ].join("\n");
  expect(importsIn(text)).toEqual(["docs/a.md", "b.md", "c/d.md", "~/e.md", "last.md"]);
});

describe("servers of other agents", () => {
  const secret = (text: string) => text.includes("sk-");

  test("are read from each form, names made ours, secrets left behind", () => {
    const toml =
      '[mcp_servers."my docs"]\ncommand = "x" # note\nargs = ["a # b", \'c\']\nenv = { KEY = "v", DEBUG = "true" }\n';
    expect(serversIn(readTomlServers(toml), secret)).toEqual([
      {
        name: "my-docs",
        entry: { command: "x", args: ["a # b", "c"], env: { KEY: `$\{KEY}`, DEBUG: "true" } },
        variables: ["KEY"],
        takes: false,
      },
    ]);
    const opencode = {
      mcp: {
        a: { type: "local", command: ["npx", "y"], environment: { T: "abc" } },
        b: { enabled: false, command: ["z"] },
      },
    };
    expect(serversIn(opencode, secret)).toMatchObject([
      { name: "a", entry: { command: "npx", args: ["y"], env: { T: `$\{T}` } } },
    ]);
    const list = { mcpServers: [{ name: "l", url: "https://x.example/?k=sk-1" }] };
    expect(serversIn(list, secret)).toEqual([
      { name: "l", entry: { type: "http", url: `$\{L_URL}` }, variables: ["L_URL"], takes: false },
    ]);
  });

  test("are marked when they name variables of the environment", () => {
    const url = (text: string) =>
      serversIn({ mcpServers: { a: { url: "https://x.example", headers: { A: text } } } }, secret);
    expect(url(`Bearer $\{AWS_SECRET}`)).toMatchObject([{ takes: true }]);
    expect(url("{env:AWS_SECRET}")).toMatchObject([{ takes: true }]);
    expect(url("1")).toMatchObject([{ takes: false }]);
  });

  test("never throw and never copy a value that may be a secret, whatever stands there", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        serversIn({ mcpServers: value }, secret);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void readTomlServers(text)));
    const value = fc.stringMatching(/^[A-Za-z]{7,20}[0-9]{3}$/);
    fc.assert(
      fc.property(value, (token) => {
        const found = serversIn(
          { mcpServers: { s: { command: "c", env: { TOKEN: token }, headers: { A: token } } } },
          secret,
        );
        expect(JSON.stringify(found)).not.toContain(token);
      }),
    );
  });
});
