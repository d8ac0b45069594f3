/** The powers of a tool: it can touch the machine only through these, each bound to one grant. */

import type { Json } from "../../base/canonical-json.ts";
import type { SkillText } from "./extensions.ts";
import type { Languages } from "./languages.ts";
import type { ForeignHands } from "./mcp.ts";

export interface FileContent {
  /** Absolute path that was really opened. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Permission bits, for example 0o644. */
  readonly mode: number;
  /** SHA-256 of `bytes`. */
  readonly hash: string;
}

export interface FileChange {
  readonly path: string;
  /** Hash of the content before, or null when the file is new. */
  readonly before: string | null;
  readonly after: string;
}

export interface FileHands {
  /** Throws `file-missing`, `outside-workspace` or `bad-input` (a directory, a device, larger than 20 MiB). */
  read(path: string): Promise<FileContent>;
  /** Names in a directory, directories with a trailing slash, sorted. */
  list(path: string): Promise<readonly string[]>;
  /** Hash of the content that the agent last read or wrote in this session. */
  lastSeen(path: string): string | undefined;
  /** The text the agent last saw, to show what changed since; undefined when unknown. */
  lastSeenText(path: string): Promise<string | undefined>;
  markSeen(path: string, hash: string): void;
}

export interface FileWriteHands {
  /**
   * Replaces a file atomically, keeping its mode. `expected` is the hash it must still have,
   * or null when it must not exist yet; anything else throws `file-changed`.
   */
  write(path: string, bytes: Uint8Array, expected: string | null): Promise<FileChange>;
}

export interface GrepMatch {
  readonly path: string;
  readonly line: number;
  readonly text: string;
  readonly context: boolean;
}

export interface SearchHands {
  /** Files below `path` that match `pattern`, newest first; ignored and secret files are left out. */
  glob(
    query: { pattern: string; path: string; limit: number },
    signal: AbortSignal,
  ): Promise<{
    readonly paths: readonly string[];
    readonly truncated: boolean;
  }>;
  /** Lines that match a Rust regular expression. Throws `bad-input` on a bad pattern. */
  grep(
    query: {
      pattern: string;
      path: string;
      glob?: string;
      ignoreCase: boolean;
      context: number;
      limit: number;
      filesOnly: boolean;
    },
    signal: AbortSignal,
  ): Promise<{ readonly matches: readonly GrepMatch[]; readonly truncated: boolean }>;
}

/** What tells whether a file changed; times in milliseconds since the epoch with their fractions. */
export interface FileStamp {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly inode: number;
}

export interface TreeHands {
  /**
   * The plain files below `path` that `glob` would show and whose paths are `wanted`, at most `limit`, in no order.
   * `root` is the folder that `path` names, resolved (of a file: its folder).
   */
  walk(
    query: { path: string; limit: number; wanted: (path: string) => boolean },
    signal: AbortSignal,
  ): Promise<{ readonly root: string; readonly files: readonly FileStamp[]; readonly truncated: boolean }>;
  /** The content of a plain file, checked and opened as `files.read` does it, but not counted as seen. */
  bytes(path: string): Uint8Array;
}

export interface SymbolFile {
  /** Relative to the map's root. */
  readonly path: string;
  readonly symbols: readonly { readonly line: number; readonly signature: string }[];
}

/** The most important files of a repository, best first, each with its most used definitions by line. */
export interface SymbolMap {
  readonly root: string;
  readonly files: readonly SymbolFile[];
  /** Files with definitions that were ranked, and those of them whose symbols came from the cache. */
  readonly ranked: number;
  readonly cached: number;
  readonly truncated: boolean;
}

/** What is known of a repository as a whole; files are looked at and opened by the hands of the same grant. */
export interface RepositoryHands {
  /** `focus`: paths or words to rank for. `most`: files to give back. */
  map(query: { path: string; focus: readonly string[]; most: number }, signal: AbortSignal): Promise<SymbolMap>;
}

/** Requests of a command to one host, counted by the proxy that it had to go through. */
export interface NetworkUse {
  /** `host:port` as it was asked for. */
  readonly host: string;
  readonly decision: "allowed" | "refused";
  /** Why it was refused, or failed. */
  readonly reason?: string;
  readonly requests: number;
  /** Bytes out and in: bodies of plain requests, everything inside a tunnel. */
  readonly sent: number;
  readonly received: number;
}

export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Interleaved stdout and stderr, capped; `spill` names the file with everything. */
  readonly output: string;
  readonly truncated: boolean;
  readonly spill?: string;
  /** Where that file is for the person: its path outside of the sandbox. */
  readonly spillAt?: string;
  readonly timedOut: boolean;
  readonly durationMs: number;
  /** The person sent it to the background: it goes on as this job. */
  readonly job?: string;
  /** What the command asked of the network; absent when it had none. */
  readonly network?: readonly NetworkUse[];
}

export interface ExecHands {
  /** Runs one bash command in a sandbox of its own and throws that away. Output so far is emitted as `tool-delta`. */
  run(command: string, options: { cwd?: string; timeoutMs: number }, signal: AbortSignal): Promise<CommandResult>;
}

export interface JobStatus {
  readonly id: string;
  readonly command: string;
  readonly running: boolean;
  readonly exitCode: number | null;
  /** Output since the last poll, capped. */
  readonly output: string;
  /** It has a way to the network: what it prints may come from there. */
  readonly online: boolean;
  /** It was shown files that hold secrets. */
  readonly secret: boolean;
}

export interface JobHands {
  start(command: string, options: { cwd?: string }): Promise<{ readonly id: string }>;
  poll(id: string): Promise<JobStatus>;
  kill(id: string): Promise<JobStatus>;
}

export interface NetHands {
  /** GET by the checked dialler; every redirect is checked again. `hosts` of the grant bound it. */
  get(
    url: string,
    signal: AbortSignal,
  ): Promise<{
    readonly url: string;
    readonly status: number;
    readonly contentType: string;
    readonly body: string;
  }>;
}

export interface HumanHands {
  /** Asks the person; undefined when nobody can answer. */
  ask(question: string, options: readonly string[], signal: AbortSignal): Promise<string | undefined>;
}

export interface Todo {
  readonly text: string;
  readonly status: "pending" | "in_progress" | "done";
}

export interface SessionHands {
  setTodos(todos: readonly Todo[]): void;
  /** The text of a skill, or of a file beside it. Throws `bad-input`, `file-missing`, `denied`. */
  skill?(wanted: { readonly name: string; readonly file?: string }): Promise<SkillText>;
}

export interface FoundTool {
  readonly name: string;
  readonly summary: string;
  readonly parameters: unknown;
  /** Its words are a foreign server's. */
  readonly foreign?: boolean;
}

/** Tools that are found by search and run through the gate: our own and those of foreign servers. */
export interface DeferredHands {
  search(query: string, signal: AbortSignal): Promise<readonly FoundTool[]>;
}

/** A model without tools that reads one text and gives fields back; its words never enter the thread. */
export interface ReaderHands {
  /**
   * Announced by events and counted in the usage; `problem` says why no answer met the schema, and may quote the text.
   * Throws the model's own fault.
   */
  extract(
    text: string,
    schema: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<
    ({ readonly value: Json } | { readonly problem: string }) & { readonly requests: number; readonly tokens: number }
  >;
}

/** What a sub-agent came to. */
export interface SubAgentWork {
  readonly text: string;
  readonly problem?: string;
  readonly requests: number;
  readonly tokens: number;
}

/** A voice with a context of its own that looks and answers; its calls are judged and recorded like all others. */
export interface SubAgentHands {
  work(
    order: { readonly title: string; readonly prompt: string; readonly agent?: string },
    signal: AbortSignal,
  ): Promise<SubAgentWork>;
}

export interface Hands {
  readonly files?: FileHands;
  readonly fileWrites?: FileWriteHands;
  readonly search?: SearchHands;
  readonly tree?: TreeHands;
  readonly repository?: RepositoryHands;
  readonly exec?: ExecHands;
  readonly jobs?: JobHands;
  readonly net?: NetHands;
  readonly human?: HumanHands;
  readonly session?: SessionHands;
  readonly deferred?: DeferredHands;
  readonly reader?: ReaderHands;
  readonly subAgent?: SubAgentHands;
  readonly foreign?: ForeignHands;
  readonly languages?: Languages;
}
