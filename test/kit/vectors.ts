/** Embeddings made by a seed: clusters in few latent directions, as those of real models are, and questions near them. */

/** Numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Normally distributed numbers (sum of uniform ones is near enough). */
export function gaussian(random: () => number): () => number {
  return () => (random() + random() + random() + random() - 2) * Math.sqrt(3);
}

export function scaled(vector: Float32Array, length = 1): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const factor = length / Math.sqrt(squares);
  for (let at = 0; at < vector.length; at++) vector[at] = (vector[at] ?? 0) * factor;
  return vector;
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}

/** A unit vector whose cosine with the unit vector `of` is `cosine`; `towards` gives the other direction. */
export function atCosine(of: Float32Array, towards: Float32Array, cosine: number): Float32Array {
  const along = dot(of, towards);
  const across = scaled(towards.map((value, at) => value - along * (of[at] ?? 0)));
  const sine = Math.sqrt(1 - cosine * cosine);
  return of.map((value, at) => value * cosine + (across[at] ?? 0) * sine);
}

export interface Made {
  readonly dimension: number;
  readonly clusters: number;
  readonly latent: number;
  /** Length of a part that all vectors share, as a fraction of their own: 0 for none. */
  readonly common?: number;
  /** Numbers that are so many times larger than the others in every vector. */
  readonly outliers?: { readonly count: number; readonly times: number };
}

/** Makes unit vectors: cluster centres in a latent space, spread over all numbers, with a little of their own. */
export function vectorMaker(made: Made, seed: number): { next: () => Float32Array; stray: () => Float32Array } {
  const random = seeded(seed);
  const normal = gaussian(random);
  const draw = (length: number) => Float32Array.from({ length }, normal);
  const directions = Array.from({ length: made.latent }, () => draw(made.dimension));
  const mean = draw(made.dimension);
  const times = new Float32Array(made.dimension).fill(1);
  if (made.outliers)
    for (let n = 0; n < made.outliers.count; n++) times[(n * 97) % made.dimension] = made.outliers.times;
  const spread = (latent: Float32Array): Float32Array => {
    const vector = new Float32Array(made.dimension);
    for (const [index, direction] of directions.entries()) {
      const weight = latent[index] ?? 0;
      for (let at = 0; at < vector.length; at++) vector[at] = (vector[at] ?? 0) + weight * (direction[at] ?? 0);
    }
    scaled(vector);
    const shared = (made.common ?? 0) / Math.sqrt(made.dimension);
    for (let at = 0; at < vector.length; at++)
      vector[at] = ((vector[at] ?? 0) + shared * (mean[at] ?? 0)) * (times[at] ?? 1);
    return scaled(vector);
  };
  const centres = Array.from({ length: made.clusters }, () => draw(made.latent));
  const next = () => {
    const centre = centres[Math.floor(random() * centres.length)] ?? new Float32Array(made.latent);
    return spread(centre.map((value) => value + 0.7 * normal()));
  };
  return { next, stray: () => spread(draw(made.latent)) };
}
