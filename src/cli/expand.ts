/** Puts arguments into a command's text and finds what it asks to be run or read. Pure. */

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "shell"; readonly command: string }
  | { readonly kind: "file"; readonly path: string };

/** Words of an argument line: quotes hold together. */
export function argumentWords(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}

const PARTS = /!`([^`\n]+)`|(?<=^|\s)@(\$[1-9](?!\d)|[\w./~-]*[\w/~-])/g;

/**
 * What is run and read is found in the command's own text first: words of the person or of a model that go in as
 * arguments are text, never a command or a path to read, but where the command says `@$1`. Inside `!`…`` they go in as
 * quoted words.
 */
export function expandCommand(body: string, line: string, quote: (word: string) => string): readonly Piece[] {
  const words = argumentWords(line);
  const pieces: Piece[] = [];
  let at = 0;
  let used = false;
  const text = (source: string) => {
    if (source === "") return;
    used ||= /\$(?:ARGUMENTS|[1-9])/.test(source);
    pieces.push({ kind: "text", text: substituted(source, line, words) });
  };
  for (const match of body.matchAll(PARTS)) {
    text(body.slice(at, match.index));
    at = match.index + match[0].length;
    const [, command, path] = match;
    used ||= /\$(?:ARGUMENTS|[1-9])/.test(command ?? path ?? "");
    if (command !== undefined)
      pieces.push({ kind: "shell", command: substituted(command, words.map(quote).join(" "), words.map(quote)) });
    else pieces.push({ kind: "file", path: substituted(path ?? "", line, words) });
  }
  text(body.slice(at));
  if (!used && line.trim() !== "") pieces.push({ kind: "text", text: `\n\n${line.trim()}` });
  return pieces;
}

function substituted(source: string, all: string, words: readonly string[]): string {
  return source.replace(/\$ARGUMENTS\b|\$([1-9])(?!\d)/g, (_match, number: string | undefined) =>
    number === undefined ? all : (words[Number(number) - 1] ?? ""),
  );
}
