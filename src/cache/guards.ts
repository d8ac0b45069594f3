/** Whether two questions ask the same thing, by their words alone: what is not surely the same is not the same. */
import { hidesText } from "../base/invisible.ts";
import type { QuestionDifference } from "../core/cache.ts";
import { formOf, isEnglish } from "./question-form.ts";
import { type Token, type TokenKind, tokensOf } from "./question-tokens.ts";
import { ASKING, TELLING } from "./words.ts";

/** Longer questions are only the same when every character is. */
const LONGEST = 2_000;

/** Which difference is named when there are several: the gravest. */
const NAMED: readonly (readonly [TokenKind, QuestionDifference])[] = [
  ["negation", "negation"],
  ["quoted", "quoted"],
  ["path", "path"],
  ["flag", "flag"],
  ["version", "version"],
  ["number", "number"],
  ["identifier", "identifier"],
  ["opposite", "opposite"],
];

/**
 * What keeps `a` from being the same question as `b`, or undefined when they are the same: the same tokens in the same
 * order, but for politeness, articles and the forms of "is" and "does". Symmetric. Not transitive: "a test" and "the test"
 * differ, and each is the same as "test".
 */
export function differenceOf(a: string, b: string): QuestionDifference | undefined {
  const [left, right] = [a.trim().normalize("NFC"), b.trim().normalize("NFC")];
  if (left === "" || right === "") return "unsure";
  if (left === right) return undefined;
  if (left.length > LONGEST || right.length > LONGEST) return "unsure";
  for (const text of [left, right]) if (hidesText(text) || !text.isWellFormed()) return "unsure";
  const english = [left, right].map((text) => isEnglish(tokensOf(text)));
  if (english[0] !== english[1]) return "language";
  // Of other languages it is not known which words mean nothing.
  return compareForms(formOf(left), formOf(right)) ?? (english[0] ? undefined : "unsure");
}

/** The word that says what is asked for: the class of a question whose evidence is kept together. */
export function intentOf(text: string): string {
  const [first] = formOf(text.trim().slice(0, LONGEST).normalize("NFC"));
  if (!first) return "other";
  return ASKING.has(first.text) || TELLING.has(first.text) || first.text === "how to" ? first.text : "other";
}

const sameToken = (a: Token, b: Token): boolean => a.kind === b.kind && a.text === b.text;

function compareForms(a: readonly Token[], b: readonly Token[]): QuestionDifference | undefined {
  const same = a.length === b.length && a.every((token, at) => sameToken(token, b[at] as Token));
  if (same) {
    const articles = a.every((token, at) => !token.article || !b[at]?.article || token.article === b[at].article);
    return articles ? undefined : "article";
  }
  const odd = [...without(a, b), ...without(b, a)];
  if (odd.length === 0) return "order";
  const named = NAMED.find(([kind]) => odd.some((token) => token.kind === kind));
  if (named) return named[1];
  return a[0] && b[0] && sameToken(a[0], b[0]) ? "words" : "intent";
}

/** The tokens of `a` that `b` lacks, each counted. */
function without(a: readonly Token[], b: readonly Token[]): Token[] {
  const left = [...b];
  return a.filter((token) => {
    const at = left.findIndex((other) => sameToken(token, other));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
