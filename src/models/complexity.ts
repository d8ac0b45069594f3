/** How hard a prompt looks, from its words and size alone: a prior, until outcomes are known. */

/** Base by kind of work; the first pattern that matches names the kind, the hardest kinds first. */
const KINDS: readonly (readonly [kind: string, base: number, words: RegExp])[] = [
  ["architecture", 0.9, /\b(architect(ure)?|system design|redesign)\b/i],
  ["security", 0.9, /\b(security|vulnerabilit(y|ies)|exploit|threat model|cve)\b/i],
  ["analysis", 0.8, /\b(analy[sz]e|analysis|audit|review|investigate|root cause|profile)\b/i],
  [
    "multi-file",
    0.7,
    /\b(refactor|migrate|rename .* everywhere|across (the )?(files|code ?base|repo(sitory)?)|port (it|this|the) )/i,
  ],
  ["debugging", 0.6, /\b(debug|fix|bug|crash(es|ed)?|fail(s|ing|ed)?|error|stack ?trace|regression)\b/i],
  ["boilerplate", 0.2, /\b(boilerplate|scaffold|skeleton|stub out)\b/i],
  ["template", 0.2, /\b(template|snippet)\b/i],
  ["format", 0.1, /\b(format|indent|reformat|prettier|sort (the )?imports|lint ?fix)\b/i],
  ["documentation", 0.4, /\b(document(ation)?|docstring|comment|readme|changelog|explain)\b/i],
  ["edit", 0.3, /\b(edit|change|replace|rename|add|remove|delete|insert|update|set)\b/i],
];
const UNKNOWN = 0.5;

/** Added when the prompt also has these marks. */
const MARKS: readonly (readonly [added: number, seen: (prompt: string) => boolean])[] = [
  [0.2, (prompt) => prompt.length > 1_000],
  [0.3, (prompt) => /\b(analy[sz]e|review)/i.test(prompt)],
  [0.4, (prompt) => /\b(secur(e|ity)|vulnerab)/i.test(prompt)],
  [0.3, (prompt) => /\b(architecture|design)\b/i.test(prompt)],
  [0.2, (prompt) => /\b(multiple|several)\b/i.test(prompt)],
];

/** Characters that are looked at: a pasted log must not cost time. */
const LOOKED_AT = 8_000;

export interface Complexity {
  readonly kind: string;
  /** 0 to 1. */
  readonly value: number;
  readonly band: "low" | "middle" | "high";
}

export function complexityOf(prompt: string): Complexity {
  const text = prompt.slice(0, LOOKED_AT);
  const [kind, base] = KINDS.find(([, , words]) => words.test(text)) ?? ["unknown", UNKNOWN];
  const added = MARKS.reduce((sum, [more, seen]) => (seen(text) ? sum + more : sum), 0);
  const value = Math.min(1, Math.round((base + added) * 100) / 100);
  return { kind, value, band: value < 0.3 ? "low" : value > 0.7 ? "high" : "middle" };
}
