/** Slash commands about models and voices: who answers, how long it may think, and larger work. */
import { CrucibleError } from "../../base/error.ts";
import { nameOf } from "../../core/message.ts";
import type { Work } from "../../core/ports/app.ts";
import { parseFlags, type Work as WorkName } from "../flags.ts";
import { modelChoice } from "../open-options.ts";
import { workOptions } from "../work.ts";
import { type SlashCommand, type Talk, wordsOf } from "./slash.ts";

/** Models of the servers that this conversation may ask. */
const names = async (talk: Pick<Talk, "app" | "flags">): Promise<readonly string[]> => {
  const { models } = await (await talk.app.models()).list(modelChoice(talk.flags), AbortSignal.timeout(4_000));
  return models.map(({ ref }) => nameOf(ref));
};

const EFFORTS = ["off", "low", "medium", "high"] as const;

export const modelCommands: Readonly<Record<string, SlashCommand>> = {
  model: {
    about: "answer with another model from now on",
    hint: "[provider/model]",
    complete: (_prefix, talk) => names(talk),
    async run(words, talk) {
      const wanted =
        words !== ""
          ? words
          : await talk.view.choose(
              "Which model?",
              (await names(talk)).map((name) => ({ value: name, label: name })),
            );
      if (wanted === undefined) return;
      const model = { ...modelChoice(talk.flags), model: wanted };
      const id = talk.live?.id;
      const models = await talk.app.models();
      const { ref } = await models.open(model, AbortSignal.timeout(660_000));
      await talk.close();
      await talk.open({ model, ...(id === undefined ? {} : { resume: id, fork: false }) });
      talk.say(talk.view.style.dim(`${nameOf(ref)} answers from now on`));
    },
  },
  effort: {
    about: "how much a thinking model may think",
    hint: EFFORTS.join("|"),
    complete: () => EFFORTS,
    async run(words, talk) {
      if (words === "")
        return talk.say(`effort: ${talk.effort ?? "as the model has it"} (/effort ${EFFORTS.join("|")})`);
      const effort = EFFORTS.find((each) => each === words);
      if (!effort) throw new CrucibleError("usage", `/effort ${words}: one of ${EFFORTS.join(", ")}`);
      const id = talk.live?.id;
      await talk.close();
      await talk.open({ effort, ...(id === undefined ? {} : { resume: id, fork: false }) });
      talk.say(talk.view.style.dim(`effort ${effort}`));
    },
  },
  council: {
    about: "put a question to a council; alone: the last councils",
    hint: "[question] [--patch] [--voices a,b] ...",
    run: (words, talk) => (words === "" ? talk.program("council", "list") : larger("council", words, talk)),
  },
  spiral: {
    about: "larger work in five phases",
    hint: "work [--scale micro|meso|epic] [--accept command]",
    run: (words, talk) => larger("spiral", words, talk),
  },
  review: {
    about: "voices read a change: what is not committed, or --base, --commit",
    hint: "[--base branch] [--fail-on high]",
    run: (words, talk) => larger("review", words, talk),
  },
  why: {
    about: "the last council of this session: evidence, votes, who dissents and what would change their mind",
    hint: "[id]",
    async run(words, talk) {
      const last = talk.live?.events().findLast((event) => event.kind === "decision-made");
      const id =
        words !== "" ? words : last?.kind === "decision-made" ? last.work : (await talk.app.councils()).list()[0]?.id;
      if (id === undefined) throw new CrucibleError("session-missing", "no council has decided here yet");
      await talk.program("council", "show", id);
    },
  },
};

/** A prompt of larger work, with the flags that the command line has for it. */
async function larger(name: WorkName, line: string, talk: Talk): Promise<void> {
  const flags = parseFlags(wordsOf(line), {});
  const work = workOptions(flags, name, talk.app) as Work;
  const text = flags.words.join(" ");
  if (text === "" && name !== "review")
    throw new CrucibleError("usage", `/${name} needs words: what is it about?`, { hint: `/${name} "what to do"` });
  await talk.prompt(text === "" ? "Review what is not committed." : text, work);
}
