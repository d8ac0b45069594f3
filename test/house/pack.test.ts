/** The package as it is published: its files, an installation in a clean prefix, and what an old Node says. */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LANGUAGES } from "../../src/base/languages.ts";
import { call, journey, lastText } from "../kit/journey.ts";
import { tempFolder } from "../kit/temp.ts";
import { writeTinyGguf } from "../kit/tiny-gguf.ts";
import { lacking } from "../sandbox/machine.ts";

const root = resolve(import.meta.dirname, "../..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const NODE = dirname(realpathSync(process.execPath));

/** A Node of this machine that is too old for us. */
function oldNode(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/local/bin", "/usr/bin"];
  return folders
    .map((folder) => join(folder, "node"))
    .filter((file) => existsSync(file))
    .find(
      (file) => Number(execFileSync(file, ["-p", "process.versions.node.split('.')[0]"], { encoding: "utf8" })) < 24,
    );
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

function pack(folder: string): Packed {
  const told = execFileSync("npm", ["pack", "--json", "--silent", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
  });
  const parsed = JSON.parse(told) as Packed[] | Record<string, Packed>;
  const [first] = Object.values(parsed);
  if (!first) throw new Error(`npm pack told nothing: ${told}`);
  return first;
}

const missing = lacking();
const old = oldNode();

describe("the package", () => {
  const folder = tempFolder();
  const place = (name: string) => join(folder.path, name);
  const env = (path: string) => ({
    PATH: `${path}:/usr/bin:/bin`,
    HOME: place("home"),
    CODECRUCIBLE_HOME: place("home/crucible"),
    LANG: "C.UTF-8",
    TMPDIR: place("tmp"),
  });
  const installed = (...args: string[]) =>
    spawnSync(place("prefix/node_modules/.bin/crucible"), args, {
      cwd: place("work"),
      env: env(NODE),
      encoding: "utf8",
    });
  let packed: Packed;

  beforeAll(() => {
    for (const name of ["home", "work", "prefix", "tmp"]) mkdirSync(place(name));
    packed = pack(folder.path);
    const tarball = place(packed.filename);
    execFileSync("npm", ["install", "--silent", "--prefer-offline", "--prefix", place("prefix"), tarball], {
      cwd: place("work"),
    });
  }, 180_000);
  afterAll(() => folder[Symbol.dispose]());

  it("holds the launcher, the built program and the pages, and nothing else", () => {
    const paths = packed.files.map((file) => file.path).sort();
    const pages = paths.filter((path) => !/^(?:bin|dist|voices)\//.test(path));
    const own = readdirSync(join(root, "voices")).map((name) => `voices/${name}`);
    expect(paths.filter((path) => path.startsWith("voices/"))).toEqual(own.sort());
    expect(pages).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    expect(paths.filter((path) => path.startsWith("bin/"))).toEqual(["bin/crucible.mjs"]);
    const odd = paths.filter(
      (path) => path.startsWith("dist/") && !/^dist\/(?:[\w-]+\.js|[\w-]+\.wasm|shop\/.*|types\/.*\.d\.ts)$/.test(path),
    );
    expect(odd).toEqual([]);
    expect(paths).toContain("dist/main.js");
    expect(paths).toContain("dist/embedded-child.js");
    expect(paths).toContain("dist/worker.js");
    const grammars = ["bash", ...LANGUAGES].map((name) => `dist/tree-sitter-${name}.wasm`).sort();
    expect(paths.filter((path) => path.endsWith(".wasm"))).toEqual([...grammars, "dist/web-tree-sitter.wasm"]);
  });

  it("installed in a clean prefix it tells its version", () => {
    const { stdout, stderr, status } = installed("--version");
    expect([stdout, stderr, status]).toEqual([`${version}\n`, "", 0]);
  });

  it("keeps compiled code in its own folder, where no other user can lay any down", () => {
    expect([existsSync(place("home/crucible")), readdirSync(place("tmp"))]).toEqual([false, []]);
    mkdirSync(place("home/crucible/state"), { recursive: true, mode: 0o700 });
    expect(installed("--version").status).toBe(0);
    expect(readdirSync(place("home/crucible/state/compiled"))).toHaveLength(1);
    expect(readdirSync(place("tmp"))).toEqual([]);
  });

  it("gives other programs the council's engine, with its types", () => {
    const script = [
      'import { decide, fit } from "codecrucible/council";',
      'const ballots = ["a", "b", "c"].map((voice, at) => ({ voice, group: voice, choice: at < 2 ? "x" : "y" }));',
      'const weights = fit([{ kind: "answer", options: ["x", "y"], truth: "x", ballots }]);',
      'console.log(decide({ request: { kind: "answer" }, options: ["x", "y"], ballots, weights, seed: 1 }).winner);',
    ].join("\n");
    writeFileSync(place("prefix/use.mjs"), script);
    const { stdout, stderr } = spawnSync(process.execPath, ["use.mjs"], { cwd: place("prefix"), encoding: "utf8" });
    expect([stdout, stderr]).toEqual(["x\n", ""]);
    writeFileSync(place("prefix/use.ts"), script.replaceAll(".winner", ".winner satisfies string | undefined"));
    const words = [
      join(root, "node_modules/typescript/bin/tsc"),
      "use.ts",
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--exactOptionalPropertyTypes",
      "--types",
      "",
    ];
    const types = spawnSync(process.execPath, words, { cwd: place("prefix"), encoding: "utf8" });
    expect(types.stdout).not.toMatch(/codecrucible|council|TS7016|TS2307/);
  });

  it("installed in a clean prefix it judges commands with both of its parsers", () => {
    const { stdout } = installed("policy", "explain", "--", "ls -la | wc -l");
    expect(stdout).toMatch(/^allow/);
  });

  it("runs a model file once the engine is installed beside it, and says how to install it before", () => {
    const file = writeTinyGguf(place("tiny.gguf"), { says: ["Hello."] });
    const ask = () => installed("-p", "--local-provider", "embedded", "-m", file, "hi");
    const without = ask();
    expect([without.stdout, without.status]).toEqual(["", 61]);
    expect(without.stderr.trimEnd().split("\n").at(-1)).toBe(
      `crucible: the embedded engine needs the package node-llama-cpp, which is not installed. Install it with: npm install --prefix ${place("prefix")} node-llama-cpp@3.21.1`,
    );
    symlinkSync(join(root, "node_modules/node-llama-cpp"), place("prefix/node_modules/node-llama-cpp"));
    const { stdout, stderr, status } = ask();
    expect([stdout, status], stderr).toEqual(["Hello.\n", 0]);
  });

  it("installed in a clean prefix it has its voices", () => {
    const { stdout, stderr, status } = installed("voices", "test", "--json");
    const { files } = JSON.parse(stdout) as { files: { id: string; problems: string[] }[] };
    expect([status, files.length, files.flatMap(({ problems }) => problems)], stderr).toEqual([0, 10, []]);
  });

  it("installed in a clean prefix it maps a repository with its own workers and grammars", async () => {
    const script = [call("tool_call", { name: "repo_map", input: {} }), { text: "Seen." }];
    await using setting = await journey({
      script,
      files: { "a.ts": "export class Shop {}\n", "b.rs": "fn sell() {}\n" },
    });
    const { stdout } = await promisify(execFile)(
      place("prefix/node_modules/.bin/crucible"),
      [...setting.model, "-p", "look"],
      { cwd: setting.folder, env: env(NODE) },
    );
    expect(stdout).toBe("Seen.\n");
    const seen = lastText(setting.server.chats[1] ?? { body: {} });
    expect(seen).toContain("1: class Shop");
    expect(seen).toContain("1: fn sell()");
  });

  it.skipIf(missing !== undefined)(
    "installed in a clean prefix it does the main job of the demo",
    { timeout: 60_000 },
    () => {
      const { stdout, stderr, status } = installed("demo", "--json");
      const result = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "{}") as Record<string, unknown>;
      expect({ status, ...result }, stderr).toMatchObject({
        status: "success",
        model: "script",
        tests_after: { failed: 0 },
      });
      expect(status).toBe(0);
    },
  );

  it.skipIf(old === undefined)("under an older Node it says in one line what to do, and ends with 1", () => {
    cpSync(place("prefix/node_modules/codecrucible"), place("alone"), { recursive: true });
    const { stdout, stderr, status } = spawnSync(old ?? "", [place("alone/bin/crucible.mjs"), "--version"], {
      env: env("/nowhere"),
      encoding: "utf8",
    });
    expect([stdout, status]).toEqual(["", 1]);
    expect(stderr).toMatch(
      /^crucible needs Node 24 or newer; this is [\d.]+\. Install it \(.+\) and run crucible again\n$/,
    );
  });
});
