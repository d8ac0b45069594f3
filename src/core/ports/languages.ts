/** The port to language servers: what is wrong in a file, where a name is defined and used. */

/** One problem of a file; lines count from 1. */
export interface Problem {
  readonly line: number;
  readonly message: string;
}

export interface FileProblems {
  /** Absolute. */
  readonly path: string;
  readonly problems: readonly Problem[];
}

/** A place in a file; lines and columns count from 1. */
export interface SourcePlace {
  /** Absolute. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** A file as it is now, with the text that the caller has read or written. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export interface Languages {
  /**
   * Errors of the file after a change, and of files changed earlier whose errors are only known now. Undefined when
   * no server is there for it, or when it does not answer in time: then nothing is known.
   */
  problems(file: SourceFile, signal: AbortSignal): Promise<readonly FileProblems[] | undefined>;
  /** Places where what stands at `place` is defined. Throws `tool-failed` when no server can tell. */
  definition(file: SourceFile, place: SourcePlace, signal: AbortSignal): Promise<readonly SourcePlace[]>;
  /** Places where it is used. Throws like `definition`. */
  references(file: SourceFile, place: SourcePlace, signal: AbortSignal): Promise<readonly SourcePlace[]>;
}

/** A language server as it stands here. */
export interface LanguageServerState {
  readonly name: string;
  /** What it would be started with; absent when it is not installed. */
  readonly words?: readonly string[];
  readonly extensions: readonly string[];
}
