/** Glob patterns as regular expressions: `**`, `*`, `?`, `[a-z]`, `{a,b}`. */

/**
 * A test for paths relative to the searched folder (`/` between segments).
 * A pattern without a slash matches names at any depth.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const plain = pattern.replace(/^(\.?\/)+/, "");
  const source = translate(plain.includes("/") ? plain : `**/${plain}`);
  const regex = new RegExp(`^${source}$`, "s");
  return (path) => regex.test(path);
}

const TOKEN = /\*\*\/|\*\*|\*|\?|\[(?:!|\^)?\]?[^\]]*\]|\\.|[{},]|[^*?[\\{},]+|./gs;

function translate(pattern: string): string {
  let depth = 0;
  const parts = (pattern.match(TOKEN) ?? []).map((token) => {
    if (token === "**/") return "(?:[^/]+/)*";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.startsWith("[") && token.length > 2)
      return `[${token.slice(1, -1).replace(/^!/, "^").replace(/[\\[]/g, "\\$&")}]`;
    if (token === "{" && ++depth > 0) return "(?:";
    if (token === "}" && depth > 0) {
      depth--;
      return ")";
    }
    if (token === "," && depth > 0) return "|";
    return literal(token.startsWith("\\") && token.length === 2 ? token.slice(1) : token);
  });
  return parts.join("") + ")".repeat(depth);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
