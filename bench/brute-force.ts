/** The exact nearest neighbour: every 32-bit vector compared, four numbers at a time. What an index is measured against. */
import wabt from "wabt";

const PAGE = 65_536;
/** Cosines of unit vectors at `rows` (each `width` times 32 bytes) with the one at 0; gives the best row, its cosine beside the head. */
const SOURCE = `(module
  (memory (export "memory") 1 65536)
  (func (export "best") (param $rows i32) (param $count i32) (param $width i32) (param $cosine i32) (result i32)
    (local $row i32) (local $best i32) (local $left i32) (local $at i32) (local $q i32)
    (local $a v128) (local $b v128) (local $sum f32) (local $most f32)
    (local.set $most (f32.const -2))
    (local.set $at (local.get $rows))
    (loop $next
      (local.set $a (v128.const f32x4 0 0 0 0)) (local.set $b (v128.const f32x4 0 0 0 0))
      (local.set $q (i32.const 0)) (local.set $left (local.get $width))
      (loop $more
        (local.set $a (f32x4.add (local.get $a) (f32x4.mul (v128.load (local.get $at)) (v128.load (local.get $q)))))
        (local.set $b (f32x4.add (local.get $b)
          (f32x4.mul (v128.load offset=16 (local.get $at)) (v128.load offset=16 (local.get $q)))))
        (local.set $at (i32.add (local.get $at) (i32.const 32))) (local.set $q (i32.add (local.get $q) (i32.const 32)))
        (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (local.set $a (f32x4.add (local.get $a) (local.get $b)))
      (local.set $sum (f32.add
        (f32.add (f32x4.extract_lane 0 (local.get $a)) (f32x4.extract_lane 1 (local.get $a)))
        (f32.add (f32x4.extract_lane 2 (local.get $a)) (f32x4.extract_lane 3 (local.get $a)))))
      (if (f32.gt (local.get $sum) (local.get $most))
        (then (local.set $most (local.get $sum)) (local.set $best (local.get $row))))
      (br_if $next (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 1))) (local.get $count))))
    (f32.store (local.get $cosine) (local.get $most))
    (local.get $best)))`;

/** The part of the WebAssembly API that is used. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly best: (rows: number, count: number, width: number, cosine: number) => number;
}

export interface Best {
  readonly place: number;
  readonly cosine: number;
}

/** `vectors` are unit vectors of a multiple of 8 numbers. */
export async function bruteForce(vectors: readonly Float32Array[]): Promise<(question: Float32Array) => Best> {
  const dimension = vectors[0]?.length ?? 0;
  const parsed = (await wabt()).parseWat("brute-force", SOURCE, { simd: true });
  const { buffer: code } = parsed.toBinary({});
  const { memory, best } = new WebAssembly.Instance(new WebAssembly.Module(code)).exports as Exports;
  const cosine = dimension * 4;
  const head = cosine + 32;
  memory.grow(Math.ceil((head + vectors.length * dimension * 4) / PAGE));
  for (const [row, vector] of vectors.entries())
    new Float32Array(memory.buffer, head + row * dimension * 4).set(vector);
  return (question) => {
    new Float32Array(memory.buffer).set(question);
    const place = best(head, vectors.length, dimension / 8, cosine);
    return { place, cosine: new Float32Array(memory.buffer, cosine, 1)[0] ?? -2 };
  };
}
