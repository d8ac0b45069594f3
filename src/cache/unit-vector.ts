/** What an embedding becomes in the index: a unit vector's signs, its bytes and the words of a question. */
import { CrucibleError } from "../base/error.ts";

export type Vector = ArrayLike<number>;

/** The length (L2) of a vector that may enter the index. Throws `bad-input` for any other. */
export function lengthOf(vector: Vector, dimension: number): number {
  if (vector.length !== dimension)
    throw refused(`it has ${vector.length} numbers, the index holds vectors of ${dimension}`);
  let squares = 0;
  for (let at = 0; at < dimension; at++) {
    const value = vector[at] ?? Number.NaN;
    squares += value * value;
  }
  if (!Number.isFinite(squares)) throw refused("a number in it is missing, not a number or too large");
  // Smaller squares have lost their digits.
  if (squares < 1e-60) throw refused("it is zero");
  return Math.sqrt(squares);
}

function refused(why: string): CrucibleError {
  return new CrucibleError("bad-input", `the semantic index refuses an embedding: ${why}`, {
    hint: "embed the text again with the model that filled this index, or clear the cache",
  });
}

/** One bit for each number, 1 for those above zero; the first number is the lowest bit of the first byte. */
export function writeSigns(vector: Vector, into: Uint8Array): void {
  for (let byte = 0, at = 0; byte < into.length; byte++) {
    let bits = 0;
    for (let bit = 0; bit < 8 && at < vector.length; bit++, at++) if ((vector[at] ?? 0) > 0) bits |= 1 << bit;
    into[byte] = bits;
  }
}

/**
 * The vector scaled so that its largest number becomes `most`, rounded; the rest of `into` stays 0.
 * Gives the length (L2) of what was written: cosines are taken between written vectors.
 */
export function writeRounded(vector: Vector, into: Int8Array | Int16Array, most: number): number {
  let largest = 0;
  for (let at = 0; at < vector.length; at++) largest = Math.max(largest, Math.abs(vector[at] ?? 0));
  const scale = most / largest;
  let squares = 0;
  for (let at = 0; at < vector.length; at++) {
    const value = (vector[at] ?? 0) * scale;
    const rounded = (value < 0 ? value - 0.5 : value + 0.5) | 0;
    into[at] = rounded;
    squares += rounded * rounded;
  }
  return Math.sqrt(squares);
}
