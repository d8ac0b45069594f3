/** What a person sees before saying yes: the parsed parts, the paths, the reasons, in harmless characters. */
import { withVisibleCodes } from "../base/invisible.ts";
import { shownWords } from "../base/shell-words.ts";
import { showDiff } from "../base/show-diff.ts";
import { oneLine } from "../base/text.ts";
import { labelText } from "../core/label.ts";
import { doubtsOf } from "../core/verdict.ts";
import type { Action } from "./action.ts";
import type { Judgement } from "./judge.ts";

/** Text of one line: nothing in it can begin another one. */
function shown(text: string): string {
  return withVisibleCodes(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

/** One line that names the action: for the question, the journal and the renderer. */
export function titleOf(tool: string, input: Readonly<Record<string, unknown>>): string {
  const keys = ["command", "pattern", "path", "url", "source", "query", "question", "name", "job"];
  const texts = keys.map((key) => input[key]).filter((value) => typeof value === "string");
  return shown(oneLine(`${tool} ${texts.slice(0, 2).join(" ")}`, 200));
}

/** What is shown of an action, and whether that is all of it: nobody says "always" to what was not shown. */
export interface Shown {
  readonly title: string;
  readonly lines: readonly string[];
  readonly complete: boolean;
}

const MAX_LINES = 400;
const MAX_WIDTH = 2_000;

/** The lines of the question for an action that was judged `ask`. */
export async function showAction(action: Action, judgement: Judgement): Promise<Shown> {
  const { shell, context, policy, url } = action;
  const asked = doubtsOf(judgement.verdicts).filter((doubt) => doubt.decision === "ask");
  const texts = [...foreignLines(action), ...commandLines(action), ...(await changeLines(action))];
  const bodies = texts.slice(0, MAX_LINES).map((line) => shown(line));
  const complete = texts.length <= MAX_LINES && bodies.every((line) => line.length <= MAX_WIDTH);
  const paths = action.paths.map((use) => `${use.op}: ${shown(policy.paths.facts.look(use.text, use.cwd).resolved)}`);
  return {
    title: titleOf(action.call.tool, action.call.input),
    complete,
    lines: [
      ...(shell?.commands ?? []).map((words) => `runs: ${shown(shownWords(words))}`),
      ...bodies.map((line) => (line.length <= MAX_WIDTH ? line : `${line.slice(0, MAX_WIDTH)}…`)),
      ...(complete ? [] : [`not all of it is shown: ${texts.length} lines, the longest are cut`]),
      ...new Set(paths),
      ...(url === undefined ? [] : [`address: ${shown(url)}`]),
      ...(shell?.hosts ?? []).map((host) => `network: ${shown(host)}, for this command only`),
      ...(context.integrity === "external" ? [`text from outside was read (${labelText(context)})`] : []),
      ...(context.confidentiality === "secret" ? ["secrets were read in this session"] : []),
      ...asked.map(({ reason, rule }) => `why: ${shown(reason)} [${rule}]`),
    ],
  };
}

/** Whose tool it is, what is not as it was, and all that it is given. */
function foreignLines({ tool, input }: Action): readonly string[] {
  const facts = tool?.foreign;
  if (!facts) return [];
  return [...facts.about, ...facts.changed, ...`input: ${JSON.stringify(input, null, 1)}`.split("\n")];
}

/** The command as it stands, where its parsed parts do not say all: assignments, bodies, redirections. */
function commandLines({ shell, input }: Action): readonly string[] {
  const command = input?.["command"];
  if (!shell || typeof command !== "string") return [];
  const [only] = shell.commands;
  if (shell.commands.length === 1 && only?.join(" ") === command.trim()) return [];
  return command.split("\n").map((line) => `| ${line}`);
}

/** The change to a file, line by line. */
async function changeLines(action: Action): Promise<readonly string[]> {
  const { content, edits } = (action.input ?? {}) as { content?: unknown; edits?: unknown };
  const [use] = action.paths;
  const texts: (readonly [string, string])[] = [];
  if (typeof content === "string" && use)
    texts.push([action.policy.paths.facts.text(use.text, use.cwd) ?? "", content]);
  for (const edit of Array.isArray(edits) ? (edits as { old?: unknown; new?: unknown }[]) : [])
    if (typeof edit.old === "string" && typeof edit.new === "string") texts.push([edit.old, edit.new]);
  const diffs = await Promise.all(texts.map(([before, after]) => showDiff(before, after, Number.POSITIVE_INFINITY)));
  return diffs.flatMap(({ diff }) => diff.split("\n"));
}
