/** Makes dist/: a tiny entry, the program in one file whose modules wake when they are needed, and the demo's shop. */
import { chmodSync, cpSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const dist = resolve(root, "dist");

/**
 * Takes Node's own modules by `process.getBuiltinModule`: an ESM import of `node:http` or `node:crypto`
 * touches every export and costs up to 25 ms at start.
 */
const leanBuiltins: Plugin = {
  name: "lean-builtins",
  setup(builder) {
    builder.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "require-call" ? undefined : { path, namespace: "builtin" },
    );
    builder.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
      loader: "js",
    }));
  },
};

/** The entry answers `--version`; everything else is a second file that it imports. */
const programApart: Plugin = {
  name: "program-apart",
  setup(builder) {
    builder.onResolve({ filter: /^\.\/program\.ts$/ }, () => ({ path: "./program.js", external: true }));
  },
};

const common: BuildOptions = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  minify: true,
  legalComments: "linked",
  mainFields: ["module", "main"],
  // Finds its binary beside its own files.
  external: ["@vscode/ripgrep"],
};

rmSync(dist, { recursive: true, force: true });
await build({ ...common, entryPoints: { main: "src/main.ts" }, plugins: [programApart] });
await build({
  ...common,
  entryPoints: { program: "src/program.ts" },
  plugins: [leanBuiltins],
  banner: {
    js: 'import{createRequire as __crucibleRequire}from"node:module";const require=__crucibleRequire(import.meta.url);',
  },
});
cpSync(resolve(root, "demo/shop"), resolve(dist, "shop"), { recursive: true });
chmodSync(resolve(root, "bin/crucible.mjs"), 0o755);
