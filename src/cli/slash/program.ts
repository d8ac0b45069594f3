/** Slash commands that are commands of this program, and those about the conversation's own face. */
import { CrucibleError } from "../../base/error.ts";
import { nearest } from "../../base/text.ts";
import { STYLES } from "../../core/style.ts";
import type { Mode } from "../../core/verdict.ts";
import { THEMES } from "../tui/theme.ts";
import { type SlashCommand, type Talk, wordsOf } from "./slash.ts";

/** `/name words` is `crucible name words`, or begins with the third entry; alone it is the second. */
const PROGRAM: Readonly<
  Record<string, readonly [about: string, alone: readonly string[], hint?: string, begin?: readonly string[]]>
> = {
  models: ["models of every server that answers", ["models"]],
  voices: ["who speaks in a council", ["voices", "list"], "[show id]"],
  route: ["which model would answer a prompt, and why", ["route", "explain", "--help"], "words", ["route", "explain"]],
  sandbox: ["try every way out of the sandbox", ["sandbox", "verify"]],
  trust: [
    "what this folder would run or steer; --yes trusts it from the next session on",
    ["trust", "--show"],
    "[--yes]",
  ],
  approvals: ["what you allowed for longer", ["approvals"]],
  audit: ["the audit log: verify, tail, export", ["audit", "tail"], "[verify|tail]"],
  status: ["servers, models and what was learned of them", ["status"]],
  stats: ["times, tokens, tools and voices of your sessions", ["stats"]],
  doctor: ["what works here, and what mends the rest", ["doctor"]],
  mcp: ["foreign servers", ["mcp", "list"], "[get|test|login|logout name]"],
  login: ["log in to a foreign server", ["mcp", "list"], "name", ["mcp", "login"]],
  logout: ["forget the login to a foreign server", ["mcp", "list"], "name", ["mcp", "logout"]],
  config: ["read and change the configuration", ["config", "show"], "[get key|set key value]"],
};

const MODES: readonly Mode[] = ["default", "auto", "plan"];

export const programCommands: Readonly<Record<string, SlashCommand>> = {
  ...Object.fromEntries(
    Object.entries(PROGRAM).map(([name, [about, alone, hint, begin = [name]]]): [string, SlashCommand] => [
      name,
      {
        about,
        ...(hint === undefined ? {} : { hint }),
        whileBusy: true,
        // A prompt to route is one word of the command line.
        run: (words, talk) =>
          talk.program(...(words === "" ? alone : [...begin, ...(name === "route" ? [words] : wordsOf(words))])),
      },
    ]),
  ),
  permissions: {
    about: "what may run without a question",
    hint: MODES.join("|"),
    whileBusy: true,
    complete: () => MODES,
    async run(words, talk) {
      if (words === "") return talk.say(`mode: ${talk.mode} (Shift+Tab, or /permissions ${MODES.join("|")})`);
      const mode = MODES.find((each) => each === words);
      if (!mode) throw new CrucibleError("usage", `/permissions ${words}: one of ${MODES.join(", ")}`);
      talk.setMode(mode);
      talk.say(talk.view.style.dim(`mode ${mode}`));
    },
  },
  plan: {
    about: "only read, and end with a plan; with words: begin with them",
    hint: "[words]",
    async run(words, talk) {
      talk.setMode("plan");
      if (words === "")
        return talk.say(talk.view.style.dim("plan mode: nothing is changed until you leave it (Shift+Tab)"));
      await talk.prompt(words);
    },
  },
  goal: {
    about: "work that goes on until a command passes",
    hint: '"command" words',
    async run(words, talk) {
      const [check, ...rest] = wordsOf(words);
      if (check === undefined || rest.length === 0)
        throw new CrucibleError("usage", "/goal needs a command and words", {
          hint: '/goal "npm test" mend the basket',
        });
      await talk.prompt(rest.join(" "), { goal: { check, attempts: 10 } });
    },
  },
  style: {
    about: "how long answers are",
    hint: STYLES.join("|"),
    whileBusy: true,
    complete: () => STYLES,
    run(words, talk) {
      if (words === "") return talk.say(`style: ${talk.style} (/style ${STYLES.join("|")})`);
      const style = STYLES.find((each) => each === words);
      if (!style) throw new CrucibleError("usage", `/style ${words}: one of ${STYLES.join(", ")}`);
      talk.setStyle(style);
      talk.say(talk.view.style.dim(`style ${style}`));
    },
  },
  theme: {
    about: "colours",
    hint: THEMES.join("|"),
    whileBusy: true,
    complete: () => THEMES,
    async run(words, talk) {
      const name =
        words !== ""
          ? words
          : await talk.view.choose(
              "Which theme?",
              THEMES.map((each) => ({ value: each, label: each })),
            );
      if (name === undefined) return;
      if (!THEMES.some((each) => each === name))
        throw new CrucibleError("usage", `/theme ${name}: one of ${THEMES.join(", ")}`);
      await talk.app.config.set("ui.theme", name);
      talk.view.setTheme(name);
    },
  },
  keybindings: {
    about: "every key and what it does",
    whileBusy: true,
    run(_words, talk) {
      for (const { action, keys, about } of talk.keys())
        talk.say(`${(keys.join(", ") || "-").padEnd(28)} ${about}  ${talk.view.style.dim(action)}`);
      talk.say(
        talk.view.style.dim(`change them in ${talk.app.config.places.config}/keybindings.json: {"app.mode": "alt+m"}`),
      );
    },
  },
  bug: {
    about: "what a report should hold",
    async run(_words, talk) {
      await talk.program("doctor");
      talk.say("Add this, what you did, what you expected and what happened instead. Nothing is sent from here.");
    },
  },
  help: {
    about: "this list",
    whileBusy: true,
    run(_words, talk) {
      const rows = Object.entries(talk.commands).sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [name, { about }] of rows) talk.say(`/${name.padEnd(12)} ${about}`);
      talk.say(
        "",
        "@file points at a file · !command runs one yourself · Enter while it works steers it · /keybindings lists keys",
      );
    },
  },
  quit: { about: "leave", whileBusy: true, run: (_words, talk) => talk.leave() },
  exit: { about: "leave", whileBusy: true, run: (_words, talk) => talk.leave() },
};

/** Runs one line. Throws `usage` for what is no command, or not while it works. */
export async function runSlash(line: string, talk: Talk): Promise<void> {
  const [, name = "", words = ""] = /^\/(\S*)\s*([\s\S]*)$/.exec(line) ?? [];
  const command = talk.commands[name];
  if (!command) {
    const near = nearest(name, Object.keys(talk.commands));
    throw new CrucibleError("usage", `there is no /${name}`, { hint: near ? `did you mean /${near}?` : "see: /help" });
  }
  if (talk.busy && !command.whileBusy)
    throw new CrucibleError("usage", `/${name} waits for nothing: it is at work`, { hint: "stop it first: Esc" });
  await command.run(words.trim(), talk);
}
