/** Patches that stand for election: applied to throw-away copies, equal ones merged, each run once for each check. */
import type { Json } from "../base/canonical-json.ts";
import { CrucibleError } from "../base/error.ts";
import type { OptionId, VoiceId } from "../core/council.ts";
import type { CheckResult, CopyPort, FileEdit, WorkspaceCopy } from "../core/ports/council.ts";
import { diffForm } from "./near-copies.ts";
import type { Sitting } from "./sitting.ts";

/** A patch as a voice handed it in. */
export interface Patch {
  readonly id: OptionId;
  readonly author: VoiceId;
  readonly group: string;
  readonly text: string;
  readonly confidence?: number;
  readonly edits: readonly FileEdit[];
}

/** A patch and all that change the code as it does; the first stands for them. */
export interface Candidate {
  readonly id: OptionId;
  readonly patches: readonly Patch[];
  readonly diff: string;
}

/** A command with the files it needs while it runs. */
export interface Run {
  readonly id: string;
  /** As it is shown. */
  readonly title: string;
  readonly command: string;
  readonly timeoutMs: number;
  readonly files?: readonly { readonly path: string; readonly content: string }[];
}

export interface Candidates extends AsyncDisposable {
  /** Applies patches; those that do not apply come back with why. */
  add(
    patches: readonly Patch[],
  ): Promise<{ readonly fresh: readonly Candidate[]; readonly refused: ReadonlyMap<OptionId, string> }>;
  readonly all: readonly Candidate[];
  /** Runs one command on a candidate, or (`base`) on the workspace as it is; undefined when no time for runs is left. */
  run(on: OptionId | "base", run: Run): Promise<CheckResult | undefined>;
}

type Applied = { readonly problem?: string; readonly diff: string };

/** Copies are made when something is to be run that is not on record yet. */
export function createCandidates(sitting: Sitting, port: CopyPort): Candidates {
  const { steps } = sitting.ports;
  const copies = new Map<OptionId | "base", Promise<WorkspaceCopy>>();
  let all: Candidate[] = [];
  const patchOf = (id: OptionId) => all.flatMap(({ patches }) => patches).find((patch) => patch.id === id);
  const copyOf = (id: OptionId | "base", edits: readonly FileEdit[] = patchOf(id)?.edits ?? []) => {
    const made = copies.get(id) ?? makeCopy(sitting, port, edits);
    copies.set(id, made);
    return made;
  };
  const apply = async (patch: Patch): Promise<Applied> => {
    const recorded = await steps.once(`apply/${patch.id}`, async (): Promise<Json> => {
      const copy = await port.copy(sitting.signal);
      const { problem } = await copy.edit(patch.edits, sitting.signal);
      const diff = problem === undefined ? await copy.diff() : "";
      const empty = problem === undefined && diff.trim() === "" ? "it changes nothing" : problem;
      if (empty === undefined) copies.set(patch.id, Promise.resolve(copy));
      else await copy[Symbol.asyncDispose]();
      return { diff, ...(empty === undefined ? {} : { problem: empty }) };
    });
    return recorded as unknown as Applied;
  };
  return {
    get all() {
      return all;
    },
    async add(patches) {
      const refused = new Map<OptionId, string>();
      const known = new Set(all.map(({ id }) => id));
      for (const patch of patches) {
        const { problem, diff } = await apply(patch);
        if (problem !== undefined) refused.set(patch.id, problem);
        else all = merged(all, patch, diff);
      }
      for (const [id, copy] of copies)
        if (id !== "base" && !all.some((candidate) => candidate.id === id)) {
          copies.delete(id);
          await (await copy)[Symbol.asyncDispose]();
        }
      return { fresh: all.filter(({ id }) => !known.has(id)), refused };
    },
    async run(on, run) {
      const key = `run/${run.id}/${on}`;
      let live = false;
      const recorded = await steps.once(key, async (): Promise<Json> => {
        live = true;
        const left = sitting.budget.execLeft();
        if (left <= 0 || sitting.budget.wallLeft() <= 0) return null;
        const copy = await copyOf(on);
        const timeoutMs = Math.max(1, Math.round(Math.min(run.timeoutMs, left, sitting.budget.wallLeft())));
        const options = { timeoutMs, ...(run.files ? { files: run.files } : {}) };
        const result = await copy.run(run.command, options, sitting.signal);
        sitting.signal.throwIfAborted();
        return { ...result, ms: Math.round(result.ms) };
      });
      const result = recorded as unknown as CheckResult | null;
      if (result === null) return undefined;
      sitting.budget.ran(result.ms);
      if (live)
        sitting.emit({
          kind: "evidence-found",
          work: sitting.plan.id,
          check: run.title,
          proposal: on,
          outcome: result.outcome,
        });
      return result;
    },
    async [Symbol.asyncDispose]() {
      const made = [...copies.values()];
      copies.clear();
      await Promise.all(made.map(async (copy) => (await copy)[Symbol.asyncDispose]()));
    },
  };
}

/** The copy of a patch that applied before a crash: it must apply again. */
async function makeCopy(sitting: Sitting, port: CopyPort, edits: readonly FileEdit[]): Promise<WorkspaceCopy> {
  const copy = await port.copy(sitting.signal);
  if (edits.length === 0) return copy;
  const { problem } = await copy.edit(edits, sitting.signal);
  if (problem === undefined) return copy;
  await copy[Symbol.asyncDispose]();
  throw new CrucibleError("file-changed", `a proposal does not apply any more: ${problem}`, {
    hint: "the workspace changed since this council began: ask anew",
  });
}

function merged(all: readonly Candidate[], patch: Patch, diff: string): Candidate[] {
  const form = diffForm(diff);
  const same = all.find((candidate) => diffForm(candidate.diff) === form);
  if (!same) return [...all, { id: patch.id, patches: [patch], diff }];
  return all.map((candidate) => (candidate === same ? { ...same, patches: [...same.patches, patch] } : candidate));
}
