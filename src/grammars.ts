/** Finds the parsers' WebAssembly: beside the built program, or in the packages. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Language } from "./base/languages.ts";

export const runtimeFile = (): string => wasmFile("web-tree-sitter.wasm", "web-tree-sitter/web-tree-sitter.wasm");

export const grammarFile = (grammar: Language | "bash"): string =>
  wasmFile(`tree-sitter-${grammar}.wasm`, `@vscode/tree-sitter-wasm/wasm/tree-sitter-${grammar}.wasm`);

/** The parser and a grammar in memory that workers share; each file is read once. */
export function grammarsInMemory(): (language: Language) => { runtime: Uint8Array; grammar: Uint8Array } {
  const known = new Map<string, Uint8Array>();
  const bytes = (file: string) => {
    const found = known.get(file) ?? shared(readFileSync(file));
    known.set(file, found);
    return found;
  };
  return (language) => ({ runtime: bytes(runtimeFile()), grammar: bytes(grammarFile(language)) });
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function wasmFile(name: string, packaged: string): string {
  const beside = fileURLToPath(new URL(`./${name}`, import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(import.meta.resolve(packaged));
}
