/** What a face that speaks a protocol (MCP, ACP) gets of the command line it was started with. */
import type { Budget } from "../task.ts";
import type { App, OpenOptions } from "./app.ts";

/** What every session of such a face is opened with, as far as the command line says it. */
export type SessionBase = Omit<OpenOptions, "human" | "onEvent" | "title" | "signal" | "actor" | "askWindow">;

/** The program in one folder. */
export interface Ground {
  readonly app: App;
  readonly base: SessionBase;
  readonly budget: Budget;
}

export interface Serving {
  readonly version: string;
  /** Ends the serving: a signal to the process. */
  readonly signal: AbortSignal;
  /** Without a folder: where it was started. Throws `usage`, `bad-config`. */
  ground(folder?: string): Promise<Ground>;
  /** One line for the person who started it, never on standard output. */
  tell(line: string): void;
}

export interface McpServing extends Serving {
  /** Streamable HTTP on the loopback address instead of standard input and output; port 0: any that is free. */
  readonly http?: { readonly port: number; readonly token: string };
}

/** Faces that are loaded only when they are asked for; each resolves when it has ended and nothing of it is left. */
export interface Faces {
  mcp(serving: McpServing): Promise<void>;
  acp(serving: Serving): Promise<void>;
}
