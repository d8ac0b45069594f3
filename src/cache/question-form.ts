/** A plain English question without what means nothing: politeness, articles, the ways to write "is" and "does". */
import { type Token, tokensOf } from "./question-tokens.ts";
import { ABOUT_WORDS, ASKING, AUXILIARY, ENGLISH, FOLDED, FOREIGN, MARKED, NO_NOUN, TELLING, UNITS } from "./words.ts";

/** True when the words are English ones: only of them is known which mean nothing. */
export function isEnglish(tokens: readonly Token[]): boolean {
  const words = tokens.filter(({ kind }) => !["quoted", "path", "flag"].includes(kind)).map(({ text }) => lower(text));
  return (
    words.some((word) => ENGLISH.has(word)) && !words.some((word) => FOREIGN.has(word) || /[^\p{ASCII}’…]/u.test(word))
  );
}

/** The tokens in their common form; two English questions with the same form ask the same. */
export function formOf(text: string): Token[] {
  const tokens = folded(tokensOf(text));
  const opened = withoutOpening(tokens);
  if (tokens.some(isMaterial)) return opened;
  const asked = withoutMark(opened, opened.length < tokens.length);
  if (tokens.some((token) => ABOUT_WORDS.has(lower(token.text)))) return asked;
  const framed = frame(placeLast(spelledOut(withoutClosing(asked))));
  return withArticles(framed.map((token) => (isOne(token, "are") || isOne(token, "is") ? word("be") : token)));
}

/** Code, patterns, commands, and what follows a colon or a line end: nothing of it is a mere function word. */
function isMaterial({ kind, text }: Token): boolean {
  if (kind === "mark") return text === ":" || text.trim() === "";
  const named = kind === "identifier" || kind === "path";
  return (
    MARKED.has(lower(text)) || (named && !/^[_$#@.:+~/\\-]*[\p{L}\p{N}][\p{L}\p{N}_$#@.:+~/\\-]*(?:\(\))?$/u.test(text))
  );
}

const lower = (text: string): string => text.toLowerCase().replaceAll("’", "'");
const word = (text: string): Token => ({ kind: "word", text });
/** The token is this very word, in small letters. */
const isOne = (token: Token | undefined, text: string): boolean => token?.kind !== "quoted" && token?.text === text;
const isIn = (token: Token | undefined, words: ReadonlySet<string>): boolean =>
  token !== undefined && token.kind !== "quoted" && words.has(token.text);
const isMark = (token: Token | undefined, text: string): boolean => token?.kind === "mark" && token.text === text;
const begins = (tokens: readonly Token[], ...words: readonly string[]): boolean =>
  words.every((text, at) => isOne(tokens[at], text));

/** The first word small, where its capital says nothing. `List` and its like may be names: only before an article. */
function folded(tokens: readonly Token[]): Token[] {
  const [first, second, ...rest] = tokens;
  if (!first) return [];
  const small = lower(first.text);
  const plain =
    FOLDED.has(small) || (TELLING.has(small) && /^(?:the|all|every|each|me|a|an)$/.test(second?.text ?? ""));
  const one = plain && /^\p{Lu}?[^\p{Lu}]*$/u.test(first.text) ? { ...first, text: small } : first;
  return second ? [one, second, ...rest] : [one];
}

/** Verbs whose `n't` is written apart; `won't` and `can't` besides. */
const APART = /^(is|are|was|were|do|does|did|has|have|had|would|could|should|must|might)n't$/;
const IRREGULAR: Readonly<Record<string, string>> = { "can't": "can", cannot: "can", "won't": "will" };

function spelledOut(tokens: readonly Token[]): Token[] {
  return tokens.flatMap((token, at) => {
    if (token.kind !== "word" && token.kind !== "negation") return [token];
    const text = token.text.replaceAll("’", "'");
    const verb = APART.exec(text)?.[1] ?? IRREGULAR[text];
    if (verb) return tokensOf(`${verb} not`);
    // `'s` is also "has": only before what follows "is".
    const asks = /^(what|where|who|how)'s$/.exec(text)?.[1];
    const next = tokens[at + 1];
    const follows = /^(?:the|a|an|this|that|my|our|your)$/.test(next?.text ?? "") || next?.kind === "identifier";
    return asks && follows ? tokensOf(`${asks} is`) : [token];
  });
}

/** Without "please", "can you (please)", "I'd like you to", "hello," before something that asks to be told. */
function withoutOpening(tokens: readonly Token[]): Token[] {
  let rest = [...tokens];
  if (/^(?:hi|hello|hey)$/.test(rest[0]?.text ?? "") && isMark(rest[1], ",")) rest = rest.slice(2);
  const frames = [
    ["i", "want", "you", "to"],
    ["i'd", "like", "you", "to"],
    ["i", "would", "like", "you", "to"],
    ["i", "need", "you", "to"],
  ];
  const modals = ["can", "could", "would", "will"].map((modal) => [modal, "you"]);
  for (const frame of [...frames, ...modals]) {
    if (!begins(rest, ...frame)) continue;
    const after = rest.slice(frame.length);
    const said = after.filter((token, at) => !(at === 0 && (isOne(token, "please") || isOne(token, "kindly"))));
    if (isIn(said[0], TELLING)) rest = said;
  }
  if ((isOne(rest[0], "please") || isOne(rest[0], "kindly")) && rest.length > 2)
    rest = rest.slice(isMark(rest[1], ",") ? 2 : 1);
  return begins(rest, "tell", "me") && isIn(rest[2], ASKING) ? rest.slice(2) : rest;
}

/** A word after which "please" or "for me" may belong to the sentence. */
const OPEN =
  /^(?:and|or|with|of|than|versus|vs|between|to|from|for|after|before|in|on|as|is|are|by|like|about|the|a|an)$/;

/** Without the full stop; without the question mark of what is a question or a polite wish (`asked`). */
function withoutMark(tokens: readonly Token[], asked: boolean): Token[] {
  const first = isOne(tokens[0], "in") && isMark(tokens[2], ",") ? tokens[3] : tokens[0];
  const opener = lower(first?.text ?? "").replace(/(?:'s|n't)$/, "");
  const asks = asked || ASKING.has(opener) || AUXILIARY.has(opener);
  const closes = isMark(tokens.at(-1), ".") || (asks && isMark(tokens.at(-1), "?"));
  const ended = /[\p{L}\p{N}"'`)]$/u.test(tokens.at(-2)?.text ?? "");
  return closes && ended && tokens.length > 2 ? tokens.slice(0, -1) : [...tokens];
}

/** Without "please", "thanks", and "to me" after what is to be told. */
function withoutClosing(tokens: readonly Token[]): Token[] {
  let rest = [...tokens];
  const thanks = isOne(rest.at(-1), "thanks") ? 1 : isOne(rest.at(-2), "thank") && isOne(rest.at(-1), "you") ? 2 : 0;
  const before = rest.at(-1 - thanks);
  if (thanks > 0 && before?.kind === "mark" && /^[,.?]$/.test(before.text))
    rest = withoutMark(rest.slice(0, isMark(before, ",") ? -1 - thanks : -thanks), false);
  if (isOne(rest.at(-1), "please") && rest.length > 2) {
    if (isMark(rest.at(-2), ",")) rest = rest.slice(0, -2);
    else if (!OPEN.test(rest.at(-2)?.text ?? "") && rest.at(-2)?.kind !== "mark") rest = rest.slice(0, -1);
  }
  const toMe = isOne(rest.at(-1), "me") && (isOne(rest.at(-2), "to") || isOne(rest.at(-2), "for"));
  // Short, so that "to me" cannot belong to a verb within ("explain what that means to me").
  const told =
    /^(?:explain|describe|summari[sz]e|outline)$/.test(rest[0]?.text ?? "") && rest.length > 3 && rest.length < 8;
  const verbal = (token: Token) =>
    isIn(token, ASKING) || (token.kind === "word" && /^that$|(?:ed|en|n[st]|wn)$/.test(token.text));
  return toMe && told && !rest.slice(1, -2).some(verbal) ? rest.slice(0, -2) : rest;
}

/** "In a.ts, what …" asks what "what … in a.ts" asks. */
function placeLast(tokens: readonly Token[]): Token[] {
  const [first, place, comma, ...rest] = tokens;
  const fronted = first && place && isOne(first, "in") && (place.kind === "path" || place.kind === "quoted");
  const asks = [ASKING, AUXILIARY, TELLING].some((words) => isIn(rest[0], words));
  return fronted && isMark(comma, ",") && asks ? [...rest, first, place] : [...tokens];
}

/** One way to ask how to do something, one "do" after a question word, no "me" after "show". */
function frame(tokens: readonly Token[]): readonly Token[] {
  const [first, second, third, ...rest] = tokens;
  if (!first || !second) return tokens;
  if (isOne(first, "how") && isOne(second, "to") && third) return [word("how to"), third, ...rest];
  if (
    isOne(first, "how") &&
    /^(?:do|can)$/.test(second.text) &&
    third &&
    /^(?:i|I|we|one)$/.test(third.text) &&
    rest.length > 0
  )
    return [word("how to"), ...rest];
  if (isIn(first, ASKING) && isOne(second, "does")) return [first, word("do"), ...tokens.slice(2)];
  if (/^(?:show|give|list|find)$/.test(first.text) && isOne(second, "me") && third) return [first, third, ...rest];
  return tokens;
}

/** Takes articles away and notes them at the thing they stand before. A lone letter may be a name: then none is taken. */
function withArticles(tokens: readonly Token[]): Token[] {
  if (tokens.some(({ text }) => /^[b-hj-z]$/i.test(text))) return [...tokens];
  const out: Token[] = [];
  let article: "a" | "the" | undefined;
  for (const [at, token] of tokens.entries()) {
    const noted = isOne(token, "the") ? "the" : isOne(token, "a") || isOne(token, "an") ? "a" : undefined;
    if (noted && !article && isThing(noted, tokens[at + 1])) article = noted;
    else {
      out.push(article ? { ...token, article } : token);
      article = undefined;
    }
  }
  return out;
}

/** True for what `article` may stand before and add no more sense than that: "a second" is not "second". */
function isThing(article: "a" | "the", token: Token | undefined): boolean {
  if (!token || token.text.length < 2 || token.kind === "mark" || token.kind === "negation") return false;
  const counts = token.kind === "number" || UNITS.has(token.text);
  return !isIn(token, NO_NOUN) && !(counts && article === "a");
}
