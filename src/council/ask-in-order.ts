/** Asks voices that wait for others after those, with what these handed in; voices that wait for nobody stay blind. */
import { type Answer, askVoices, type Question, type Round } from "./ask-voices.ts";
import { neutral } from "./neutral.ts";
import type { Member } from "./plan.ts";
import { quoted } from "./prompts.ts";
import type { Sitting } from "./sitting.ts";

/** One round for each depth of waiting; without any it is one round. `earlier`: what was handed in before. */
export async function askInOrder(
  sitting: Sitting,
  members: readonly Member[],
  question: Question,
  earlier: readonly Answer[] = [],
): Promise<Round> {
  const answers: Answer[] = [];
  let waiting = [...members];
  for (let depth = 0; waiting.length > 0; depth++) {
    const open = new Set(waiting.map(({ voice }) => voice.id));
    const ready = waiting.filter(({ dependsOn }) => !dependsOn.some((id) => open.has(id)));
    // A circle cannot stand in a plan; should one, its members are asked together rather than never.
    const asked = ready.length > 0 ? ready : waiting;
    const known = [...earlier, ...answers];
    const round = await askVoices(sitting, asked, {
      ...question,
      round: depth === 0 ? question.round : `${question.round}+${depth}`,
      extra: (member) => (question.extra?.(member) ?? "") + handedIn(member, known),
    });
    answers.push(...round.answers);
    if (round.stop !== undefined) return { answers, stop: round.stop };
    waiting = waiting.filter((member) => !asked.includes(member));
  }
  return { answers };
}

/** What a member waits for, without saying who it is from. */
function handedIn({ dependsOn }: Member, known: readonly Answer[]): string {
  const read = known.filter(({ voice, status }) => status === "ok" && dependsOn.includes(voice));
  if (read.length === 0) return "";
  const texts = read.map(({ value }) => quoted(neutral(JSON.stringify(value)), "contribution"));
  return `\n${texts.join("\n")}\n`;
}
