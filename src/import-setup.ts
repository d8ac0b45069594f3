/** Takes over another agent's setup: says what it would write where, and writes it; nothing of it is run. */
import { join } from "node:path";
import { splitFrontMatter } from "./base/front-matter.ts";
import { oneLine } from "./base/text.ts";
import { type ForeignFile, foreignFiles, isThere, ownText, setInJson, writeText } from "./config/foreign-setup.ts";
import type { ImportItem, ImportPlan } from "./core/ports/extensions.ts";
import { readTomlServers, readYaml, serversIn } from "./extensions/foreign-forms.ts";
import { readHooks } from "./extensions/hook-form.ts";
import { createRedactor } from "./guard/redact.ts";
import type { House } from "./house.ts";
import { knownSecrets } from "./redaction.ts";

interface Taken extends ImportItem {
  readonly write?: () => Promise<void> | void;
}

export async function importPlan(house: House, { workspace }: { readonly workspace: boolean }): Promise<ImportPlan> {
  const redactor = createRedactor("import", knownSecrets(house));
  const secret = (text: string) => redactor.text(text) !== text;
  const { config } = house.config.places;
  const ground: Ground = { config, workspace: house.workspace, secret, names: new Set() };
  const files = [
    ...foreignFiles(house.home, "user"),
    ...(workspace && house.workspace !== house.home ? foreignFiles(house.workspace, "workspace") : []),
  ];
  const notes: string[] = [];
  const items: Taken[] = [];
  for (const file of files) {
    try {
      items.push(...(await itemsOf(file, ground)));
    } catch (error) {
      notes.push(`${file.file} cannot be read: ${oneLine(error instanceof Error ? error.message : "", 120)}`);
    }
  }
  return {
    notes,
    items: items.map(({ write: _write, ...item }) => item),
    async write() {
      const due = items.filter((item) => item.write !== undefined);
      for (const item of due) await item.write?.();
      return due.length;
    },
  };
}

interface Ground {
  readonly config: string;
  readonly workspace: string;
  readonly secret: (text: string) => boolean;
  /** What is taken already, as `what name`. */
  readonly names: Set<string>;
}

async function itemsOf(file: ForeignFile, ground: Ground): Promise<readonly Taken[]> {
  const from = file.file;
  if (file.what === "in-place") {
    const note = file.scope === "user" ? "is read where it stands" : "is read where it stands, once trusted";
    return [{ what: "skill", name: file.name, from, note }];
  }
  if (file.what === "mcp") return serverItems(file, ground);
  if (file.what === "settings") return hookItems(file, ground);
  return file.what === "rule" ? [ruleItem(file, ground)] : [textItem(file, file.what, ground)];
}

async function settingsOf({ form, text }: ForeignFile): Promise<unknown> {
  if (form === "toml") return readTomlServers(text);
  if (form === "yaml") return readYaml(text);
  const { parse } = await import("jsonc-parser");
  return parse(text) as unknown;
}

async function serverItems(file: ForeignFile, ground: Ground): Promise<readonly Taken[]> {
  const to = join(ground.config, "mcp.json");
  const { parse } = await import("jsonc-parser");
  const own = (parse(ownText(to) || "{}") as { mcpServers?: Record<string, unknown> } | undefined)?.mcpServers ?? {};
  const settings = await settingsOf(file);
  const found = [settings, ofFolder(settings, ground.workspace)].flatMap((each) => serversIn(each, ground.secret));
  return found.map(({ name, entry, variables, takes }): Taken => {
    const base = { what: "mcp" as const, name, from: file.file };
    if (Object.hasOwn(own, name) || known(ground, "mcp", name)) return { ...base, note: "there is one of that name" };
    // Among the person's own servers every variable of theirs could be named, also by what is not copied.
    if ((takes || variables.length > 0) && file.scope === "workspace")
      return { ...base, note: "not taken: it names variables of yours; look at it, then: crucible mcp add" };
    const note = variables.length === 0 ? {} : { note: `not copied, set yourself: ${variables.join(", ")}` };
    return { ...base, to, ...note, write: () => setInJson(to, [[["mcpServers", name], entry]]) };
  });
}

/** What a person's file holds for one folder alone: `projects.<folder>` in ~/.claude.json, where `claude mcp add` puts it. */
function ofFolder(settings: unknown, folder: string): unknown {
  const { projects } = (settings ?? {}) as { projects?: Record<string, unknown> | null };
  return projects && Object.hasOwn(projects, folder) ? projects[folder] : undefined;
}

function known({ names }: Ground, what: string, name: string): boolean {
  const key = `${what} ${name}`;
  if (names.has(key)) return true;
  names.add(key);
  return false;
}

/** A workspace's hooks never become the person's own: those run unconfined. */
async function hookItems(file: ForeignFile, ground: Ground): Promise<readonly Taken[]> {
  const { hooks } = ((await settingsOf(file)) ?? {}) as { hooks?: Record<string, unknown[]> };
  if (!hooks) return [];
  const base = { what: "hooks" as const, from: file.file, name: Object.keys(hooks).join(", ") };
  if (file.scope === "workspace")
    return [{ ...base, note: "not taken: put them into .codecrucible/hooks.json and trust them" }];
  const to = join(ground.config, "hooks.json");
  if (isThere(to)) return [{ ...base, note: `not taken: ${to} is there already` }];
  const value = { hooks: commandHooks(hooks) };
  readHooks(value, { origin: "user", file: file.file });
  const note = "they run as you; tools are called shell, edit, write, read here: look at what they test for";
  return [{ ...base, to, note, write: () => writeText(to, `${JSON.stringify(value, null, 2)}\n`) }];
}

type Group = { matcher?: unknown; hooks?: { type?: unknown; command?: unknown; timeout?: unknown }[] };

function commandHooks(hooks: Record<string, unknown[]>) {
  const entries = Object.entries(hooks).map(([event, groups]) => [
    event,
    (groups as Group[]).map(({ matcher, hooks: each = [] }) => ({
      ...(typeof matcher === "string" ? { matcher } : {}),
      hooks: each
        .filter(({ command }) => typeof command === "string")
        .map(({ command, timeout }) => ({ type: "command", command, ...(timeout === undefined ? {} : { timeout }) })),
    })),
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function textItem(file: ForeignFile, what: "command" | "agent", ground: Ground): Taken {
  const to = join(ground.config, `${what}s`, `${file.name}.md`);
  const base = { what, name: file.name, from: file.file };
  if (isThere(to) || known(ground, what, file.name)) return { ...base, note: "there is one of that name" };
  return { ...base, to, write: () => writeText(to, file.text) };
}

/** What always holds is imported by the person's AGENTS.md; the rest becomes a skill, loaded when it fits. */
function ruleItem(file: ForeignFile, ground: Ground): Taken {
  const split = splitFrontMatter(file.text);
  const always = !split || /^alwaysApply:\s*true\s*$/m.test(split.head);
  const name = file.name.replaceAll(/[^A-Za-z0-9-]+/g, "-");
  const base = { what: "rule" as const, name, from: file.file };
  if (file.scope === "workspace" && always)
    return { ...base, note: "not taken: it is about this folder; put it into its AGENTS.md" };
  const to = always ? join(ground.config, "rules", `${name}.md`) : join(ground.config, "skills", name, "SKILL.md");
  if (isThere(to) || known(ground, "rule", name)) return { ...base, note: "there is one of that name" };
  const body = split?.body ?? file.text.trim();
  if (always) {
    const agents = join(ground.config, "AGENTS.md");
    const write = () => {
      writeText(to, `${body}\n`);
      writeText(agents, `${ownText(agents).trimEnd()}\n@rules/${name}.md\n`.trimStart());
    };
    return { ...base, to, note: `imported by ${agents}`, write };
  }
  const told = /^description:\s*(.+)$/m.exec(split.head)?.[1]?.replace(/^["']|["']$/g, "");
  const description = oneLine(told ?? body.split("\n")[0] ?? name, 200);
  const text = `---\nname: ${name}\ndescription: ${JSON.stringify(description)}\n---\n\n${body}\n`;
  return { ...base, to, note: "as a skill: it is loaded when it fits", write: () => writeText(to, text) };
}
