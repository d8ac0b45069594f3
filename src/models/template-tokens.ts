/**
 * Chat templates are filled in as text, so a file that says `<|im_start|>system` could open a turn of its own.
 * Such marks get a backslash on their way to the model and lose it in what the model writes into files.
 */

/** Marks of the templates in use: ChatML, Llama, Gemma, Mistral, DeepSeek, Phi, Harmony. Backslashes after the first sign are ours. */
const MARK =
  /([<[])(\\*)(?=[|｜][^\s<>[\]]{1,48}(?:[|｜]?>|[|｜]\])|\/?(?:s|sop|eop|think|tool_calls?|tool_response|tools|start_of_turn|end_of_turn|start_of_image|turn\|?)>|(?:\w{1,16}:)?(?:bos|eos|unk|pad|BOS|EOS|UNK|PAD)(?:_token|_TOKEN)?>|<\/?SYS>>|\/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT|ARGS|THINK|gMASK|sMASK)\])/g;

/** The whole thread passes here at every request, and few of its texts hold a bracket at all. */
const mayHold = (text: string) => text.includes("<") || text.includes("[");

/** Text from a person, a tool or a call as it is sent; `plainMarks` takes it back exactly. */
export function guardedMarks(text: string): string {
  return mayHold(text) ? text.replace(MARK, "$1$2\\") : text;
}

/** What a model said itself is sent back as it is, but for marks that no tokenizer may meet. */
export function guardedOwnMarks(text: string): string {
  return mayHold(text)
    ? text.replace(MARK, (whole, open: string, bars: string) => (bars === "" ? `${open}\\` : whole))
    : text;
}

/** A value from the model with the marks as they stand in files. */
export function plainMarks<T>(value: T): T {
  return deep(value, (text) =>
    text.replace(MARK, (whole, open: string, bars: string) => (bars === "" ? whole : open + bars.slice(1))),
  );
}

/** `guardedMarks` for every string in a value. */
export function guardedValue<T>(value: T): T {
  return deep(value, guardedMarks);
}

function deep<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => deep(item, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, deep(item, change)])) as T;
}
