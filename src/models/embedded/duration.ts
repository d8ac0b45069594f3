/** Times as people write them for servers: `30m`, `1.5h`, `90s`, `500ms`, `45` (seconds), `-1` = for ever. */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds; negative = for ever. */
export function durationMs(text: string): number {
  const [, number = "-1", unit = "s"] = /^(-?[\d.]+)(ms|s|m|h)?$/.exec(text) ?? [];
  return Number(number) * (UNITS[unit] ?? 1_000);
}
