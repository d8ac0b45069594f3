/** Shapes of secrets with fixed anchors: what is redacted and what is asked about before it is written. */

export interface SecretSpan {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

const SHAPES: readonly (readonly [string, RegExp])[] = [
  [
    "private-key",
    /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----|$)/g,
  ],
  ["aws-key-id", /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/g],
  ["github-token", /\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{50,})\b/g],
  ["gitlab-token", /\bglpat-[\w-]{20,}/g],
  ["slack-token", /\bxox[abeoprs]-[A-Za-z0-9-]{20,}/g],
  ["stripe-key", /\b[srp]k_(?:live|test)_[A-Za-z0-9]{20,}\b/g],
  ["openai-key", /\bsk-(?:proj-|ant-[a-z0-9]+-|svcacct-)?[A-Za-z0-9_-]{32,}/g],
  ["google-key", /\bAIza[\w-]{35}\b/g],
  ["npm-token", /\bnpm_[A-Za-z0-9]{36}\b/g],
  ["jwt", /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/g],
  ["bearer", /\b(?:authorization\s*[:=]\s*["']?)?bearer\s+[\w.~+/-]{20,}=*/gi],
  ["url-password", /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:[^\s/@]{6,}@/gi],
  [
    "assigned-secret",
    /\b[\w-]*(?:secret[_-]?(?:access[_-]?)?key|api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret|private[_-]?token)\b["']?\s*[:=]\s*["']?(?=[\w+/.~=-]*\d)(?=[\w+/.~=-]*[A-Za-z])[\w+/.~=-]{20,}/gi,
  ],
];

/** Every secret-shaped span in `text`, in order, overlaps merged. */
export function findSecrets(text: string): readonly SecretSpan[] {
  const spans: SecretSpan[] = [];
  for (const [kind, shape] of SHAPES) {
    for (const match of text.matchAll(shape))
      spans.push({ kind, start: match.index, end: match.index + match[0].length });
  }
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  return spans.reduce<SecretSpan[]>((merged, span) => {
    const last = merged.at(-1);
    if (!last || span.start >= last.end) merged.push(span);
    else if (span.end > last.end) merged[merged.length - 1] = { ...last, end: span.end };
    return merged;
  }, []);
}
