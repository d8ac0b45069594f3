/** Names that say that their value is a secret: `API_TOKEN`, `"password"`, `AccountKey`, `x-api-key`. */

const OWNERS =
  "api|app|access|account|auth|private|encryption|signing|signature|shared|master|service|client|session|license|deploy|webhook|admin|hmac|aes|crypt|storage";
const SECRET_NAME = new RegExp(
  "(?:^|[._-])(?:" +
    [
      "[a-z0-9]{0,20}pass(?:word|wd|phrase|code)?",
      "[a-z]{0,10}pwd?",
      "[a-z]{0,10}pw",
      "[a-z0-9]{0,20}secret(?:[_-]?(?:access)?[_-]?key)?(?:_?base)?",
      "[a-z0-9]{0,20}token",
      `[a-z0-9]{0,20}(?:${OWNERS})[_-]?(?:key|secret|token|pass|pwd)`,
      "[a-z0-9]{0,30}_?private_?key",
      "_?auth",
      "[a-z0-9]{0,20}_?credentials?",
      "[a-z0-9]{0,20}authorization",
    ].join("|") +
    ")(?:_?value|_?string)?s?\\d?$",
  "i",
);
/** The last word of a name in words: `Secret access key: …`. */
const LAST_WORD = /^(?:key|token|code|phrase)$/i;
const WORDS_BEFORE = new RegExp(`\\b(?:${OWNERS}|secret|bot|personal)(?: access)? $`, "i");

/** `before` is what stands in front of the name. */
export function isSecretName(name: string, before = ""): boolean {
  // "tests pass: …" is a sentence.
  if (/^pass$/i.test(name) && /[a-z] $/i.test(before)) return false;
  // In `arn:aws:secretsmanager:…:secret:name` it is the kind of a thing that is named.
  if (/\barn:\S*:$/.test(before)) return false;
  if (SECRET_NAME.test(name)) return true;
  return LAST_WORD.test(name) && WORDS_BEFORE.test(before);
}
