/** Types of the merge function of @bcoe/v8-coverage, which ships none. */
declare module "@bcoe/v8-coverage" {
  interface ScriptCov {
    readonly url: string;
    readonly functions: {
      functionName: string;
      isBlockCoverage: boolean;
      ranges: { startOffset: number; endOffset: number; count: number }[];
    }[];
  }
  export interface ProcessCov {
    readonly result: ScriptCov[];
  }
  export function mergeProcessCovs(covs: readonly ProcessCov[]): ProcessCov;
}
