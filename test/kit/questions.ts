/** A grammar of questions about code: the same asked in other function words, and others that only look the same. */
import { seeded } from "./vectors.ts";

type Pick = <T>(from: readonly T[]) => T;

const NAMES = [
  "getUser",
  "parseConfig",
  "SessionStore",
  "retry_count",
  "MAX_SIZE",
  "foo()",
  "useEffect",
  "HttpClient.send",
  "tokenBucket",
  "onClose",
];
const PATHS = [
  "src/a.ts",
  "src/main.ts",
  "docs/setup.md",
  "lib/net/http.py",
  "./test/a.test.ts",
  "Cargo.toml",
  "../shared/x.go",
  "/etc/hosts",
];
const FLAGS = [
  "--max-cost",
  "--max-heads",
  "--force",
  "--no-cache",
  "-v",
  "-V",
  "--dry-run",
  "--verbose",
  "-x",
  "--all",
];
const NUMBERS = ["5", "50", "1,000", "1000", "0.5", "3", "-1", "404", "8080", "0x1f", "1e6"];
const UNITS = ["ms", "s", "MB", "mb", "GB", "KiB", "minutes", "hours", "%", "px"];
const VERSIONS = ["1.2.3", "1.2.4", "v2", "v3", "^4.0.0", "~4.0.0", "20.1", "3.12", "1.2.3-beta.1"];
const QUOTES = [
  '"connection reset"',
  '"connection refused"',
  "`npm test`",
  "`npm  test`",
  "'EPIPE'",
  "'epipe'",
  '"not found"',
  '"found"',
];
const NOUNS = [
  "cache",
  "router",
  "parser",
  "scheduler",
  "login handler",
  "queue",
  "retry loop",
  "build",
  "migration",
  "journal",
];
const LANGUAGES = [
  "Python",
  "Go",
  "Rust",
  "TypeScript",
  "Java",
  "JavaScript",
  "Ruby",
  "C",
  "C++",
  "C#",
  "German",
  "French",
];
const OPPOSITES = [
  ["enable", "disable"],
  ["on", "off"],
  ["before", "after"],
  ["open", "close"],
  ["start", "stop"],
  ["add", "remove"],
  ["increase", "decrease"],
  ["encode", "decode"],
  ["allow", "deny"],
  ["lock", "unlock"],
  ["maximum", "minimum"],
  ["first", "last"],
  ["always", "never"],
  ["inside", "outside"],
  ["upgrade", "downgrade"],
  ["push", "pull"],
  ["with", "without"],
  ["ascending", "descending"],
] as const;

/** A question with one place left open, and what may stand there; values of one slot all mean different things. */
interface Template {
  readonly kind: string;
  readonly text: (value: string, other: { noun: string; name: string; path: string }) => string;
  readonly values: readonly string[];
}

const TEMPLATES: readonly Template[] = [
  { kind: "identifier", values: NAMES, text: (v) => `what does ${v} do` },
  { kind: "identifier", values: NAMES, text: (v, { path }) => `explain how ${v} in ${path} works` },
  { kind: "identifier", values: NAMES, text: (v, { noun }) => `where is ${v} used in the ${noun}` },
  { kind: "path", values: PATHS, text: (v) => `describe ${v}` },
  { kind: "path", values: PATHS, text: (v, { name }) => `why does ${name} import ${v}` },
  { kind: "path", values: PATHS, text: (v, { noun }) => `how is the ${noun} in ${v} tested` },
  { kind: "flag", values: FLAGS, text: (v) => `what does ${v} do` },
  { kind: "flag", values: FLAGS, text: (v, { noun }) => `how do I run the ${noun} with ${v}` },
  { kind: "number", values: NUMBERS, text: (v, { noun }) => `why does the ${noun} wait ${v} times` },
  { kind: "number", values: NUMBERS, text: (v, { name }) => `show all callers of ${name} that pass ${v}` },
  { kind: "unit", values: UNITS, text: (v, { noun }) => `is a limit of 5 ${v} for the ${noun} enough` },
  { kind: "unit", values: UNITS, text: (v, { noun }) => `what happens to the ${noun} after 10${v}` },
  { kind: "version", values: VERSIONS, text: (v, { noun }) => `how does the ${noun} work in version ${v}` },
  { kind: "version", values: VERSIONS, text: (v) => `what changed in ${v}` },
  { kind: "quoted", values: QUOTES, text: (v, { noun }) => `why does the ${noun} say ${v}` },
  { kind: "quoted", values: QUOTES, text: (v) => `what is the cause of ${v}` },
  { kind: "language", values: LANGUAGES, text: (v, { noun }) => `how do I write a ${noun} in ${v}` },
  { kind: "language", values: LANGUAGES, text: (v, { name }) => `explain ${name} in ${v}` },
  ...OPPOSITES.map(
    (pair): Template => ({
      kind: "antonym",
      values: pair,
      text: (v, { noun, name }) => `how does ${name} ${v} the ${noun}`,
    }),
  ),
  ...OPPOSITES.map(
    (pair): Template => ({
      kind: "antonym",
      values: pair,
      text: (v, { noun }) => `what is the ${v} value of the ${noun}`,
    }),
  ),
];

/** Two texts of one grammar that mean different things. */
export interface Adversary {
  readonly kind: string;
  readonly a: string;
  readonly b: string;
}

const SWAPS: readonly ((a: string, b: string) => string)[] = [
  (a, b) => `how do I copy ${a} to ${b}`,
  (a, b) => `does ${a} depend on ${b}`,
  (a, b) => `why is ${a} faster than ${b}`,
  (a, b) => `explain how to convert ${a} into ${b}`,
  (a, b) => `what happens if ${a} calls ${b}`,
  (a, b) => `rename ${a} to ${b}`,
  (a, b) => `which of ${a} and ${b} runs the other, ${a}`,
];

/** How to turn a question round by a negation; the grammar's questions have one of these verbs. */
const NEGATED: readonly (readonly [RegExp, string])[] = [
  [/^(what|why|how|when) does (\S+|the \w+(?: \w+)?) (?=\w)/, "$1 does $2 not "],
  [/^what is /, "what is not "],
  [/^(explain|describe) /, "do not $1 "],
  [/^is (.*?)$/, "isn't $1"],
  [/ with /, " without "],
  [/ in /, " not in "],
  [/^show all callers of (\S+) that pass /, "show all callers of $1 that never pass "],
  [/^where is /, "where is no "],
  [/^how do I /, "how do I not "],
  [/^what happens /, "what never happens "],
];

/** The same question in other function words: what the rule must know to be the same. */
const SAME: readonly ((q: string) => string | undefined)[] = [
  (q) => (/^(?:what|why|how|where|is|when|does)\b/.test(q) ? `${q}?` : `${q}.`),
  (q) => `${q.charAt(0).toUpperCase()}${q.slice(1)}`,
  (q) => (/^(?:explain|describe|show)/.test(q) ? `please ${q}` : undefined),
  (q) => (/^(?:explain|describe|show)/.test(q) ? `can you ${q}?` : undefined),
  (q) => (/^(?:explain|describe|show)/.test(q) ? `Could you please ${q}?` : undefined),
  (q) => (/^(?:explain|describe)/.test(q) ? `${q} to me` : undefined),
  (q) => (/^show /.test(q) ? q.replace("show ", "show me ") : undefined),
  (q) => `${q}, please`,
  (q) => (/ the /.test(q) ? q.replace(" the ", " ") : undefined),
  (q) => (/^what does (?!the )/.test(q) ? q.replace("what does ", "what does the ") : undefined),
  (q) => (/^how does (?!the )/.test(q) ? q.replace("how does ", "how does the ") : undefined),
  (q) => (/^what is the /.test(q) ? q.replace("what is", "what's") : undefined),
  (q) => (/^how do I /.test(q) ? q.replace("how do I", "how can I") : undefined),
  (q) => (/^how do I /.test(q) ? q.replace("how do I", "how to") : undefined),
  (q) => (/^(?:explain|describe) /.test(q) ? `I'd like you to ${q}` : undefined),
  (q) => `Hi, ${q}`,
];

export interface Grammar {
  /** A question of the grammar. */
  question(): string;
  /** The same question in other function words; `steps` of them. */
  same(question: string, steps: number): string;
  /** Two questions that differ in one place that matters, each in its own function words. */
  adversary(): Adversary;
}

export function questionGrammar(seed: number): Grammar {
  const random = seeded(seed);
  const pick: Pick = (from) => from[Math.floor(random() * from.length)] as (typeof from)[number];
  const fill = (template: Template, value: string, other: { noun: string; name: string; path: string }) =>
    template.text(value, other);
  const others = () => ({ noun: pick(NOUNS), name: pick(NAMES), path: pick(PATHS) });
  const question = () => {
    const template = pick(TEMPLATES);
    return fill(template, pick(template.values), others());
  };
  const same = (asked: string, steps: number): string => {
    let text = asked;
    for (let step = 0; step < steps; step++) {
      // Only one rule on the bare question: rules are written for it.
      const next = pick(SAME)(asked);
      if (next !== undefined) text = next;
    }
    return text;
  };
  const twoOf = <T>(from: readonly T[]): [T, T] => {
    const first = pick(from);
    let second = pick(from);
    while (second === first) second = pick(from);
    return [first, second];
  };
  const raw = (): Adversary => {
    const roll = random();
    if (roll < 0.15) {
      const [a, b] = twoOf([...NAMES, ...PATHS, "a", "b", "x", "the cache", "the journal"]);
      const swap = pick(SWAPS);
      return { kind: "swap", a: swap(a, b), b: swap(b, a) };
    }
    if (roll < 0.3) {
      const asked = question();
      const fitting = NEGATED.filter(([pattern]) => pattern.test(asked));
      if (fitting.length === 0) return raw();
      const [pattern, by] = pick(fitting);
      return { kind: "negation", a: asked, b: asked.replace(pattern, by) };
    }
    if (roll < 0.36) {
      const name = pick(NAMES);
      const other =
        random() < 0.5
          ? name.toLowerCase()
          : `${name.charAt(0) === name.charAt(0).toUpperCase() ? name.charAt(0).toLowerCase() : name.charAt(0).toUpperCase()}${name.slice(1)}`;
      if (other === name) return raw();
      const template = pick(TEMPLATES.filter(({ kind }) => kind === "identifier"));
      const rest = others();
      return { kind: "case", a: fill(template, name, rest), b: fill(template, other, rest) };
    }
    const template = pick(TEMPLATES);
    const [a, b] = twoOf(template.values);
    const rest = others();
    return { kind: template.kind, a: fill(template, a, rest), b: fill(template, b, rest) };
  };
  const adversary = (): Adversary => {
    const { kind, a, b } = raw();
    return { kind, a: same(a, Math.floor(random() * 3)), b: same(b, Math.floor(random() * 3)) };
  };
  return { question, same, adversary };
}
