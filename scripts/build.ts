/** Makes dist/: the bundled program and the demo's shop. The launcher in bin/ prefers it over the sources. */
import { chmodSync, cpSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const dist = resolve(root, "dist");

rmSync(dist, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { main: "src/main.ts" },
  outdir: dist,
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  splitting: true,
  minify: true,
  legalComments: "linked",
  mainFields: ["module", "main"],
  // Finds its binary beside its own files.
  external: ["@vscode/ripgrep"],
  banner: { js: 'import{createRequire as __crucibleRequire}from"node:module";const require=__crucibleRequire(import.meta.url);' },
});
cpSync(resolve(root, "demo/shop"), resolve(dist, "shop"), { recursive: true });
chmodSync(resolve(root, "bin/crucible.mjs"), 0o755);
