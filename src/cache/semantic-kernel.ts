/** The two loops of the semantic index as functions over one shared memory. */
import { CrucibleError } from "../base/error.ts";
import { semanticCode } from "./semantic-code.ts";

/** The part of the WebAssembly API that is used; the language's own library has no types for it. */
interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Memory: new (size: { initial: number; maximum: number; shared: true }) => WasmMemory;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

export const PAGE = 65_536;

/** Addresses are bytes in `memory`; `width` counts v128 (16 bytes). Contracts: semantic-kernel.wat. */
export interface SemanticKernel {
  readonly memory: WasmMemory;
  readonly scan: (
    codes: number,
    alive: number,
    first: number,
    count: number,
    width: number,
    query: number,
    best: number,
    keep: number,
  ) => void;
  readonly dot: (row: number, query: number, width: number) => number;
}

let compiled: object | undefined;

/**
 * A kernel with a memory of its own, in pages of 64 KiB. Compiled at the first call, once in the process.
 * Throws a fault when this Node cannot run SIMD WebAssembly or has no room for the memory.
 */
export function createSemanticKernel(pages: { initial: number; maximum: number }, code?: Uint8Array): SemanticKernel {
  try {
    compiled ??= new WebAssembly.Module(Buffer.from(semanticCode, "base64"));
    const module = code ? new WebAssembly.Module(code) : compiled;
    const memory = new WebAssembly.Memory({ ...pages, shared: true });
    const { exports } = new WebAssembly.Instance(module, { memory: { shared: memory } });
    return { memory, ...(exports as Pick<SemanticKernel, "scan" | "dot">) };
  } catch (cause) {
    throw new CrucibleError("internal", "the semantic index cannot run here: no SIMD WebAssembly or no memory for it", {
      hint: "switch the semantic cache off, or give it fewer bytes",
      cause,
    });
  }
}
