/** Assembles src/cache/semantic-kernel.wat into src/cache/semantic-code.ts (base64); `--check` compares only. */
import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const SOURCE = "src/cache/semantic-kernel.wat";
const TARGET = "src/cache/semantic-code.ts";

const features = { simd: true, threads: true };
const { parseWat } = await wabt();
const parsed = parseWat(SOURCE, readFileSync(SOURCE, "utf8"), features);
// Its types forget the argument; without it shared memory is refused.
Reflect.apply(parsed.validate, parsed, [features]);
const { buffer } = parsed.toBinary({ write_debug_names: false });
const text = `/** The machine code of the semantic index, base64. Written by scripts/wasm.ts from semantic-kernel.wat. */
export const semanticCode =
  "${Buffer.from(buffer).toString("base64")}";
`;
if (!process.argv.includes("--check")) writeFileSync(TARGET, text);
else if (readFileSync(TARGET, "utf8") !== text) {
  console.error(`${TARGET} differs from ${SOURCE}; run: node scripts/wasm.ts`);
  process.exitCode = 1;
}
