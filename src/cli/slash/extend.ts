/** Slash commands about what a person adds: skills, commands, agents, hooks, memory; and those that they wrote themselves. */
import { CrucibleError } from "../../base/error.ts";
import { oneLine } from "../../base/text.ts";
import type { App } from "../../core/ports/app.ts";
import { commit } from "../commit.ts";
import { type Custom, customCommands, expandCustom } from "../custom.ts";
import { editText } from "../desktop.ts";
import { harmless } from "../output.ts";
import { type SlashCommand, type Talk, wordsOf } from "./slash.ts";

const EXPAND_MS = 600_000;

export const extendCommands: Readonly<Record<string, SlashCommand>> = {
  skills: {
    about: "what is loaded when it fits; /skill:name words uses one",
    whileBusy: true,
    async run(_words, talk) {
      const { skills, notes } = await talk.app.extensions();
      listed(talk, skills, "skills");
      talk.say(...notes.map((note) => talk.view.style.yellow(harmless(note))));
    },
  },
  agents: {
    about: "who can be started as (--agent name) or handed work",
    whileBusy: true,
    run: async (_words, talk) => listed(talk, (await talk.app.extensions()).agents, "agents"),
  },
  hooks: {
    about: "programs that look at what happens, and may only tighten",
    whileBusy: true,
    async run(_words, talk) {
      const { entries, notes } = await talk.app.hooks();
      if (entries.length === 0) talk.say("no hooks here: see docs/extend.md");
      for (const { event, matcher, command, origin } of entries)
        talk.say(
          `${event.padEnd(18)} ${(matcher || "*").padEnd(14)} ${origin.padEnd(8)} ${oneLine(harmless(command), 80)}`,
        );
      talk.say(...notes.map((note) => talk.view.style.yellow(harmless(note))));
    },
  },
  memory: {
    about: "what is remembered here: shown, edited, taken out",
    hint: "[edit|rm number]",
    whileBusy: true,
    async run(words, talk) {
      if (words !== "edit") return talk.program("memory", ...wordsOf(words === "" ? "list" : words));
      const view = await talk.app.memory();
      const text = await talk.view.alone(() =>
        editText(
          view
            .list()
            .map((line) => `${line}\n`)
            .join(""),
          talk.env,
        ),
      );
      view.replace(text.split("\n"));
      await talk.program("memory", "list");
    },
  },
  remember: {
    about: "remember a line in this folder (like a line that begins with # and a space)",
    hint: "words",
    whileBusy: true,
    async run(words, talk) {
      if (words === "") throw new CrucibleError("usage", "/remember needs words");
      (await talk.app.memory()).add(words);
      talk.say(talk.view.style.dim(`remembered: ${oneLine(harmless(words), 120)} (/memory shows all)`));
    },
  },
  commit: {
    about: "commit what is staged with a message made from it; never pushes",
    hint: "[-a]",
    async run(words, talk) {
      const ask = async (title: string, choices: readonly string[]) =>
        talk.view.choose(
          title,
          choices.map((value) => ({ value, label: value })),
        );
      await commit({
        ...{ app: talk.app, flags: talk.flags, human: talk.view.human },
        ...{ all: words === "-a", dryRun: false, yes: false },
        say: (...lines) => talk.say(...lines.map(harmless)),
        choose: ask,
        line: (title) => talk.view.line(title),
      });
    },
  },
  import: {
    about: "what could be taken over from another agent's setup",
    run: (words, talk) => talk.program("import", ...(words === "" ? ["--dry-run"] : wordsOf(words))),
  },
};

function listed(talk: Talk, all: readonly { name: string; description: string; file: string }[], what: string): void {
  if (all.length === 0) return talk.say(`no ${what} here: see docs/extend.md`);
  for (const { name, description, file } of all)
    talk.say(`${harmless(name).padEnd(20)} ${harmless(description)}  ${talk.view.style.dim(harmless(file))}`);
}

/** The person's own commands and skills as slash commands. */
export async function customSlash(app: App): Promise<Readonly<Record<string, SlashCommand>>> {
  const all = await customCommands(app);
  return Object.fromEntries([...all].map(([name, custom]) => [name, slashOf(name, custom)]));
}

function slashOf(name: string, custom: Custom): SlashCommand {
  return {
    about: harmless(custom.description),
    ...(custom.hint === "" ? {} : { hint: harmless(custom.hint) }),
    async run(words, talk) {
      const line = `/${name} ${words}`.trim();
      const model = custom.model === undefined || talk.live ? {} : { model: { model: custom.model } };
      const live = await talk.open({ title: line, ...model });
      const parts = await expandCustom(custom, words, live, AbortSignal.timeout(EXPAND_MS));
      await talk.prompt(line, undefined, { parts, ...(custom.only ? { only: custom.only } : {}) });
    },
  };
}
