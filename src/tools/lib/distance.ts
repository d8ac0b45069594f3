/** Edit distance that gives up early. */

/** Levenshtein distance of `a` and `b`, or `limit + 1` as soon as it must be greater than `limit`. */
export function boundedDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  const far = limit + 1;
  let previous = new Uint32Array(b.length + 1).map((_, index) => Math.min(index, far));
  let row = new Uint32Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) {
    const from = Math.max(1, i - limit);
    const to = Math.min(b.length, i + limit);
    row.fill(far);
    if (from === 1) row[0] = Math.min(i, far);
    let best = row[0] ?? far;
    for (let j = from; j <= to; j++) {
      const change = (previous[j - 1] ?? far) + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      const cell = Math.min(change, (previous[j] ?? far) + 1, (row[j - 1] ?? far) + 1);
      row[j] = cell;
      if (cell < best) best = cell;
    }
    if (best > limit) return far;
    [previous, row] = [row, previous];
  }
  return Math.min(previous[b.length] ?? far, far);
}
