/** Files of other agents' setups, read and never run; and the writing of what is taken over from them. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unwritable } from "../base/unwritable.ts";

/** How a file is written down. */
export type ForeignForm = "json" | "toml" | "yaml" | "markdown";

export interface ForeignFile {
  readonly what: "mcp" | "settings" | "command" | "agent" | "rule" | "in-place";
  readonly form: ForeignForm;
  readonly file: string;
  /** File's name without its ending, or the folder's. */
  readonly name: string;
  readonly scope: "user" | "workspace";
  readonly text: string;
}

const SETTINGS: readonly (readonly [what: ForeignFile["what"], form: ForeignForm, path: string])[] = [
  ["mcp", "json", ".claude.json"],
  ["mcp", "json", ".mcp.json"],
  ["settings", "json", ".claude/settings.json"],
  ["mcp", "toml", ".codex/config.toml"],
  ["mcp", "json", ".gemini/settings.json"],
  ["mcp", "json", ".config/opencode/opencode.json"],
  ["mcp", "json", "opencode.json"],
  ["mcp", "json", ".cursor/mcp.json"],
  ["mcp", "json", ".vscode/mcp.json"],
  ["mcp", "json", ".codeium/windsurf/mcp_config.json"],
  ["mcp", "yaml", ".continue/config.yaml"],
  ["rule", "markdown", ".github/copilot-instructions.md"],
];
const FOLDERS: readonly (readonly [what: ForeignFile["what"], path: string])[] = [
  ["command", ".codex/prompts"],
  ["command", ".config/opencode/command"],
  ["command", ".opencode/command"],
  ["command", ".cursor/commands"],
  ["agent", ".config/opencode/agent"],
  ["agent", ".opencode/agent"],
  ["rule", ".cursor/rules"],
  ["rule", ".continue/rules"],
];
const IN_PLACE = [".claude/skills", ".claude/commands", ".claude/agents", ".agents/skills"];
const MAX_BYTES = 4 * 1024 * 1024;

export function foreignFiles(root: string, scope: ForeignFile["scope"]): readonly ForeignFile[] {
  const settings = SETTINGS.flatMap(([what, form, path]) => fileAt(join(root, path), { what, form, scope }));
  const folders = FOLDERS.flatMap(([what, path]) =>
    namesIn(join(root, path))
      .filter((name) => /\.mdc?$/.test(name))
      .flatMap((name) => fileAt(join(root, path, name), { what, form: "markdown", scope })),
  );
  const own = IN_PLACE.map((path) => join(root, path)).filter((folder) => namesIn(folder).length > 0);
  const inPlace = own.map((file): ForeignFile => {
    const name = `${namesIn(file).length} in ${file}`;
    return { what: "in-place", form: "markdown", scope, file, name, text: "" };
  });
  return [...settings, ...folders, ...inPlace];
}

function fileAt(file: string, about: Pick<ForeignFile, "what" | "form" | "scope">): ForeignFile[] {
  try {
    const stat = lstatSync(file);
    if (!stat.isFile() || stat.size > MAX_BYTES) return [];
    const name = file.replace(/^.*\//, "").replace(/\.\w+$/, "");
    return [{ ...about, file, name, text: readFileSync(file, "utf8") }];
  } catch {
    return [];
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith("."));
  } catch {
    return [];
  }
}

export const isThere = (path: string) => existsSync(path);

/** The text of an own file, empty when it is not there. */
export function ownText(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Sets values of a JSON file, comments kept. Throws `storage`. */
export async function setInJson(
  file: string,
  values: readonly (readonly [path: readonly (string | number)[], value: unknown])[],
): Promise<void> {
  const { applyEdits, modify } = await import("jsonc-parser");
  const formattingOptions = { insertSpaces: true, tabSize: 2 };
  let text = ownText(file) || "{}\n";
  for (const [path, value] of values) text = applyEdits(text, modify(text, [...path], value, { formattingOptions }));
  writeText(file, text);
}

/** Throws `storage`. */
export function writeText(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.new`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    throw unwritable(file, error);
  }
}
