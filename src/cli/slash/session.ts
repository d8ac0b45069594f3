/** Slash commands about the session: another one, its name, its branches, what it holds. */
import { CrucibleError } from "../../base/error.ts";
import type { SessionRow } from "../../core/ports/store.ts";
import { lastWords } from "../last-words.ts";
import { harmless } from "../output.ts";
import { short } from "../render/usage-text.ts";
import type { SlashCommand, Talk } from "./slash.ts";

const fresh: SlashCommand = {
  about: "begin a new session; the old one stays (see /resume)",
  async run(_words, talk) {
    await talk.close();
    talk.say(talk.view.style.dim("a new session"));
  },
};

export const sessionCommands: Readonly<Record<string, SlashCommand>> = {
  new: fresh,
  clear: {
    ...fresh,
    about: "like /new, on an empty screen",
    run: async (words, talk) => {
      talk.view.redraw();
      await fresh.run(words, talk);
    },
  },
  resume: {
    about: "go on with an earlier session",
    hint: "[id|name|words]",
    async run(words, talk) {
      const id = words === "" ? await pick(talk, await rows(talk)) : await found(talk, words);
      if (id === undefined) return;
      await talk.close();
      const live = await talk.open({ resume: id, fork: false });
      talk.say(talk.view.style.dim(`session ${live.id.slice(0, 13)}`), ...lastWords(live, talk.view.style));
    },
  },
  fork: {
    about: "go on in a branch of this session",
    hint: "[name]",
    async run(words, talk) {
      const from = need(talk).id;
      await talk.close();
      const live = await talk.open({ resume: from, fork: true, ...(words === "" ? {} : { name: words }) });
      talk.say(talk.view.style.dim(`session ${live.id.slice(0, 13)}, a branch of ${from.slice(0, 13)}`));
    },
  },
  name: {
    about: "give this session a name",
    hint: "name",
    whileBusy: true,
    async run(words, talk) {
      if (words === "") throw new CrucibleError("usage", "/name needs a name");
      (await talk.open()).rename(words);
      talk.say(talk.view.style.dim(`named ${harmless(words)}`));
    },
  },
  export: {
    about: "write this session to a file",
    hint: "[markdown|html|jsonl] [file]",
    whileBusy: true,
    complete: () => ["markdown", "html", "jsonl"],
    async run(words, talk) {
      const { id } = need(talk);
      const [form = "markdown", file] = words.split(/\s+/).filter(Boolean);
      const ending = { markdown: "md", html: "html", jsonl: "jsonl" }[form] ?? form;
      await talk.program(
        "sessions",
        "export",
        id,
        "--format",
        form,
        "--to",
        file ?? `session-${id.slice(0, 13)}.${ending}`,
      );
    },
  },
  diff: {
    about: "what is changed and not committed, new files too",
    whileBusy: true,
    async run(_words, talk) {
      const live = await talk.open();
      const command = "git status --short --untracked-files=all && git diff --no-ext-diff --no-textconv HEAD";
      const { text } = await live.own({ tool: "shell", input: { command } }, AbortSignal.timeout(60_000));
      if (text.includes("\n(no output)\n")) talk.say("nothing is changed");
    },
  },
  compact: {
    about: "put a summary in the place of the older part of the conversation",
    async run(_words, talk) {
      await need(talk).compact(AbortSignal.timeout(600_000));
    },
  },
  tasks: {
    about: "background commands of this session",
    whileBusy: true,
    run(_words, talk) {
      const events = talk.live?.events() ?? [];
      const ends = new Map(events.flatMap((event) => (event.kind === "job-end" ? [[event.job, event.exitCode]] : [])));
      const jobs = events.flatMap((event) => (event.kind === "job-start" ? [event] : []));
      if (jobs.length === 0) return talk.say("no command runs in the background");
      for (const { job, command } of jobs)
        talk.say(`${ends.has(job) ? `ended (${ends.get(job) ?? "killed"})` : "runs"}  ${job}  ${harmless(command)}`);
    },
  },
  context: {
    about: "what fills the window",
    whileBusy: true,
    async run(_words, talk) {
      const parts = await talk.app.prompt();
      const last = talk.live?.events().findLast((event) => event.kind === "model-end" && event.purpose === "turn");
      const usage = last?.kind === "model-end" ? last.message.usage : undefined;
      const window = talk.model?.window;
      const used = usage ? usage.input + usage.output : 0;
      const head = parts.reduce((sum, part) => sum + part.tokens, 0);
      talk.say(
        `window   ${window ? `${short(window.tokens)} tokens (${window.source})` : "unknown until a model answers"}`,
        `used     ${usage ? `${short(used)} (${usage.source}), ${usage.cached === undefined ? "cached share unknown" : `${short(usage.cached)} of them cached`}` : "nothing yet"}`,
        `head     about ${short(head)}: ${parts.map(({ name, tokens }) => `${name} ${tokens}`).join(", ")}`,
        ...(usage ? [`thread   about ${short(Math.max(0, used - head))}`] : []),
      );
    },
  },
  cost: {
    about: "what this session took",
    whileBusy: true,
    async run(_words, talk) {
      const { createTotals } = await import("../totals.ts");
      const totals = createTotals();
      for (const event of talk.live?.events() ?? []) totals.take(event);
      if (totals.models.size === 0) return talk.say("nothing was asked yet");
      for (const [name, { requests, input, cached, output, decodeMs }] of totals.models) {
        const speed = decodeMs > 0 ? `, ${Math.round((output / decodeMs) * 1000)} tok/s` : "";
        talk.say(
          `${name}: ${requests} requests, ${short(input)} tokens read (${short(cached)} cached), ${short(output)} written${speed}`,
        );
      }
      talk.say(`${totals.toolCalls} calls, ${totals.denials.length} denied, ${totals.checks} checks run`);
    },
  },
  evidence: {
    about: "checks that ran in this session, newest last",
    whileBusy: true,
    run(_words, talk) {
      const events = talk.live?.events() ?? [];
      const runs = events.flatMap((event) => (event.kind === "check-run" ? [event] : []));
      if (runs.length === 0) return talk.say("no check has run in this session");
      const clock = events.reduce(
        (most, event) => (event.kind === "file-changed" ? Math.max(most, event.clock) : most),
        0,
      );
      for (const run of runs)
        talk.say(
          `${run.exitCode === 0 ? "✔" : "✗"} ${run.check}  ${harmless(run.command)}  exit ${run.exitCode}${run.clock >= clock ? "" : "  (older than the last edit)"}`,
        );
    },
  },
};

/** The session that there is. Throws `usage`. */
export function need(talk: Talk) {
  if (talk.live) return talk.live;
  throw new CrucibleError("usage", "there is no session yet", { hint: "say something first, or /resume one" });
}

async function rows(talk: Talk): Promise<readonly SessionRow[]> {
  return (await talk.app.sessions()).list(talk.app.workspace).filter(({ id }) => id !== talk.live?.id);
}

async function found(talk: Talk, words: string): Promise<string | undefined> {
  const store = await talk.app.sessions();
  try {
    return store.find(words, talk.app.workspace).id;
  } catch (error) {
    const named = (await rows(talk)).filter(({ title, name }) =>
      `${name ?? ""} ${title}`.toLowerCase().includes(words.toLowerCase()),
    );
    if (named.length === 0) throw error;
    return named.length === 1 ? named[0]?.id : pick(talk, named);
  }
}

function pick(talk: Talk, sessions: readonly SessionRow[]): Promise<string | undefined> {
  if (sessions.length === 0) throw new CrucibleError("session-missing", "there is no other session in this folder");
  return talk.view.choose(
    "Which session?",
    sessions.slice(0, 200).map(({ id, name, title, updatedAt }) => ({
      value: id,
      label: name ?? title,
      about: `${new Date(updatedAt).toISOString().slice(0, 16).replace("T", " ")}  ${id.slice(0, 13)}`,
    })),
  );
}
