/** Takes out of a proposal what is addressed to its judges: it is data, not advice on how to vote. */

/** Those who judge are spoken to, and told what to do. */
const TOLD =
  /\b(?:reviewers?|judges?|voters?|evaluators?|graders?|the council|other voices|all voices)\b[^.\n]*\b(?:must|should|shall|have to|need to|please)\s+(?:\w+\s+){0,2}(?:vote|rank|choose|pick|prefer|select|ignore|accept|approve)/i;
const ADDRESSED = [
  TOLD,
  /\b(?:vote|voting) (?:for|against) (?:me|this|it|proposal|option|[A-J]\b)/i,
  /\b(?:rank|choose|pick|prefer|select|approve) (?:me|this (?:proposal|option|answer|patch)|proposal [A-J]\b)/i,
  /\bignore (?:all |any |the )?(?:previous|prior|above|other) (?:instructions?|proposals?|evidence|rules?)/i,
  /\bI am (?:the )?(?:only )?correct\b/i,
];

/** True when a ballot's reason is advice to others: that one votes for something is what a reason says. */
export function tellsOthers(reason: string): boolean {
  return TOLD.test(reason);
}

/** True when a proposal tells others how to judge it. */
export function addressesJudges(text: string): boolean {
  return ADDRESSED.some((pattern) => pattern.test(text));
}

/** The text without the lines that address its judges. */
export function neutral(text: string): string {
  if (!addressesJudges(text)) return text;
  return text
    .split("\n")
    .map((line) => (addressesJudges(line) ? "[a line addressed to the judges was taken out]" : line))
    .join("\n");
}
