/** Completion while writing: `/commands` with their arguments, `@files` of the workspace, paths on Tab. */
import {
  type AutocompleteItem,
  type AutocompleteProvider,
  type AutocompleteSuggestions,
  CombinedAutocompleteProvider,
  fuzzyFilter,
  type SlashCommand,
} from "@earendil-works/pi-tui";
import { hidesText } from "../../base/invisible.ts";
import { lineOf } from "../output.ts";

/** Files that are offered at once. */
const OFFERED = 20;

/** A name of the workspace that could steer the terminal or hides something is not offered. */
const isReadable = (text: string) => !/\p{Cc}/u.test(text) && !hidesText(text);

function readable(found: AutocompleteSuggestions | null): AutocompleteSuggestions | null {
  const items = (found?.items ?? []).filter(({ value, label }) => isReadable(value) && isReadable(label));
  if (!found || items.length === 0) return null;
  return { ...found, items: items.map((item) => ({ ...item, ...told(item.description) })) };
}

const told = (description: string | undefined) =>
  description === undefined ? {} : { description: lineOf(description) };

export interface Completion extends AutocompleteProvider {
  /** The argument in this line is one of those that were offered: there is nothing left to complete. */
  whole(line: string): boolean;
}

/** `files` is asked when an `@` is written; its answer is kept for as long as the word is being written. */
export function completionFor(
  commands: SlashCommand[],
  folder: string,
  files: () => Promise<readonly string[]>,
): Completion {
  const combined = new CombinedAutocompleteProvider(commands, folder);
  let listed: Promise<readonly string[]> | undefined;
  let offered: readonly string[] = [];
  return {
    whole(line) {
      const argument = /^\/\S+\s+(\S.*?)\s*$/.exec(line)?.[1];
      return argument !== undefined && offered.includes(argument);
    },
    triggerCharacters: ["@", "/"],
    async getSuggestions(lines, line, column, options) {
      const before = (lines[line] ?? "").slice(0, column);
      const mention = /(?:^|\s)@([^\s"]*)$/.exec(before)?.[1];
      if (mention === undefined) {
        listed = undefined;
        const found = readable(await combined.getSuggestions(lines, line, column, options));
        offered = found?.items.map(({ value }) => value) ?? [];
        return found;
      }
      listed ??= files();
      const found = fuzzyFilter((await listed).filter(isReadable), mention, (path) => path).slice(0, OFFERED);
      if (found.length === 0) return null;
      const items: AutocompleteItem[] = found.map((path) => ({
        value: /[\s"]/.test(path) ? `@"${path}"` : `@${path}`,
        label: path,
      }));
      return { items, prefix: `@${mention}` };
    },
    applyCompletion(lines, line, column, item, prefix) {
      if (!prefix.startsWith("@")) return combined.applyCompletion(lines, line, column, item, prefix);
      const text = lines[line] ?? "";
      const start = column - prefix.length;
      const next = `${text.slice(0, start)}${item.value} ${text.slice(column)}`;
      return {
        lines: lines.with(line, next),
        cursorLine: line,
        cursorCol: start + item.value.length + 1,
      };
    },
    shouldTriggerFileCompletion: (lines, line, column) => combined.shouldTriggerFileCompletion(lines, line, column),
  };
}
