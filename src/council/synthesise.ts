/** One writer over the winner of a search for a patch. */
import type { FileEdit } from "../core/ports/council.ts";
import { askVoices } from "./ask-voices.ts";
import type { Candidate } from "./candidates.ts";
import type { Checking } from "./evidence.ts";
import { EDITS_FORM } from "./forms.ts";
import { proposalsText } from "./prompts.ts";
import { CONTRIBUTION_TOKENS, type Search, stand, tailLines } from "./search.ts";

/** One writer mends what a valid check still finds in the winner; what it breaks is not kept. */
export async function synthesise(
  search: Search,
  winner: Candidate,
): Promise<{ readonly edits?: readonly FileEdit[]; readonly told: string } | undefined> {
  const { sitting, candidates, evidence } = search;
  const others = candidates.all.filter(({ id }) => id !== winner.id);
  const open = evidence.checks.filter(
    ({ id }) =>
      evidence.outcome(id, winner.id) === "fail" && others.some((other) => evidence.outcome(id, other.id) === "pass"),
  );
  const writer = sitting.plan.members.find(({ voice }) => voice.id === winner.patches[0]?.author);
  if (open.length === 0 || !writer) return undefined;
  const findings = open.map((check) => `${check.title}: fail\n${tailLines(evidence.output(check.id, winner.id), 12)}`);
  const { answers } = await askVoices(sitting, [writer], {
    round: "write",
    stage: "write",
    form: () => EDITS_FORM,
    maxTokens: CONTRIBUTION_TOKENS,
    shared: proposalsText([{ label: "A", text: winner.diff, findings }]),
    order: () => ["A"],
  });
  const { edits: more = [] } = (answers[0]?.value ?? {}) as { edits?: readonly FileEdit[] };
  if (more.length === 0) return { told: "the writer handed in nothing: the winner stays as it is" };
  const edits = [...(winner.patches[0]?.edits ?? []), ...more];
  const group = winner.patches[0]?.group ?? "";
  const [whole] = await stand(search, [{ id: "synthesis", author: writer.voice.id, group, text: "", edits }]);
  if (!whole) return { told: "what the writer made of it does not apply: the winner stays as it is" };
  await evidence.gather(candidates, []);
  const passed = (id: string, on: string) => evidence.outcome(id, on) === "pass";
  const kept = evidence.checks.every(({ id }: Checking) => !passed(id, winner.id) || passed(id, whole.id));
  const mended = open.filter(({ id }) => passed(id, whole.id)).length;
  if (!kept || mended === 0) return { told: "what the writer made of it passes less: the winner stays as it is" };
  return {
    edits,
    told: `one writer mended ${mended} of ${open.length} findings, and everything that passed passes again`,
  };
}
