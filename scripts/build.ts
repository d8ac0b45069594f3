/** Makes dist/: a tiny entry, the program in parts that are read when they are needed, and the demo's shop. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, rmSync } from "node:fs";
import { basename, resolve } from "node:path";
import { type CodeSplittingGroup, type Plugin, rolldown } from "rolldown";
import { LANGUAGES } from "../src/base/languages.ts";
import { grammarFile, runtimeFile } from "../src/grammars.ts";
import { schemaOf } from "../src/guard/declare.ts";
import { tools } from "../src/parts.ts";

const root = resolve(import.meta.dirname, "..");
const dist = resolve(root, "dist");

/**
 * Takes Node's own modules by `process.getBuiltinModule`: an ESM import of one touches its every export and
 * costs up to 25 ms at start. The heavy ones are only loaded by the first call of one of their functions.
 */
const leanBuiltins: Plugin = {
  name: "lean-builtins",
  transform: {
    filter: { id: /\/(?:src|demo)\/.*\.ts$/ },
    handler: (code: string) => code.replace(/^import \{([^}]*)\} from "(node:[^"]+)";/gm, lean),
  },
};

/** Modules that take milliseconds to load and of which we import nothing but functions. */
const HEAVY = [
  "node:child_process",
  "node:crypto",
  "node:dns/promises",
  "node:fs/promises",
  "node:readline",
  "node:readline/promises",
];

function lean(_: string, names: string, module: string): string {
  const values = names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !name.startsWith("type "));
  const from = `process.getBuiltinModule("${module}")`;
  if (!HEAVY.includes(module)) return `const { ${values.join(", ").replaceAll(" as ", ": ")} } = ${from};`;
  return values.map((name) => `const ${name} = (...given: any) => ${from}.${name}(...given);`).join(" ");
}

rmSync(dist, { recursive: true, force: true });
// What a prompt runs through lies in one file: a hundred small ones cost a third of the start.
await bundle({ main: "src/main.ts" }, [{ name: "session", test: /\/src\/(?:program|live|cli\/ask)\.ts$/ }]);
// Apart from the program: who takes the council or starts a worker loads nothing else of it.
await bundle({
  worker: "src/workers/worker.ts",
  council: "src/council/index.ts",
  "embedded-child": "src/models/embedded/child.ts",
});
declareCouncil();
for (const file of [runtimeFile(), ...(["bash", ...LANGUAGES] as const).map(grammarFile)])
  cpSync(file, resolve(dist, basename(file)));
cpSync(resolve(root, "demo/shop"), resolve(dist, "shop"), { recursive: true });
chmodSync(resolve(root, "bin/crucible.mjs"), 0o755);

/** The types of `codecrucible/council`, for programs that use the engine alone. */
function declareCouncil(): void {
  const given =
    "--ignoreConfig --declaration --emitDeclarationOnly --allowImportingTsExtensions --skipLibCheck --strict";
  const form = "--exactOptionalPropertyTypes --noUncheckedIndexedAccess --module nodenext --target es2024 --types node";
  const places = ["--rootDir", "src", "--outDir", resolve(dist, "types")];
  const tsc = resolve(root, "node_modules/typescript/bin/tsc");
  const words = [tsc, "src/council/index.ts", ...`${given} ${form}`.split(" "), ...places];
  execFileSync(process.execPath, words, { cwd: root, stdio: "inherit" });
}

async function bundle(input: Record<string, string>, groups: CodeSplittingGroup[] = []): Promise<void> {
  const bundled = await rolldown({
    cwd: root,
    input,
    platform: "node",
    resolve: {
      mainFields: ["module", "main"],
      // Its form for Node asks for `process` by require, which an ESM bundle has not; this one is made of ES modules.
      alias: { yaml: resolve(root, "node_modules/yaml/browser/index.js") },
    },
    // The one finds its binary beside its own files, the other is installed by those who want it.
    external: ["@vscode/ripgrep", "node-llama-cpp"],
    transform: {
      target: "node24",
      define: { BUILT_SCHEMAS: JSON.stringify(Object.fromEntries(tools.map((tool) => [tool.name, schemaOf(tool)]))) },
    },
    plugins: [leanBuiltins],
    // What is loaded twice from one file is no fault, and the eval is that of the compiled tree-sitter.
    checks: { ineffectiveDynamicImport: false, eval: false },
  });
  await bundled.write({ dir: dist, format: "esm", minify: true, codeSplitting: { groups } });
}
