/** The one door to tools: whoever holds a gate can ask for an action, nobody holds a tool. */
import type { Actor } from "../actor.ts";
import type { ToolCallPart } from "../message.ts";
import type { ToolDeclaration } from "../model.ts";
import type { ToolResult } from "../tool.ts";
import type { Verdict } from "../verdict.ts";
import type { ForeignHands } from "./mcp.ts";

export interface CallContext {
  readonly actor: Actor;
  readonly turn: number;
  readonly voice: string;
}

export interface ToolOutcome extends ToolResult {
  readonly verdict: Verdict;
  /** Set when the call did not run. */
  readonly denied: boolean;
  readonly durationMs: number;
  /** Nothing could change: no file, no process of the project. */
  readonly readOnly: boolean;
  /** What a shell call ran, wrappers taken off, and whether its exit code is that of the last command. */
  readonly shell?: {
    readonly commands: readonly (readonly string[])[];
    readonly exitIsLast: boolean;
    /** A redirection writes a file. */
    readonly redirects: boolean;
  };
}

export interface Gate {
  /** The tools array for the model: constant for the life of a session. */
  readonly declarations: readonly ToolDeclaration[];
  /** True when the tool may run beside others of the same message. */
  parallel(tool: string): boolean;
  /** The person sends the running command to the background; false when none runs. */
  background(): Promise<boolean>;
  run(call: ToolCallPart, context: CallContext, signal: AbortSignal): Promise<ToolOutcome>;
  /** For what a face asks of foreign servers: each start is leased and on record under the person's name. */
  foreignHands(actor: Actor): ForeignHands;
}
