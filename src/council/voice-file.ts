/** Reads a voice from its file: YAML front matter that is checked strictly, then the prompt. Pure: the text comes from the caller. */
import { isScalar, LineCounter, parseDocument, type YAMLMap } from "yaml";
import * as z from "zod/mini";
import { CrucibleError } from "../base/error.ts";
import { splitFrontMatter } from "../base/front-matter.ts";
import { issueText } from "../base/issue-text.ts";
import { nearest } from "../base/text.ts";
import type { Voice } from "../core/voice.ts";

export interface VoiceText {
  /** Path of the file, as it is shown to the person; its name without `.md` is the voice's id. */
  readonly file: string;
  readonly origin: Voice["origin"];
  readonly text: string;
}

const name = z.string().check(z.regex(/^[a-z][a-z0-9_-]{0,31}$/, "small letters, digits, _ and -, at most 32"));
const line = z.string().check(z.regex(/^\S.{0,199}$/, "one line of at most 200 characters"));
const FORM = z.strictObject({
  id: name,
  title: line,
  duty: line,
  temperature: z.number().check(z.minimum(0), z.maximum(2)),
  yields: z.array(z.enum(["proposal", "claims", "checks"])),
  tools: z._default(z.array(z.string()), []),
  model: z._default(z.enum(["fast", "quality"]), "quality"),
  domain: name,
  votes: z._default(z.boolean(), true),
});
const KEYS = Object.keys(FORM.shape);

/** The voice of a file. Throws `bad-config` with file:line and the nearest known key. */
export function parseVoice({ file, origin, text }: VoiceText): Voice {
  const { head, body } = split(file, text);
  const lines = new LineCounter();
  const document = parseDocument(head, { lineCounter: lines, schema: "core" });
  // The first line of the file is the mark above the front matter.
  const place = (offset: number) => `${file}:${lines.linePos(offset).line + 1}`;
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw bad(`${place(problem.pos[0])}: ${sentence(problem.message)}`, "mend the front matter there");
  const parsed = z.safeParse(FORM, plain(document, place));
  const issues: readonly Issue[] = parsed.error?.issues ?? [];
  // A mistyped key is also a missing one: the first says more.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  if (!parsed.success) throw wrong(issue, (key) => place(offsetOf(document.contents, key)));
  const { id } = parsed.data;
  const own = file.replace(/^.*[/\\]/, "").replace(/\.md$/, "");
  if (id !== own)
    throw bad(`${place(offsetOf(document.contents, "id"))}: id is ${id}, the file's name says ${own}`, "use one name");
  if (body === "")
    throw bad(`${file}:${lineAt(text)}: there is no prompt below the front matter`, "write what it does");
  return { ...parsed.data, prompt: body, origin, file };
}

/** What stands between the marks, and what stands below. */
function split(file: string, text: string): { head: string; body: string } {
  const parts = splitFrontMatter(text);
  if (!parts)
    throw bad(`${file}:1: the file does not begin with front matter`, "put id, title, duty ... between two lines ---");
  return parts;
}

const lineAt = (text: string) => text.trimEnd().split("\n").length;

type Parsed = ReturnType<typeof parseDocument>;

function plain(document: Parsed, place: (offset: number) => string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 }) ?? {};
  } catch (error) {
    throw bad(`${place(0)}: ${sentence(error instanceof Error ? error.message : "")}`, "write the values out");
  }
}

/** Where a key of the front matter stands; its beginning when the key is not there. */
function offsetOf(contents: Parsed["contents"], key: string | undefined): number {
  const items = contents && "items" in contents ? (contents as YAMLMap).items : [];
  const found = items.find((pair) => isScalar(pair.key) && pair.key.value === key);
  return (isScalar(found?.key) && found.key.range?.[0]) || 0;
}

type Issue = Parameters<typeof issueText>[0];

function wrong(issue: Issue | undefined, place: (key: string | undefined) => string): CrucibleError {
  if (!issue) return bad(`${place(undefined)}: this is no voice`, `it has ${KEYS.join(", ")}`);
  const [unknown] = issue.code === "unrecognized_keys" ? (issue.keys ?? []) : [];
  if (unknown !== undefined) {
    const near = nearest(unknown, KEYS);
    return bad(
      `${place(unknown)}: unknown key ${unknown}`,
      near ? `did you mean ${near}?` : `there are ${KEYS.join(", ")}`,
    );
  }
  const at = issue.path[0] === undefined ? undefined : String(issue.path[0]);
  const [value] = (issue.values ?? []).length > 0 ? [`one of ${issue.values?.join(", ")}`] : [];
  return bad(`${place(at)}: ${issueText(issue)}`, value ? `write ${value}` : "see: crucible voices show developer");
}

/** The first line of a parser's message: below it stands a picture of the place. */
function sentence(message: string): string {
  return (message.split("\n")[0] ?? "").replace(/ at line \d+.*$/, "").replace(/[.:]$/, "");
}

function bad(message: string, hint: string): CrucibleError {
  return new CrucibleError("bad-config", message, { hint });
}
