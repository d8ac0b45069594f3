/** Splits a Markdown file into its YAML front matter and what stands below. */

/** Undefined without front matter at the very beginning; `head` ends with a line feed, `body` is trimmed. */
export function splitFrontMatter(text: string): { readonly head: string; readonly body: string } | undefined {
  const plain = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
  const match = /^---[ \t]*\n((?:[^\n]*\n)*?)---[ \t]*(?:\n|$)/.exec(plain);
  return match ? { head: match[1] ?? "", body: plain.slice(match[0].length).trim() } : undefined;
}
