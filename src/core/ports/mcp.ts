/** Foreign servers (Model Context Protocol): what config, gate, sandbox, client and faces say to each other about them. */
import type { Json } from "../../base/canonical-json.ts";
import type { ImagePart, TextPart } from "../message.ts";
import type { Tool } from "../tool.ts";
import type { Human } from "./human.ts";

/** What a server's process sees of the workspace. It always has a `/tmp` and a HOME of its own. */
export type McpProfile = "none" | "workspace-read" | "workspace-write";

interface EntryBase {
  readonly name: string;
  /** `file:line`, or the flag. */
  readonly origin: string;
  /** `user` entries may widen (what is called without a question, what is read outside the workspace, private addresses); `project` ones may not. */
  readonly scope: "user" | "project";
  readonly enabled: boolean;
  /** Names or patterns with `*`; a denied tool is not there at all. */
  readonly tools: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** Tools that are called without a question. */
  readonly approve: readonly string[];
  /** Longest time of one call in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the server may use the session's model. */
  readonly sampling: "ask" | "allow" | "deny";
  /** Values of `${…}` that came in: never shown. */
  readonly secrets: readonly string[];
}

export interface StdioEntry extends EntryBase {
  readonly transport: "stdio";
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** `host` or `host:port` that its process may reach; none by default. */
  readonly hosts: readonly string[];
  /** Paths outside the workspace that its process may read, `~` for the home. */
  readonly read: readonly string[];
  readonly profile: McpProfile;
}

export interface HttpEntry extends EntryBase {
  readonly transport: "http";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly oauth: {
    readonly clientId?: string;
    readonly clientSecret?: string;
    readonly clientMetadataUrl?: string;
    readonly scope?: string;
    /** `host:port` of login servers on this machine or its network; others there are not reached. */
    readonly hosts?: readonly string[];
    /** Port of the loopback address that the browser comes back to; any free one when absent. */
    readonly callbackPort?: number;
  };
}

export type McpEntry = StdioEntry | HttpEntry;

/** The part of global `fetch` that protocol libraries use. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** What is started for a server. */
export interface ServerOrder {
  readonly server: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly profile: McpProfile;
  readonly read: readonly string[];
  readonly hosts: readonly string[];
}

/** A confined process that speaks on its standard streams. */
export interface ServerProcess {
  /** Resolves when the bytes are taken; rejects when it has ended. */
  write(text: string): Promise<void>;
  /** To be called once, at once. */
  onOutput(take: (chunk: Buffer) => void): void;
  /** The last of what it wrote to its error output, at most 4 KiB. */
  lastWords(): string;
  /** Resolves when every process of it is gone. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  kill(): void;
}

/** Ways out over HTTP that one server's entry opens. */
export interface DialOrder {
  readonly server: string;
  /** `host:port`. */
  readonly hosts: readonly string[];
  /** Those of them that may lie on this machine or its network. */
  readonly reachable: readonly string[];
}

/** Powers of a foreign server: each start is judged to be the configuration's, leased and on record. */
export interface ForeignHands {
  serve(order: ServerOrder, signal: AbortSignal): Promise<ServerProcess>;
  dial(order: DialOrder): Promise<Fetch>;
  /** Told to the person while a call runs. */
  progress(text: string): void;
  /** Keeps a text that is too long for the model; returns the path under which it can be read. */
  spill(text: string): string;
}

/** What the gate must know of a tool that is somebody else's. */
export interface ForeignFacts {
  readonly server: string;
  /** JSON Schema of the input. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Something it does may leave this machine. */
  readonly online: boolean;
  /** It may change the workspace. */
  readonly writes: boolean;
  /** The user's configuration says: without a question. */
  readonly approved: boolean;
  /** SHA-256 of name, description and schemas as the server gives them now. */
  readonly pin: string;
  /** Lines that say what is not as it was pinned; empty when nothing changed. */
  readonly changed: readonly string[];
  /** Lines for the question: what the server is and what it may do. */
  readonly about: readonly string[];
  /** The person has seen the change and said yes. */
  accept(): void;
}

/** The tools of all foreign servers, found by search and by name. */
export interface Foreign {
  /** True for names that belong to foreign servers. */
  owns(name: string): boolean;
  /** All tools there are; a server that was never seen is started and asked for its list. */
  all(hands: ForeignHands, signal: AbortSignal): Promise<readonly Tool[]>;
  /** The tool as its server has it now; one that cannot be had fails with the reason when it is run. */
  find(name: string, hands: ForeignHands, signal: AbortSignal): Promise<Tool | undefined>;
  /** The same as it was pinned, without starting anything. */
  pinned(name: string): Tool | undefined;
}

/** What a server asks of the session's model. */
export interface SampleOrder {
  readonly system: string;
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly text: string }[];
  readonly maxTokens: number;
  readonly temperature?: number;
}

/** Those who answer a server's own requests. */
export interface McpAnswers {
  readonly human: Human;
  /** A question of ours about what a server asks for; recorded. False when nobody is there. */
  consent(
    what: { readonly server: string; readonly title: string; readonly lines: readonly string[] },
    signal: AbortSignal,
  ): Promise<boolean>;
  /** Counted in the session's usage. Absent where there is no model. */
  sample?(order: SampleOrder, signal: AbortSignal): Promise<{ readonly text: string; readonly model: string }>;
}

export type McpState = "off" | "not started" | "starting" | "ready" | "ended" | "failed" | "login needed";

/** One line of `/mcp` and of `crucible mcp list`. */
export interface McpServerStatus {
  readonly name: string;
  readonly origin: string;
  readonly scope: "user" | "project";
  readonly transport: "stdio" | "http";
  /** The command or the address, secrets left out. */
  readonly target: string;
  readonly state: McpState;
  readonly problem?: string;
  /** Number of pinned tools; absent when it was never seen. */
  readonly tools?: number;
  /** Names of tools that are not as they were pinned. */
  readonly changed: readonly string[];
  readonly startMs?: number;
}

export interface McpPrompt {
  readonly server: string;
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly { readonly name: string; readonly description: string; readonly required: boolean }[];
}

/** Foreign servers of a live session, for slash commands. */
export interface LiveMcp {
  servers(): readonly McpServerStatus[];
  /** Prompts of every server that has some; servers that were not started yet are. */
  prompts(signal: AbortSignal): Promise<readonly McpPrompt[]>;
  /** The text of a prompt, labelled external: to be sent as the person's next prompt. Throws `bad-input`, `tool-failed`. */
  runPrompt(
    server: string,
    name: string,
    args: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<readonly (TextPart | ImagePart)[]>;
  /** The folders that servers are told of from now on. */
  setRoots(folders: readonly string[]): void;
}

export interface McpToolView {
  readonly name: string;
  readonly original: string;
  readonly description: string;
  readonly pin: string;
  readonly state: "pinned" | "changed" | "new" | "gone";
}

/** What a try of one server brought. */
export interface McpReport {
  readonly server: string;
  readonly startMs: number;
  readonly version: string;
  readonly protocol: string;
  readonly tools: readonly McpToolView[];
  readonly resources: readonly string[];
  readonly prompts: readonly string[];
  readonly log: string;
}

export interface McpDetails extends McpServerStatus {
  /** The entry as JSON, values of `env` and `headers` left out. */
  readonly entry: Json;
  readonly pins: readonly McpToolView[];
  readonly prompts: readonly McpPrompt[];
  readonly login?: { readonly since: number; readonly expiresAt?: number; readonly scope?: string };
}

/** Foreign servers without a session. Each throws `usage` for an unknown name. */
export interface McpView {
  list(): Promise<readonly McpServerStatus[]>;
  /** Files that wait for trust, and entries that others stand before. */
  readonly notes: readonly string[];
  get(name: string): Promise<McpDetails>;
  /** Starts it as a session would, lists what it has; `pin`: takes the list as it is now. */
  test(name: string, options: { readonly pin: boolean }, signal: AbortSignal): Promise<McpReport>;
  /** Writes an entry; returns the file. */
  add(scope: "user" | "project", name: string, entry: Readonly<Record<string, Json>>): Promise<string>;
  remove(name: string, scope?: "user" | "project"): Promise<string>;
  /** `show` gets the address that the person opens. */
  login(name: string, show: (url: string) => void, signal: AbortSignal): Promise<void>;
  /** False when there was no login. */
  logout(name: string): Promise<boolean>;
}

/** One JSON document that outlives the process, readable by the user alone. */
export interface Document {
  /** Undefined when there is none. */
  read(): unknown;
  /** Durable when it returns. Throws `storage`. */
  write(value: Json): void;
}
