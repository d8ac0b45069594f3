/** Language servers that are looked for: what they are called, what they read, how they are told to begin. */

export interface KnownServer {
  readonly name: string;
  readonly words: readonly string[];
  /** Extension -> language id (Language Server Protocol 3.17, TextDocumentItem). */
  readonly languages: Readonly<Record<string, string>>;
  /** It reads programs of TypeScript that stand beside it: its own `typescript`, never the workspace's. */
  readonly tsserver?: true;
  /** The package that it belongs to must be of this major version at least. */
  readonly least?: number;
}

const SCRIPTS = {
  ".ts": "typescript",
  ".mts": "typescript",
  ".cts": "typescript",
  ".tsx": "typescriptreact",
  ".js": "javascript",
  ".mjs": "javascript",
  ".cjs": "javascript",
  ".jsx": "javascriptreact",
};
const PYTHON = { ".py": "python", ".pyi": "python" };

/** For each language the first that is installed. */
export const KNOWN_SERVERS: readonly KnownServer[] = [
  {
    name: "typescript-language-server",
    words: ["typescript-language-server", "--stdio"],
    languages: SCRIPTS,
    tsserver: true,
  },
  { name: "tsc", words: ["tsc", "--lsp", "--stdio"], languages: SCRIPTS, least: 7 },
  { name: "pyright", words: ["pyright-langserver", "--stdio"], languages: PYTHON },
  { name: "basedpyright", words: ["basedpyright-langserver", "--stdio"], languages: PYTHON },
  { name: "pylsp", words: ["pylsp"], languages: PYTHON },
  { name: "gopls", words: ["gopls"], languages: { ".go": "go" } },
  { name: "rust-analyzer", words: ["rust-analyzer"], languages: { ".rs": "rust" } },
  {
    name: "clangd",
    words: ["clangd", "--background-index=false"],
    languages: { ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".hpp": "cpp", ".cxx": "cpp" },
  },
];
