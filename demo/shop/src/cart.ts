/** A shopping cart: prices are whole cents. */
export interface Line {
  readonly name: string;
  readonly cents: number;
  readonly count: number;
}

export function subtotal(lines: readonly Line[]): number {
  return lines.reduce((sum, line) => sum + line.cents * line.count, 0);
}

/** Ten percent off from 100.00 on; never a fraction of a cent. */
export function discount(cents: number): number {
  return cents > 10_000 ? Math.floor(cents / 10) : 0;
}

export function total(lines: readonly Line[]): number {
  const sum = subtotal(lines);
  return sum - discount(sum);
}
