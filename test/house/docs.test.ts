import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "jsonc-parser";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { FLAGS, parseFlags } from "../../src/cli/flags.ts";
import { runBinary } from "../kit/binary.ts";
import { tempFolder } from "../kit/temp.ts";

const root = resolve(import.meta.dirname, "../..");
const DOCS = [
  "README.md",
  "CONTRIBUTING.md",
  "AGENTS.md",
  "docs/architecture.md",
  "docs/audit.md",
  "docs/sandbox.md",
  "docs/policy.md",
  "docs/models.md",
  "docs/cache.md",
  "docs/voices.md",
  "docs/council.md",
  "docs/spiral.md",
  "docs/undo.md",
  "docs/interactive.md",
  "docs/mcp.md",
  "docs/extend.md",
  "docs/editors.md",
];
const text = (file: string) => readFileSync(resolve(root, file), "utf8");
const manifest = JSON.parse(text("package.json")) as { scripts: Record<string, string>; bin: Record<string, string> };

/** Every `crucible …` that a page shows, from code blocks and code spans. */
function commandsIn(page: string): string[] {
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? "").split("\n"));
  const spans = [...page.matchAll(/`(crucible [^`]+)`/g)].map((match) => match[1] ?? "");
  return [...blocks, ...spans]
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line.startsWith("crucible "));
}

/** Words as a shell would split them, without expansion. */
function words(command: string): string[] {
  return (command.match(/"[^"]*"|\S+/g) ?? []).slice(1).map((word) => word.replace(/^"|"$/g, ""));
}

describe("commands that the documents show", () => {
  const shown = [...new Set(DOCS.flatMap((file) => commandsIn(text(file))))];

  it("are commands and flags that exist", () => {
    expect(shown.length).toBeGreaterThan(8);
    for (const command of shown) {
      const [first = "", ...rest] = words(command.replaceAll("\\|", "|"));
      if (COMMANDS[first]) continue;
      expect(() => parseFlags([first, ...rest.map((word) => word.replace(/,$/, ""))], {}), command).not.toThrow();
    }
  });

  it("npm scripts that are named exist", () => {
    for (const file of DOCS) {
      for (const match of text(file).matchAll(
        /npm (?:run )?(test:long|test:protocols|test|demo|check|bench|build|format)\b/g,
      )) {
        expect(manifest.scripts, `${file}: ${match[0]}`).toHaveProperty(match[1] ?? "");
      }
    }
  });

  it("the harmless ones run", async () => {
    using folder = tempFolder();
    const options = { cwd: folder.path, home: folder.path };
    const expected: Record<string, number> = {
      "prompt show": 0,
      "policy explain -- git push --force": 0,
      approvals: 0,
      "approvals revoke --all": 0,
      trust: 0,
      "trust --show": 0,
      "trust --revoke": 0,
      "audit verify": 0,
      "audit head": 0,
      "config path": 0,
      "config show --origin": 0,
      "sessions list": 0,
      "--help": 0,
      "--version": 0,
      models: 60,
      status: 60,
      mcp: 0,
      "mcp list": 0,
      "cache stats": 0,
      "cache clear": 0,
      "route explain fix": 60,
      voices: 0,
      "voices show security": 0,
      "voices test": 0,
      "voices test guardian": 0,
      undo: 42,
      "undo --list": 42,
      "council list": 0,
      "council stats": 0,
      memory: 0,
      "worktree list": 0,
      "worktree remove fix": 2,
      "-w fix": 2,
      "import --dry-run": 0,
      "demo council": 0,
      "council which database? --options SQLite,Postgres": 60,
      review: 60,
    };
    const runs = await Promise.all(
      Object.keys(expected).map(async (command) => ({ command, run: await runBinary(command.split(" "), options) })),
    );
    for (const { command, run } of runs) {
      expect(run.code, `${command}: ${run.stderr}`).toBe(expected[command]);
      expect(run.stdout + run.stderr, command).not.toMatch(/\n\s+at /);
    }
  });

  it("configurations that are shown are accepted", async () => {
    const pages = ["docs/models.md", "docs/cache.md", "docs/voices.md", "docs/council.md"].map(text).join("");
    const blocks = [...pages.matchAll(/```jsonc\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
    expect(blocks.length).toBeGreaterThan(1);
    for (const block of blocks) {
      using folder = tempFolder();
      mkdirSync(resolve(folder.path, "crucible/config"), { recursive: true });
      writeFileSync(resolve(folder.path, "crucible/config/config.jsonc"), block);
      const run = await runBinary(["config", "show", "--origin"], { cwd: folder.path, home: folder.path });
      expect(run.code, run.stderr).toBe(0);
    }
  });

  it("entries for editors and clients start what they say, and it speaks the protocol", async () => {
    const blocks = ["docs/editors.md", "docs/mcp.md"].flatMap((file) =>
      [...text(file).matchAll(/```jsonc\n([\s\S]*?)```/g)].map((match) => match[1] ?? ""),
    );
    const found: string[][] = [];
    const gather = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      const { command, args } = value as { command?: unknown; args?: string[] };
      if (command === "crucible") found.push(args ?? []);
      for (const each of Object.values(value)) gather(each);
    };
    for (const block of blocks) gather(parse(block));
    expect(found.map(([first]) => first).sort()).toEqual(["acp", "acp", "acp", "mcp"]);
    using folder = tempFolder();
    for (const words of found) {
      const method = "initialize";
      const mcp = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "docs", version: "0" } };
      const params = words[0] === "acp" ? { protocolVersion: 1 } : mcp;
      const here = words.map((word) => (word.startsWith("/home/") ? folder.path : word));
      const stdin = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })}\n`;
      const run = await runBinary(here, { cwd: folder.path, home: folder.path, stdin });
      expect(run.code, run.stderr).toBe(0);
      expect(JSON.parse(run.stdout)).toMatchObject({ id: 1, result: expect.anything() as unknown });
    }
  });

  it("the voice and the council that are shown are accepted", async () => {
    using folder = tempFolder();
    const page = text("docs/voices.md");
    const place = resolve(folder.path, "crucible/config/voices");
    mkdirSync(place, { recursive: true });
    writeFileSync(resolve(place, "dba.md"), /```md\n([\s\S]*?)```/.exec(page)?.[1] ?? "");
    writeFileSync(resolve(place, "../config.jsonc"), /```jsonc\n([\s\S]*?)```/.exec(page)?.[1] ?? "");
    const run = await runBinary(["voices", "test", "--json"], { cwd: folder.path, home: folder.path });
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('"id":"dba"') });
  });

  it("every flag has an explanation", () => {
    for (const [name, flag] of Object.entries(FLAGS)) expect(flag.about.length, name).toBeGreaterThan(7);
  });
});
