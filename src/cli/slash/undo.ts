/** Slash commands that go back: files and conversation together; what the person changed since stays. */
import { CrucibleError } from "../../base/error.ts";
import type { UndoOptions } from "../../core/ports/undo.ts";
import { harmless } from "../output.ts";
import { counted } from "../render/counted.ts";
import { undoText } from "../render/undo-text.ts";
import { need } from "./session.ts";
import type { SlashCommand, Talk } from "./slash.ts";

export const undoCommands: Readonly<Record<string, SlashCommand>> = {
  undo: {
    about: "take the last turn back: its files, commands' effects too, and what was said",
    hint: "[how many turns]",
    async run(words, talk) {
      const turns = words === "" ? 1 : Number(words);
      if (!Number.isSafeInteger(turns) || turns < 1)
        throw new CrucibleError("usage", `/undo ${words}: no number of turns`);
      await takeBack(talk, { turns });
    },
  },
  redo: { about: "take the last undo back", run: async (_words, talk) => void (await takeBack(talk, { redo: true })) },
  rewind: {
    about: "go back to the state before a turn that you choose",
    async run(_words, talk) {
      const turns = need(talk)
        .checkpoints()
        .filter(({ undone }) => !undone);
      if (turns.length === 0) throw new CrucibleError("usage", "there is no turn to go back to");
      const chosen = await talk.view.choose(
        "Back to the state before which turn?",
        [...turns].reverse().map(({ turn, title, files, added, removed }) => ({
          value: String(turn),
          label: harmless(title),
          about: `turn ${turn}, ${counted(files, "file")}${added + removed > 0 ? `, +${added} -${removed}` : ""}`,
        })),
      );
      if (chosen === undefined) return;
      const title = turns.find(({ turn }) => String(turn) === chosen)?.title ?? "";
      if (await takeBack(talk, { to: Number(chosen) })) talk.view.propose(title);
    },
  },
};

/** Asks where files were changed since by somebody else; true when it was done. */
async function takeBack(talk: Talk, options: UndoOptions): Promise<boolean> {
  const live = need(talk);
  const { workspace } = talk.app;
  let report = await live.undo(options);
  if (!report.done && report.conflicts.length > 0) {
    talk.say(...undoText(report, options, workspace).trimEnd().split("\n"));
    const doubtful = report.conflicts.some(({ why }) => why === "doubtful");
    const answer = await talk.view.choose("Some files were changed since. And now?", [
      { value: "", label: "change nothing" },
      { value: "keep", label: "leave these, undo all others" },
      ...(doubtful ? [{ value: "doubtful", label: "the doubtful ones too" }] : []),
    ]);
    if (answer === undefined || answer === "") return false;
    report = await live.undo({ ...options, keepMine: true, ...(answer === "doubtful" ? { doubtful: true } : {}) });
  }
  talk.say(...undoText(report, options, workspace).trimEnd().split("\n"));
  return report.done;
}
