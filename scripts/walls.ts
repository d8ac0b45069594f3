/** Writes the import walls of biome.json from one table (folders x allowed machine access); `--check` compares only. */
import { readFileSync, writeFileSync } from "node:fs";

/** Folders of src, the siblings each may import beside base and core, and the builtins it may use. */
const PURE = ["node:crypto", "node:path", "node:url", "node:buffer", "node:util", "node:string_decoder"];
const ROOMS: Record<string, { builtins: string[]; process?: boolean; fetch?: boolean }> = {
  /** The clock of processor time is the process's. */
  base: { builtins: ["node:crypto", "node:process"] },
  core: { builtins: [] },
  config: { builtins: ["node:fs", "node:fs/promises", "node:os"], process: true },
  models: { builtins: ["node:http", "node:https", "node:net"], process: true },
  /** The engine of model files: the one part of `models` with processes and files. */
  "models/embedded": { builtins: ["node:fs", "node:child_process", "node:os"], process: true },
  guard: { builtins: [] },
  sandbox: {
    builtins: [
      "node:fs",
      "node:fs/promises",
      "node:child_process",
      "node:os",
      "node:net",
      "node:dgram",
      "node:dns",
      "node:dns/promises",
      "node:http",
      "node:https",
      "node:tls",
      "node:stream",
      "node:readline",
    ],
    process: true,
  },
  tools: { builtins: [] },
  extensions: { builtins: [] },
  mcp: { builtins: ["node:http", "node:stream"], process: true },
  acp: { builtins: [] },
  agent: { builtins: [] },
  council: { builtins: [] },
  session: { builtins: [] },
  lsp: { builtins: ["node:stream"] },
  cache: { builtins: ["node:fs", "node:sqlite", "node:zlib"] },
  store: { builtins: ["node:fs", "node:fs/promises", "node:sqlite", "node:os"], process: true },
  workers: { builtins: ["node:worker_threads"] },
  observe: { builtins: ["node:fs", "node:fs/promises", "node:sqlite", "node:readline"], process: true },
  cli: {
    builtins: [
      "node:fs",
      "node:fs/promises",
      "node:os",
      "node:readline",
      "node:readline/promises",
      "node:tty",
      "node:stream",
      "node:child_process",
    ],
    process: true,
  },
};
const MACHINE = [
  "fs",
  "fs/promises",
  "child_process",
  "net",
  "http",
  "https",
  "http2",
  "dns",
  "dns/promises",
  "dgram",
  "tls",
  "os",
  "process",
  "module",
  "vm",
  "worker_threads",
  "cluster",
  "sqlite",
  "readline",
  "readline/promises",
  "tty",
  "stream",
  "inspector",
  "repl",
  "v8",
];

function roomRules(room: string): Record<string, unknown> {
  const allowed = new Set([...(ROOMS[room]?.builtins ?? []), ...PURE]);
  const denied = MACHINE.filter((name) => !allowed.has(`node:${name}`));
  const why = `src/${room} has no access to this`;
  const paths = Object.fromEntries(
    denied.flatMap((name) => [
      [`node:${name}`, why],
      [name, why],
    ]),
  );
  const below = room === "base" ? [] : room === "core" ? ["base"] : ["base", "core"];
  const siblings = Object.keys(ROOMS).filter((name) => name !== room && !below.includes(name) && !name.includes("/"));
  const wiring = ["app", "main", "parts"].flatMap((name) => [
    `../${name}.ts`,
    `../../${name}.ts`,
    `../../../${name}.ts`,
  ]);
  const group = [...siblings.map((name) => `**/${name}/**`), ...wiring];
  const globals: Record<string, string> = { eval: "never", globalThis: why, fetch: "global fetch is not used" };
  if (!ROOMS[room]?.process) globals["process"] = why;
  return {
    includes: [`src/${room}/**`],
    linter: {
      rules: {
        style: {
          noRestrictedGlobals: { level: "error", options: { deniedGlobals: globals } },
          noRestrictedImports: {
            level: "error",
            options: {
              paths,
              patterns: [{ group, message: "rooms import base, core and themselves only; meet at a port" }],
            },
          },
          ...(room === "config" ? {} : { noProcessEnv: "error" }),
        },
      },
    },
  };
}

const config = {
  $schema: "./node_modules/@biomejs/biome/configuration_schema.json",
  files: {
    includes: ["**", "!**/dist", "!**/coverage", "!bench/results", "!demo/shop", "!test/fixtures", "!**/.cache"],
  },
  formatter: { indentStyle: "space", indentWidth: 2, lineWidth: 120 },
  linter: {
    rules: {
      preset: "recommended",
      suspicious: { noImportCycles: "error", noExplicitAny: "error", noControlCharactersInRegex: "off" },
      style: { useImportType: "error", noNonNullAssertion: "error" },
      complexity: { useLiteralKeys: "off" },
      correctness: { noVoidTypeReturn: "off" },
      nursery: { noFloatingPromises: "error", noMisusedPromises: "error" },
    },
  },
  // The formatter writes this file as JSON.stringify does.
  overrides: [
    { includes: ["biome.json"], json: { formatter: { expand: "always" } } },
    ...Object.keys(ROOMS).map(roomRules),
  ],
};

const text = `${JSON.stringify(config, null, 2)}\n`;
if (process.argv.includes("--check")) {
  if (readFileSync("biome.json", "utf8") !== text) {
    console.error("biome.json differs from the table in scripts/walls.ts; run: node scripts/walls.ts");
    process.exitCode = 1;
  }
} else {
  writeFileSync("biome.json", text);
}
