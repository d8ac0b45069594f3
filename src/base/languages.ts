/** The languages whose symbols are read, by the ending of a file's name. */

export const LANGUAGES = [
  "typescript",
  "tsx",
  "javascript",
  "python",
  "go",
  "rust",
  "java",
  "cpp",
  "ruby",
  "php",
  "c-sharp",
] as const;
export type Language = (typeof LANGUAGES)[number];

/** C is read by the grammar of C++. */
const ENDINGS: ReadonlyMap<string, Language> = new Map(
  Object.entries({
    typescript: "ts mts cts",
    tsx: "tsx",
    javascript: "js mjs cjs jsx",
    python: "py pyi",
    go: "go",
    rust: "rs",
    java: "java",
    cpp: "c h cc cpp cxx hh hpp hxx",
    ruby: "rb rake",
    php: "php",
    "c-sharp": "cs",
  } satisfies Record<Language, string>).flatMap(([language, endings]) =>
    endings.split(" ").map((ending) => [ending, language as Language] as const),
  ),
);

/** The language of a file; undefined for every other kind of file. */
export function languageOf(path: string): Language | undefined {
  const dot = path.lastIndexOf(".");
  return dot > path.lastIndexOf("/") ? ENDINGS.get(path.slice(dot + 1).toLowerCase()) : undefined;
}
