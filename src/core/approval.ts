/** A yes that is remembered: exactly what it covers, where, by whom and for how long. */

/** What one remembered yes covers; every field that is there must fit. */
export interface ApprovalScope {
  readonly tool: string;
  /** The parsed words of a command with its options, program first: all of them, or its beginning when `open`. */
  readonly words?: readonly string[];
  /** Further plain operands may follow `words`; never an option, and nothing is fed to it. */
  readonly open?: boolean;
  /** Resolved path of a file tool. */
  readonly path?: string;
  /** `host:port` of a fetch. */
  readonly host?: string;
  /** Hash of a foreign tool's description and schemas: another one is another tool. */
  readonly pin?: string;
  /** Folder in which the command runs or the call is made. */
  readonly cwd: string;
}

export interface Approval extends ApprovalScope {
  readonly id: string;
  /** Root of the workspace in which it holds. */
  readonly workspace: string;
  /** Id of the actor who said yes. */
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly expiresAt: number;
}

/** The remembered approvals of one workspace. */
export interface Approvals {
  /** Those that hold now; read afresh, so that a revocation counts at once. Throws `bad-config`. */
  current(): readonly Approval[];
  /** Durable when it returns. */
  add(scopes: readonly ApprovalScope[], by: string): readonly Approval[];
}
