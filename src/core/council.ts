/** The nouns of the council: what is asked, proposed, checked, voted and decided. Plain data, the same in a replay. */

export type VoiceId = string;
export type OptionId = string;
export type Id = string;
/** Base model digest and quantisation: voices of one group err together. */
export type ModelGroup = string;

export type CouncilKind = "answer" | "rank" | "patch" | "review";
export type RiskLevel = "low" | "medium" | "high" | "irreversible";

/** Names for ways to hold a council; each is a setting of the one engine. */
export const COUNCIL_MODES = [
  "consensus",
  "majority",
  "weighted",
  "debate",
  "synthesis",
  "competitive",
  "collaborative",
] as const;
export type CouncilMode = (typeof COUNCIL_MODES)[number];

export interface CouncilQuestion {
  readonly kind: CouncilKind;
  readonly id?: string;
  /** `design`, `security` ...: records are kept per domain. */
  readonly domain?: string;
  readonly risk?: RiskLevel;
  /** The rule by name; absent: the default of the kind. */
  readonly rule?: string;
}

export interface CouncilProposal {
  readonly id: OptionId;
  readonly author: VoiceId;
  readonly group: ModelGroup;
  /** Behaviour class: proposals of one cluster are one. Absent: a class of its own. */
  readonly cluster?: Id;
}

export interface CouncilCheck {
  readonly id: Id;
  readonly author: VoiceId;
  /** `repo` and `user` checks are gates; `generated` ones are noisy votes. */
  readonly trust: "repo" | "user" | "generated";
}

export interface CouncilEvidence {
  readonly checkId: Id;
  readonly proposalId: OptionId;
  readonly outcome: "pass" | "fail" | "error" | "timeout" | "flaky";
}

export interface Ballot {
  readonly voice: VoiceId;
  readonly group: ModelGroup;
  readonly choice?: OptionId;
  /** Best first; may name only the top. */
  readonly ranking?: readonly OptionId[];
  /** Options in the order in which this voice saw them. */
  readonly shown?: readonly OptionId[];
  /** The voice's own proposal. */
  readonly own?: OptionId;
  /** 0 to 1, as the voice says. */
  readonly confidence?: number;
  /** Share of the others that the voice expects for each option. */
  readonly predicted?: Readonly<Record<OptionId, number>>;
  readonly status?: "ok" | "timeout" | "unparsable" | "refused";
  /** Why the voice chose so, in its own words. */
  readonly reason?: string;
  /** What would change its mind, in its own words. */
  readonly unless?: string;
  /** Why it is not counted: it cites another voice, or repeats what a proposal told reviewers. */
  readonly flag?: string;
}

/** A council of the past whose right answer became known. */
export interface CouncilOutcome {
  readonly kind: CouncilKind;
  readonly domain?: string;
  readonly options: readonly OptionId[];
  readonly truth: OptionId;
  readonly ballots: readonly Ballot[];
  readonly evidence?: readonly CouncilEvidence[];
}

/** Something said of a subject that can be right or wrong. */
export interface Claim {
  readonly id: Id;
  readonly voice: VoiceId;
  readonly group: ModelGroup;
  /** The proposal it is about; absent: about the code as it is. */
  readonly proposalId?: OptionId;
  /** What it is about, a few words: claims with equal subjects may conflict. */
  readonly subject: string;
  readonly predicate: string;
  /** +1: it holds; -1: it does not. */
  readonly polarity: 1 | -1;
  readonly kind?: Conflict["kind"];
  readonly severity?: "low" | "medium" | "high" | "critical";
  readonly file?: string;
  readonly line?: number;
  /** The check whose run settles it: its failure refutes a claim of +1 and proves one of -1. */
  readonly checkId?: Id;
}

/** Claims about one subject with opposite polarity, and what settled them. */
export interface Conflict {
  readonly claimIds: readonly Id[];
  readonly kind: "factual" | "behavioural" | "design" | "risk";
  readonly resolvedBy: "execution" | "record" | "vote" | "human" | "open";
  /** Checks whose runs settled it. */
  readonly evidence: readonly Id[];
  /** Polarity of the claims that stand; absent while it is open. */
  readonly stands?: Claim["polarity"];
}

export interface Dissent {
  readonly voice: VoiceId;
  readonly choice: OptionId;
  /** In the voice's own words: why, and what would change its mind. */
  readonly reason?: string;
  readonly unless?: string;
}

export type AbstainReason =
  | "posterior-low"
  | "none-likeliest"
  | "unanimity-of-clones"
  | "gates-fail-everywhere"
  | "undecided-security"
  | "too-few-ballots"
  | "checks-contradict"
  | "too-few-votes";

/** Why a council did not decide, for people. */
export const ABSTAIN_WORDS: Readonly<Record<AbstainReason, string>> = {
  "posterior-low": "nothing is likely enough for what is at stake",
  "none-likeliest": "most likely none of the proposals is right",
  "unanimity-of-clones": "all agree, but all are one model, and nothing was run that could refute them",
  "gates-fail-everywhere": "no proposal passes the repository's own checks",
  "undecided-security": "a question of security is open that no check settles",
  "too-few-ballots": "too few valid answers",
  "checks-contradict": "the checks contradict each other: no proposal can pass them all",
  "too-few-votes": "the answers are worth too few independent votes for what is at stake",
};

export interface CouncilDecision {
  readonly outcome: "decided" | "abstained" | "failed";
  /** The best option, also of an abstention, where there is one. */
  readonly winner?: OptionId;
  readonly posterior: Readonly<Record<OptionId | "none", number>>;
  readonly rule: string;
  /** Number of effective (independent) votes. */
  readonly nEff: number;
  /** Chance that two counted ballots agree. */
  readonly agreement: number;
  /** Posterior of the winner minus that of the next. */
  readonly margin: number;
  /** Ballots that would have to change to change the winner. */
  readonly flipVotes: number;
  readonly evidenceUsed: readonly Id[];
  readonly conflicts: readonly Conflict[];
  readonly dissent: readonly Dissent[];
  readonly abstainReason?: AbstainReason;
}

/** Why no more voices were asked. */
export type StopReason = "all-asked" | "unassailable" | "posterior" | "no-new-votes" | "gate" | "budget" | "deadline";

export interface CouncilCost {
  readonly calls: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Of all answers one after the other, and of all runs of checks. */
  readonly modelMs: number;
  readonly execMs: number;
}

/** One option as people see it: what it says or changes, and who handed it in. */
export interface CouncilOption {
  readonly id: OptionId;
  /** The letter that reviewers saw. */
  readonly label: string;
  readonly text: string;
  readonly authors: readonly VoiceId[];
  /** Of a patch: a unified diff, and the edits that make it. */
  readonly diff?: string;
  readonly edits?: CouncilReport["edits"];
  /** Why it never stood for election. */
  readonly problem?: string;
}

/** A check with what became of it. */
export interface CouncilReportCheck extends CouncilCheck {
  readonly title: string;
  readonly command: string;
  /** How the workspace without any proposal fared. */
  readonly base?: CouncilEvidence["outcome"];
  /** Why it says nothing here, and is not counted. */
  readonly dropped?: string;
  /** The end of the output of the first proposal that failed it. */
  readonly output?: string;
}

export interface CouncilVoiceReport {
  readonly voice: VoiceId;
  readonly group: ModelGroup;
  readonly stage: string;
  readonly status: "ok" | "timeout" | "failed" | "unparsable" | "cancelled";
  readonly ms: number;
  readonly problem?: string;
}

/** All that a council leaves behind: plain data, equal byte for byte in a replay. */
export interface CouncilReport {
  readonly id: Id;
  readonly question: string;
  readonly kind: CouncilKind;
  readonly domain?: string;
  readonly risk: RiskLevel;
  readonly decision: CouncilDecision;
  readonly options: readonly CouncilOption[];
  readonly checks: readonly CouncilReportCheck[];
  readonly evidence: readonly CouncilEvidence[];
  readonly ballots: readonly Ballot[];
  readonly claims: readonly Claim[];
  readonly voices: readonly CouncilVoiceReport[];
  /** Of a patch: what is to be applied, after synthesis. */
  readonly edits?: readonly { readonly path: string; readonly find: string; readonly replace: string }[];
  /** What one writer made of the winner, and whether it was kept. */
  readonly synthesis?: string;
  readonly cost: CouncilCost;
  readonly stopReason: StopReason;
  readonly provenance: {
    readonly engine: string;
    /** SHA-256 of the frozen plan. */
    readonly plan: string;
    /** SHA-256 of what all prompts share. */
    readonly prefix: string;
  };
}
