import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const biome = resolve(root, "node_modules/.bin/biome");

/** Breaches of each wall: where they are planted and the rule that must go red. */
const BREACHES: readonly (readonly [string, string, string, string])[] = [
  [
    "a tool that opens files",
    "tools",
    'import { readFileSync } from "node:fs";\nexport const a = readFileSync("/etc/passwd");',
    "noRestrictedImports",
  ],
  ["a tool that opens files lazily", "tools", 'export const a = () => import("fs");', "noRestrictedImports"],
  ["a tool that starts processes", "tools", 'export { spawn } from "node:child_process";', "noRestrictedImports"],
  ["a tool with fetch", "tools", 'export const a = () => fetch("http://x.example");', "noRestrictedGlobals"],
  [
    "a tool with fetch through globalThis",
    "tools",
    'export const a = () => globalThis.fetch("http://x.example");',
    "noRestrictedGlobals",
  ],
  [
    "a tool with process",
    "tools",
    "export const a = () => process.getBuiltinModule('node:fs');",
    "noRestrictedGlobals",
  ],
  [
    "guard that opens a path itself",
    "guard",
    'import { openSync } from "node:fs";\nexport const a = openSync("x", "r");',
    "noRestrictedImports",
  ],
  [
    "an agent that holds a tool",
    "agent",
    'import shell from "../tools/shell.ts";\nexport const a = shell;',
    "noRestrictedImports",
  ],
  [
    "an agent that reaches the sandbox",
    "agent",
    'import type { SandboxOptions } from "../sandbox/options.ts";\nexport type A = SandboxOptions;',
    "noRestrictedImports",
  ],
  [
    "a cache that starts a process",
    "cache",
    'import { spawn } from "node:child_process";\nexport const a = spawn;',
    "noRestrictedImports",
  ],
  [
    "a worker that opens files",
    "workers",
    'import { readFileSync } from "node:fs";\nexport const a = readFileSync("x");',
    "noRestrictedImports",
  ],
  ["guard that imports the store", "guard", 'export * from "../store/blobs.ts";', "noRestrictedImports"],
  ["core that imports a room", "core", 'export { foldThread } from "../agent/thread.ts";', "noRestrictedImports"],
  ["base that imports core", "base", 'export type { Message } from "../core/message.ts";', "noRestrictedImports"],
  ["a room that imports the wiring", "session", 'export { createApp } from "../app.ts";', "noRestrictedImports"],
  ["a second reader of the environment", "cli", "export const a = process.env;", "noProcessEnv"],
  [
    "models with node:http in the slow form",
    "store",
    'import { request } from "node:http";\nexport const a = request;',
    "noRestrictedImports",
  ],
  [
    "a model adapter that starts processes",
    "models",
    'export { spawn } from "node:child_process";',
    "noRestrictedImports",
  ],
  ["eval", "agent", 'export const a = eval("1");', "noGlobalEval"],
  ["any", "agent", "export const a = (x: any) => x;", "noExplicitAny"],
  ["a floating promise", "agent", "async function f() {}\nexport const a = () => {\n  f();\n};", "noFloatingPromises"],
];

describe("walls", () => {
  const planted: string[] = [];
  afterAll(() => {
    for (const folder of planted) rmSync(folder, { recursive: true, force: true });
  });

  it.each(BREACHES)("%s in src/%s goes red", (name, room, source, rule) => {
    const folder = resolve(root, `src/${room}/planted-${name.replace(/\W+/g, "-")}`);
    planted.push(folder);
    mkdirSync(folder, { recursive: true });
    writeFileSync(resolve(folder, "breach.ts"), `${source.replaceAll('"../', '"../../')}\n`);
    const { status, stdout, stderr } = spawnSync(biome, ["lint", "--reporter=github", folder], {
      cwd: root,
      encoding: "utf8",
    });
    rmSync(folder, { recursive: true, force: true });
    expect(`${stdout}${stderr}`).toContain(rule);
    expect(status).not.toBe(0);
  });

  it("the configuration is what its table says, the parts list what the folders hold, the machine code its source", () => {
    execFileSync(process.execPath, ["scripts/walls.ts", "--check"], { cwd: root });
    execFileSync(process.execPath, ["scripts/parts.ts", "--check"], { cwd: root });
    execFileSync(process.execPath, ["scripts/wasm.ts", "--check"], { cwd: root });
  });

  it("the walls do not stand in the way of what is allowed", () => {
    const folder = resolve(root, "src/agent/planted-good");
    planted.push(folder);
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      resolve(folder, "fine.ts"),
      'import type { Message } from "../../core/message.ts";\n\nexport type A = Message;\n',
    );
    expect(spawnSync(biome, ["lint", folder], { cwd: root }).status).toBe(0);
    rmSync(folder, { recursive: true, force: true });
  });
});
