/** What each key does: our actions beside those of the editor, each of which `keybindings.json` can move to other keys. */
import {
  type KeybindingDefinitions,
  KeybindingsManager,
  type KeyId,
  setKeybindings,
  TUI_KEYBINDINGS,
} from "@earendil-works/pi-tui";
import { nearest } from "../../base/text.ts";

const ACTIONS = {
  "app.interrupt": { defaultKeys: "escape", description: "stop the turn; twice on an empty prompt: go back" },
  "app.cancel": { defaultKeys: "ctrl+c", description: "empty the prompt or stop the turn; twice: leave" },
  "app.leave": { defaultKeys: "ctrl+d", description: "leave, when the prompt is empty" },
  "app.mode": { defaultKeys: "shift+tab", description: "next permission mode" },
  "app.history": { defaultKeys: "ctrl+r", description: "search earlier prompts" },
  "app.editor": { defaultKeys: ["ctrl+g", "ctrl+x"], description: "write the prompt in $VISUAL or $EDITOR" },
  "app.background": { defaultKeys: "ctrl+b", description: "send the running command to the background" },
  "app.details": { defaultKeys: "ctrl+o", description: "the last output in full, and what the model thought" },
  "app.redraw": { defaultKeys: "ctrl+l", description: "an empty screen; what was there scrolls away" },
  "app.suspend": { defaultKeys: "ctrl+z", description: "back to the shell; fg brings it here again" },
  "app.pasteImage": { defaultKeys: "ctrl+v", description: "paste an image" },
  "app.queue": { defaultKeys: "ctrl+q", description: "while it works: ask this when it is done" },
} as const satisfies KeybindingDefinitions;

export type Action = keyof typeof ACTIONS;

declare module "@earendil-works/pi-tui" {
  interface Keybindings extends Record<Action, true> {}
}

export interface Keys {
  /** What could not be read, for the person. */
  readonly notes: readonly string[];
  matches(data: string, action: Action | "tui.select.confirm"): boolean;
  /** Every action with its keys and what it does. */
  list(): readonly { readonly action: string; readonly keys: readonly string[]; readonly about: string }[];
}

/** Sets the keys of this process. `text`: the person's file, from `path`; what is wrong in it is told and left out. */
export function loadKeys(text: string | undefined, path: string): Keys {
  const { own, notes } = text === undefined ? { own: {}, notes: [] } : readBindings(text, path);
  const definitions: KeybindingDefinitions = { ...ACTIONS, ...TUI_KEYBINDINGS };
  const keys = new KeybindingsManager(definitions, own);
  setKeybindings(keys);
  return {
    notes,
    matches: (data, action) => keys.matches(data, action),
    list: () =>
      Object.keys(definitions)
        // What nobody would move: keys inside lists, and those of a screen that is not ours.
        .filter((name) => !/^tui\.(?:altScreen|select)/.test(name))
        .map((name) => ({
          action: name,
          keys: keys.getKeys(name as Action),
          about: definitions[name]?.description ?? "",
        })),
  };
}

interface Read {
  readonly own: Record<string, KeyId[]>;
  readonly notes: readonly string[];
}

/** Keys are a convenience: a wrong entry costs itself, in one line for all of them. */
function readBindings(text: string, path: string): Read {
  const told = (problems: readonly string[]) =>
    problems.length === 0 ? [] : [`${path}: ${problems.join("; ")}. The keys as they come are used; see /keybindings`];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { own: {}, notes: told([`no JSON (${error instanceof Error ? error.message : String(error)})`]) };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { own: {}, notes: told(['not an object like {"app.mode": "alt+m"}']) };
  const own: Record<string, KeyId[]> = {};
  const problems: string[] = [];
  for (const [name, given] of Object.entries(value)) {
    const keys: unknown[] = Array.isArray(given) ? given : [given];
    const problem = problemOf(name, keys);
    if (problem === undefined) own[name] = keys as KeyId[];
    else problems.push(problem);
  }
  return { own, notes: told(problems) };
}

function problemOf(name: string, keys: readonly unknown[]): string | undefined {
  const names = Object.keys({ ...TUI_KEYBINDINGS, ...ACTIONS });
  if (!names.includes(name)) {
    const near = nearest(name, names);
    return `there is no action ${name}${near ? ` (did you mean ${near}?)` : ""}`;
  }
  const wrong = keys.find((key) => typeof key !== "string" || !isKey(key));
  return wrong === undefined ? undefined : `${name}: ${JSON.stringify(wrong)} is no key, write it like ctrl+r or f5`;
}

const NAMED =
  /^(?:escape|esc|enter|return|tab|space|backspace|delete|insert|home|end|pageUp|pageDown|up|down|left|right|f(?:[1-9]|1[0-2]))$/;

function isKey(text: string): boolean {
  const parts = text.split("+");
  const last = text.endsWith("++") ? "+" : (parts.pop() ?? "");
  const modifiers = text.endsWith("++") ? parts.slice(0, -2) : parts;
  return (
    modifiers.every((name) => ["ctrl", "shift", "alt", "super"].includes(name)) &&
    (NAMED.test(last) || [...last].length === 1)
  );
}
