/** Tokens as text on its way out: whole characters only, and nothing of a mark that ends the answer. */
import type { ChatWrapperGeneratedContextState, LlamaModel, LlamaText, Token } from "node-llama-cpp";

export interface Stops {
  readonly tokens: ReadonlySet<Token>;
  readonly texts: readonly string[];
}

export interface Pieces {
  readonly tokens: Token[];
  /** True when the answer ends here. */
  take(token: Token): boolean;
  /** Delivers what was held back. */
  end(): void;
}

/** A character has at most four bytes; a byte may be a token of its own. */
const HELD_TOKENS = 4;
const CONTEXT_TOKENS = 8;
const BROKEN = "\ufffd";

/** The ends that the chat template names, as single tokens and as texts. */
export function stopsOf(
  triggers: ChatWrapperGeneratedContextState["stopGenerationTriggers"],
  { library, model }: { library: typeof import("node-llama-cpp"); model: LlamaModel },
): Stops {
  const tokens = new Set<Token>();
  const texts = new Set<string>();
  for (const trigger of triggers) {
    const whole: LlamaText = library.LlamaText(trigger as never);
    const [only, ...more] = whole.tokenize(model.tokenizer);
    if (only !== undefined && more.length === 0) tokens.add(only);
    if (whole.values.length > 0 && whole.values.every((value) => typeof value === "string"))
      texts.add(whole.values.join(""));
  }
  texts.delete("");
  return { tokens, texts: [...texts] };
}

export function createPieces(model: LlamaModel, stops: Stops, deliver: (text: string) => void): Pieces {
  const tokens: Token[] = [];
  let pending: Token[] = [];
  let held = "";
  const flush = (text: string) => {
    if (text !== "") deliver(text);
  };
  const decode = () => {
    const end = tokens.length - pending.length;
    const before = tokens.slice(Math.max(0, end - CONTEXT_TOKENS), end);
    // Special tokens are shown: models write calls and thinking with them.
    return model.detokenize(pending, true, before);
  };
  return {
    tokens,
    take(token) {
      if (stops.tokens.has(token)) return true;
      tokens.push(token);
      pending.push(token);
      const text = decode();
      if (text.endsWith(BROKEN) && pending.length < HELD_TOKENS) return false;
      pending = [];
      held += text;
      const ends = stops.texts.map((stop) => held.indexOf(stop)).filter((at) => at >= 0);
      if (ends.length > 0) {
        held = held.slice(0, Math.min(...ends));
        return true;
      }
      const keep = Math.max(0, ...stops.texts.map((stop) => overlap(held, stop)));
      flush(held.slice(0, held.length - keep));
      held = held.slice(held.length - keep);
      return false;
    },
    end() {
      flush(held + (pending.length > 0 ? decode() : ""));
      held = "";
      pending = [];
    },
  };
}

/** How many of the last letters of `text` may be the start of `mark`. */
function overlap(text: string, mark: string): number {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length--)
    if (text.endsWith(mark.slice(0, length))) return length;
  return 0;
}
