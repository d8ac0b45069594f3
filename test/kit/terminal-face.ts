/** The full terminal view over a terminal in memory, with a conversation that only remembers. */
import type { Conversation } from "../../src/cli/conversation.ts";
import { completionFor } from "../../src/cli/tui/completion.ts";
import { loadKeys } from "../../src/cli/tui/keys.ts";
import { createTerminalView, type TerminalViewOptions } from "../../src/cli/tui/terminal-view.ts";
import { virtualTerminal } from "./virtual-terminal.ts";

export function viewKit(given: Partial<TerminalViewOptions> = {}, size: readonly [number, number] = [80, 24]) {
  const terminal = virtualTerminal(...size);
  loadKeys(undefined, "keybindings.json");
  const sent: string[] = [];
  const view = createTerminalView({
    ...{ theme: "none", color: false, verbose: false, terminal },
    ...{ onKey: () => false, onSubmit: (text: string) => void sent.push(text), notice: () => undefined },
    ...given,
  });
  const state = { queue: [] as string[], busy: true, mode: "default", live: undefined, model: undefined };
  const conversation = state as unknown as Conversation;
  view.start(
    conversation,
    completionFor([], "/", async () => []),
  );
  return {
    ...{ terminal, view, sent, state },
    /** Keys one after the other, each in a read of its own. */
    async type(text: string) {
      for (const key of text) {
        terminal.press(key);
        await Promise.resolve();
      }
    },
    /** The screen once it says what `pattern` looks for. */
    async shows(pattern: RegExp): Promise<string> {
      const { vi } = await import("vitest");
      return vi.waitFor(async () => {
        const text = (await terminal.lines()).join("\n");
        if (!pattern.test(text)) throw new Error(`no ${pattern}:\n${text}`);
        return text;
      });
    },
    [Symbol.dispose]: () => view.stop(),
  };
}
