/** What the faces (command line, later server and editors) may ask of the wired program. */

import type { Actor } from "../actor.ts";
import type { Approval } from "../approval.ts";
import type { CouncilDecision, CouncilMode, CouncilReport, RiskLevel } from "../council.ts";
import type { CouncilStats } from "../council-record.ts";
import type { Event } from "../event.ts";
import type { TextPart } from "../message.ts";
import type { Effort, ModelInfo, Window } from "../model.ts";
import type { PerformanceReport } from "../performance.ts";
import type { Severity } from "../review.ts";
import type { OutputStyle } from "../style.ts";
import type { Budget, Outcome, Said } from "../task.ts";
import type { Mode, SandboxMode, Verdict } from "../verdict.ts";
import type { AnswerCache } from "./cache.ts";
import type { CopyPort, CouncilBudget } from "./council.ts";
import type { Extensions, ImportPlan, MemoryView } from "./extensions.ts";
import type { CommandResult } from "./hands.ts";
import type { HookEntry } from "./hooks.ts";
import type { Human } from "./human.ts";
import type { LanguageServerState } from "./languages.ts";
import type { LiveMcp, McpView } from "./mcp.ts";
import type { ModelChoice, Models } from "./models.ts";
import type { BackendState, Sandbox, SandboxStatus } from "./sandbox.ts";
import type { SpiralScale } from "./spiral.ts";
import type { Sessions } from "./store.ts";
import type { Checkpoint, UndoOptions, UndoReport, UndoView } from "./undo.ts";
import type { VoicesView } from "./voices.ts";
import type { WorktreesView } from "./worktrees.ts";

export interface ConfigView {
  readonly settings: ReadonlyMap<string, { readonly value: unknown; readonly origin: string }>;
  readonly places: { readonly config: string; readonly data: string; readonly state: string; readonly managed: string };
  readonly notes: readonly string[];
  get<T>(key: string): T;
  /** Sets one key in the user's file; returns the file. */
  set(key: string, text: string): Promise<string>;
}

/** A council instead of one voice, or before it. */
export interface CouncilOptions {
  /** `report`: the answer is all; `apply`: a patch that was decided on is applied; `write`: then one voice goes on. */
  readonly next: "report" | "apply" | "write";
  readonly kind: "question" | "patch";
  /** Go on with the council that was cut off in this session; there is no new question. */
  readonly resume?: boolean;
  readonly voices?: readonly string[];
  readonly preset?: string;
  readonly size?: number;
  readonly options?: readonly string[];
  readonly rule?: string;
  readonly mode?: CouncilMode;
  readonly risk?: RiskLevel;
  readonly domain?: string;
  readonly seed?: number;
  readonly budget: CouncilBudget;
  /** Files that every voice reads, beside those that the question leads to. */
  readonly files: readonly string[];
}

/** Which change is read, by whom, and what it must not hold. */
export interface ReviewOptions {
  /** One of the three; none: what is not committed. */
  readonly base?: string;
  readonly commit?: string;
  readonly uncommitted?: boolean;
  readonly failOn?: Severity;
  readonly voices?: readonly string[];
  readonly preset?: string;
  readonly budget: CouncilBudget;
  readonly files: readonly string[];
}

/** Larger work, in five phases. */
export interface SpiralOptions {
  readonly scale?: SpiralScale;
  /** Commands that pass when the work is done. */
  readonly accept: readonly string[];
  readonly loops?: number;
  readonly threshold: number;
  readonly wallMs?: number;
  readonly files: readonly string[];
  /** Go on with the spiral of this session. */
  readonly resume?: boolean;
}

/** One voice goes on until a command passes. */
export interface GoalOptions {
  readonly check: string;
  /** How often it may answer. */
  readonly attempts: number;
}

/** Other work than one answer of one voice: at most one of these. */
export interface Work {
  readonly goal?: GoalOptions;
  readonly council?: CouncilOptions;
  readonly spiral?: SpiralOptions;
  readonly review?: ReviewOptions;
}

export interface OpenOptions extends Work {
  readonly model: ModelChoice;
  readonly human: Human;
  /** Who asks for the work, when it is not the person at this machine. */
  readonly actor?: Actor;
  readonly mode: Mode;
  readonly style: OutputStyle;
  readonly sandbox: SandboxMode;
  /** `-s read-only|workspace-write` was typed: a missing sandbox then stops the run at once. */
  readonly sandboxRequired: boolean;
  readonly addDirs: readonly string[];
  readonly allowedTools: readonly string[];
  readonly disallowedTools: readonly string[];
  /** Lists of the only tools that may be used; a call stands in each of them. */
  readonly only?: readonly (readonly string[])[];
  /** The agent that it works as. */
  readonly agent?: string;
  readonly appendSystemPrompt: string;
  readonly effort?: Effort;
  /** No instructions of the project are read. */
  readonly bare: boolean;
  readonly offline: boolean;
  /** A file or a JSON text with `mcpServers` for this run; `only`: no others. */
  readonly mcpConfig?: { readonly source?: string; readonly only: boolean };
  /** Kept answers may be given, and answers kept. */
  readonly cache: boolean;
  /** Which session: a new one, an existing one by id, name or `newest`, or a fork of it. */
  readonly resume?: string;
  readonly fork: boolean;
  readonly sessionId?: string;
  readonly name?: string;
  readonly persist: boolean;
  /** First line of the first prompt: the title, cut without a model. */
  readonly title: string;
  /** Ends the waiting for a model that is being loaded. */
  readonly signal?: AbortSignal;
  readonly onEvent: (event: Event) => void;
  /** Every event up to `seq` is on disk. */
  readonly onFlushed?: (seq: number) => void;
  /** Asks the person for the window of a model whose server does not tell; the answer is stored. */
  readonly askWindow?: (model: string) => Promise<number | undefined>;
}

export interface PromptOptions {
  readonly budget: Budget;
  readonly answerSchema?: Readonly<Record<string, unknown>>;
  /** Hands out what the person said while it works. */
  readonly steering?: () => readonly Said[];
  /** Larger work, for this prompt alone; without it what the session was opened for. */
  readonly work?: Work;
  /** The only tools of this turn. */
  readonly only?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

/** `!command` and `@file`. */
export type OwnCall =
  | { readonly tool: "shell"; readonly input: { readonly command: string } }
  | { readonly tool: "read"; readonly input: { readonly path: string } };

export interface LiveSession {
  readonly id: string;
  readonly workspace: string;
  /** Who works: a voice, a council, a spiral. */
  readonly face: string;
  readonly model: ModelInfo;
  readonly window: Window;
  /** Lines to tell the person at the start. */
  readonly notes: readonly string[];
  readonly tools: readonly string[];
  prompt(prompt: Said, options: PromptOptions): Promise<Outcome>;
  /** How long its answers are, from now on. */
  setStyle(style: OutputStyle): void;
  /** What may run without a question, from now on. */
  setMode(mode: Mode): void;
  /** Puts a summary in the place of the older part of the thread, now. Throws `compaction-failed`. */
  compact(signal: AbortSignal): Promise<void>;
  /** Sends the running command to the background; false when none runs. */
  background(): Promise<boolean>;
  /** A call of the person's own: gate and sandbox as usual. Gives what the model should be told of it. */
  own(call: OwnCall, signal: AbortSignal): Promise<TextPart>;
  /** Every stored event so far. */
  events(): readonly Event[];
  rename(name: string): void;
  /** Throw-away copies of the workspace under this session's gate; made when first asked for, removed with the session. */
  copies(): Promise<CopyPort>;
  /** Every turn so far, oldest first. */
  checkpoints(): readonly Checkpoint[];
  /** Takes turns back, files and thread. Throws `session-busy` while a turn runs; `usage`, `storage`, `audit`. */
  undo(options: UndoOptions): Promise<UndoReport>;
  /** Foreign servers and their prompts; empty lists when none is configured. */
  mcp(): LiveMcp;
  close(): Promise<void>;
}

export interface AuditReport {
  readonly ok: boolean;
  /** Number of the last record in order; of an exported file, how many it holds. */
  readonly records: number;
  /** Number of the first record that is there: above 1 when older ones were removed by retention. */
  readonly first: number;
  /** Records that a signed checkpoint covers. */
  readonly covered: number;
  readonly head: string;
  /** The first problem found, with its place. */
  readonly problem?: string;
}

export interface AuditView {
  /** Folder of the audit log. */
  readonly folder: string;
  /** The second place: the folder of its signed checkpoints. */
  readonly checkpoints: string;
  /** The last record, and the key that verifies checkpoints once there is one. */
  head(): Promise<{ readonly seq: number; readonly hash: string; readonly verifier?: string } | undefined>;
  /** What was kept elsewhere: a head, the text of checkpoints, the verifier key. */
  verify(kept: { readonly head?: string; readonly checkpoint?: string; readonly key?: string }): Promise<AuditReport>;
  /** Checks an exported file; `verifier` is the key it was checked with. */
  verifyExport(file: string, key?: string): Promise<AuditReport & { readonly verifier: string }>;
  /** The last `count` records as stored, then new ones until `follow` aborts. */
  tail(count: number, follow?: AbortSignal): AsyncIterable<Readonly<Record<string, unknown>>>;
  /** Lines of a file that proves records between two times (milliseconds). Throws `audit`. */
  export(wanted: { readonly from: number; readonly to: number; readonly session?: string }): Promise<Iterable<string>>;
}

export interface PromptPart {
  readonly name: string;
  readonly text: string;
  readonly bytes: number;
  /** Estimated: bytes / 4, said so wherever it is shown. */
  readonly tokens: number;
}

/** A call to be judged and not run. */
export interface PolicyQuestion {
  readonly tool: "shell" | "read" | "write" | "net";
  readonly input: Readonly<Record<string, unknown>>;
  readonly mode: "workspace-write" | "read-only" | "plan" | "auto";
}

export interface PolicyAnswer {
  readonly verdict: Verdict;
  readonly verdicts: readonly Verdict[];
  readonly micros: number;
  /** What a shell command runs, wrappers taken off. */
  readonly commands: readonly (readonly string[])[];
}

/** The policy as a function: decides, runs nothing, needs no workspace on disk. */
export interface PolicyView {
  /** Number of rules in the policy files. */
  readonly rules: number;
  decide(question: PolicyQuestion): Promise<PolicyAnswer>;
}

/** The sandbox of this folder, without a session. */
export interface SandboxView {
  readonly verify: Sandbox["verify"];
  survey(): Promise<readonly BackendState[]>;
  /** Runs one program with its arguments; on record like a call of the agent. Throws `sandbox-unavailable`, `audit`. */
  run(
    words: readonly string[],
    options: { readonly onOutput: (text: string) => void },
    signal: AbortSignal,
  ): Promise<CommandResult>;
}

/** One file of the workspace that would run or steer something. */
export interface TrustSubject {
  /** Relative to the workspace. */
  readonly path: string;
  readonly bytes: number;
  readonly text: string;
  /** SHA-256 of the bytes. */
  readonly hash: string;
  readonly state: "trusted" | "changed" | "new";
}

export interface TrustView {
  /** What trust is about in this workspace. Throws `bad-config`. */
  subjects(): readonly TrustSubject[];
  /** Trusts exactly these texts. */
  give(subjects: readonly TrustSubject[]): Promise<void>;
  revoke(): Promise<void>;
}

export interface ApprovalsView {
  /** Remembered approvals of all workspaces that hold now, oldest first. */
  list(): readonly Approval[];
  revoke(ids: readonly string[]): Promise<void>;
}

export interface Redaction {
  /** Every string inside a JSON value. */
  deep<T>(value: T): T;
  /** A text that arrives in pieces. */
  stream(): { push(piece: string): string; end(): string };
}

/** Councils of this workspace. Each throws `session-missing`. */
export interface CouncilsView {
  /** Those that ended, newest first. */
  list(): readonly { readonly id: string; readonly at: number; readonly report: CouncilReport }[];
  show(id: string): CouncilReport;
  /** Decides again from the record; `same`: byte for byte what was stored. */
  replay(id: string): Promise<{ readonly report: CouncilReport; readonly same: boolean }>;
  /** What the record of all councils adds up to. */
  stats(): Promise<CouncilStats>;
  /** What a person says was right: a letter or the words of an option, or `none`. Throws `usage`. */
  settle(id: string, truth: string): Promise<void>;
  whatIf(id: string, rule: string): Promise<{ readonly report: CouncilReport; readonly decision: CouncilDecision }>;
}

export interface App {
  readonly version: string;
  readonly workspace: string;
  readonly config: ConfigView;
  readonly audit: AuditView;
  open(options: OpenOptions): Promise<LiveSession>;
  sessions(): Promise<Sessions>;
  /** Takes over a session from the text of an exported file; gives its id here. Throws `bad-input`. */
  importSession(text: string): Promise<string>;
  models(): Promise<Models>;
  sandboxStatus(): Promise<SandboxStatus & { readonly backends: readonly BackendState[] }>;
  sandbox(): Promise<SandboxView>;
  /** The head of the first request, part by part. */
  prompt(): Promise<readonly PromptPart[]>;
  /** Takes secrets out of what leaves this program by a person's wish. */
  redaction(): Promise<Redaction>;
  /** Files of this workspace that no ignore file names, relative to it. */
  files(): Promise<readonly string[]>;
  /** What the sessions of the last days took; of this workspace, or of all. */
  performance(span: { readonly days: number; readonly all: boolean }): Promise<PerformanceReport>;
  /** The kept answers of this workspace; close it. */
  answers(): Promise<AnswerCache>;
  /** Who speaks in a council here. */
  voices(): Promise<VoicesView>;
  councils(): Promise<CouncilsView>;
  undo(): Promise<UndoView>;
  /** The newest version that a package registry has of this program. Throws `tool-failed`, `usage`. */
  newestVersion(registry: string): Promise<string>;
  /** Language servers that are looked for, and those that are installed. */
  languages(): Promise<readonly LanguageServerState[]>;
  trust(): TrustView;
  /** Skills, commands and agents of this folder. */
  extensions(): Promise<Extensions>;
  /** Hooks in the order in which they run. Throws `bad-config`. */
  hooks(): Promise<{ readonly entries: readonly HookEntry[]; readonly notes: readonly string[] }>;
  memory(): Promise<MemoryView>;
  /** What another agent's setup holds; `workspace`: also what stands in this folder. */
  importPlan(options: { readonly workspace: boolean }): Promise<ImportPlan>;
  approvals(): ApprovalsView;
  /** Foreign servers without a session. Throws `bad-config`. */
  mcp(): Promise<McpView>;
  /** Worktrees of this repository that sessions work in. */
  worktrees(): Promise<WorktreesView>;
  /** The policy for work in `cwd` by a person whose home is `home`; defaults are this folder and this person. */
  policy(place: { readonly cwd?: string; readonly home?: string }): Promise<PolicyView>;
}
