/** The ports of a council at work: who answers, where checks run, what was done already. */
import type { Json } from "../../base/canonical-json.ts";
import type { ModelGroup } from "../council.ts";
import type { Usage } from "../message.ts";
import type { Voice } from "../voice.ts";

/** One question to one voice: a system text, and one message of `prefix` and `tail`. All but the tail is the same for all, byte for byte. */
export interface VoiceCall {
  /** Unique in one council: `S1/developer`. */
  readonly key: string;
  readonly voice: Voice;
  readonly system: string;
  readonly prefix: string;
  readonly tail: string;
  /** JSON Schema of the answer. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly temperature: number;
  readonly seed: number;
  readonly maxTokens: number;
}

export type VoiceReply = {
  readonly status: "ok" | "timeout" | "failed";
  readonly text: string;
  readonly group: ModelGroup;
  readonly usage: Usage;
  readonly ms: number;
  /** Why it failed, one line. */
  readonly problem?: string;
};

export interface VoicePort {
  /** The base model that answers for a voice: voices of one group err together. */
  group(voice: Voice): ModelGroup;
  /** Answers that can be made at the same time. */
  readonly width: number;
  /** About how many tokens a text is for the model that answers for most. */
  tokens(text: string): number;
  /** `onFirst` is called with the first token. Never throws for a server's fault; an abort gives `timeout`. */
  ask(call: VoiceCall, signal: AbortSignal, onFirst?: () => void): Promise<VoiceReply>;
}

/** Replaces `find` by `replace` in a file; an empty `find` writes the whole file. */
export interface FileEdit {
  readonly path: string;
  readonly find: string;
  readonly replace: string;
}

/** A command of the repository that tells whether the work is right. */
export interface RepositoryCheck {
  readonly id: string;
  readonly kind: "test" | "types" | "lint";
  readonly command: string;
}

export type CheckResult = {
  readonly outcome: "pass" | "fail" | "error" | "timeout";
  readonly exitCode: number | null;
  /** The end of what it printed, redacted. */
  readonly output: string;
  readonly ms: number;
};

/** A throw-away copy of the workspace as it is now. */
export interface WorkspaceCopy extends AsyncDisposable {
  /** Applies all edits or none; `problem` says what did not fit, or what the gate refused. */
  edit(edits: readonly FileEdit[], signal: AbortSignal): Promise<{ readonly problem?: string }>;
  /** Runs one command in the sandbox, without network. `files` are there only while it runs. */
  run(
    command: string,
    options: { readonly timeoutMs: number; readonly files?: readonly { path: string; content: string }[] },
    signal: AbortSignal,
  ): Promise<CheckResult>;
  /** One voice works in the copy with its own tools and a context of its own, until it is done or `signal` aborts. */
  work(
    order: { readonly title: string; readonly prompt: string },
    signal: AbortSignal,
  ): Promise<{ readonly text: string; readonly problem?: string }>;
  /** What the guard's checks of content say of the files that changed, one line each. */
  scan(signal: AbortSignal): Promise<readonly string[]>;
  /** A unified diff against the copy as it was made, redacted; without what commands left behind in ignored files. */
  diff(): Promise<string>;
}

export interface CopyPort {
  /** The repository's own checks; each is a gate. */
  checks(): readonly RepositoryCheck[];
  copy(signal: AbortSignal): Promise<WorkspaceCopy>;
  /**
   * Makes the workspace what the copy became until its last `diff`, or until now when none was asked for, file by file;
   * refuses files that changed meanwhile. Returns the paths.
   */
  accept(copy: WorkspaceCopy, signal: AbortSignal): Promise<readonly string[]>;
}

/** Work that is done once: a step on record is not done again, after a crash or in a replay. */
export interface Steps {
  /** The value on record, else that of `work`, once it is on disk. In a replay a step that is not on record throws. */
  once<T extends Json>(key: string, work: () => Promise<T>): Promise<T>;
}

/** What a council may use up; absent: no limit of its own. */
export interface CouncilBudget {
  readonly calls?: number;
  readonly promptTokens?: number;
  readonly outputTokens?: number;
  /** Read and written together. */
  readonly tokens?: number;
  readonly wallMs?: number;
  readonly execMs?: number;
}
