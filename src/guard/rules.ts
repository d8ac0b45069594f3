/** Policy rules as data: what they cover, and the examples that prove it when they are loaded. */
import { posix } from "node:path";
import { CrucibleError } from "../base/error.ts";
import { globMatcher } from "../base/glob.ts";
import { beginsWith } from "../base/shell-words.ts";
import type { PathFacts } from "../core/ports/sandbox.ts";
import type { Decision } from "../core/verdict.ts";
import type { Action } from "./action.ts";
import { hostOf } from "./checks/network-access.ts";
import { namesTool } from "./named-tool.ts";
import type { analyzeShell } from "./shell/analyze.ts";
import type { PathUse } from "./shell/types.ts";

/** Who wrote a rule: a lower layer may tighten what a higher one says, never loosen it. */
export type RuleLayer = "operator" | "user" | "workspace";

/** One rule as it stands in a policy file. */
export interface RuleText {
  readonly id: string;
  /** `shell`, `read`, `write`, `net`, or the name of a tool. */
  readonly tool: string;
  /** Leading words of a command; options between them do not matter to `ask` and `deny`. */
  readonly command?: readonly string[] | undefined;
  /** Pattern over paths, relative to the workspace or absolute. */
  readonly path?: string | undefined;
  /** `host` or `host:port`; `*.example.org` for the names below it. */
  readonly host?: string | undefined;
  readonly decision: Decision;
  readonly reason?: string | undefined;
  /** Calls that the rule must cover, and calls that it must not: tested when it is loaded. */
  readonly match?: readonly string[] | undefined;
  readonly not_match?: readonly string[] | undefined;
}

export interface PolicyRule extends RuleText {
  readonly layer: RuleLayer;
  /** `file:line`. */
  readonly place: string;
}

/** Where examples are tried. */
interface Ground {
  readonly cwd: string;
  readonly home: string;
  readonly analyzeShell: typeof analyzeShell;
}

/** Checks rules and their examples; `tools` are the names there are. Throws `bad-config` with the place of the first rule that does not hold. */
export async function provenRules(
  rules: readonly PolicyRule[],
  where: Omit<Ground, "analyzeShell">,
  tools: readonly string[],
): Promise<readonly PolicyRule[]> {
  const { analyzeShell } = await import("./shell/analyze.ts");
  const ground = { ...where, analyzeShell };
  for (const rule of rules) {
    const problem = unknownTool(rule, tools) ?? formProblem(rule) ?? exampleProblem(rule, ground);
    if (problem)
      throw new CrucibleError("bad-config", `${rule.place}: rule ${rule.id}: ${problem}`, {
        hint: "mend the rule or its examples; nothing runs under a policy that does not hold",
      });
  }
  return rules;
}

function unknownTool({ tool }: PolicyRule, tools: readonly string[]): string | undefined {
  const known = [...new Set(["shell", "read", "write", "net", ...tools])];
  return known.includes(tool) || /^mcp(?:_resources)?__[\w-]+\*?$/.test(tool)
    ? undefined
    : `there is no tool ${tool}: ${known.join(", ")}`;
}

function formProblem(rule: PolicyRule): string | undefined {
  if (rule.layer === "workspace" && rule.decision === "allow")
    return "a workspace may only tighten: allow belongs into your own policy file";
  const given = [rule.command, rule.path, rule.host].filter((part) => part !== undefined).length;
  if (given > 1) return "give one of command, path and host";
  if (rule.command?.some((word) => /\s/.test(word))) return "command is a list of single words";
  if (rule.path?.endsWith("/")) return `write ${rule.path}** for everything below ${rule.path}`;
  if (rule.command && rule.tool !== "shell") return "command goes with tool shell";
  if (rule.host !== undefined && rule.tool !== "net") return "host goes with tool net";
  if (rule.path !== undefined && !/^(?:read|write)$/.test(rule.tool)) return "path goes with tool read or write";
  if (rule.decision === "allow" && given === 0 && !rule.tool.startsWith("mcp_"))
    return "an allow names a command, a path or a host";
  return undefined;
}

function exampleProblem(rule: PolicyRule, ground: Ground): string | undefined {
  const missed = rule.match?.find((example) => !coversExample(rule, example, ground));
  if (missed !== undefined) return `it does not cover its own example ${JSON.stringify(missed)}`;
  const caught = rule.not_match?.find((example) => coversExample(rule, example, ground));
  return caught === undefined ? undefined : `it covers ${JSON.stringify(caught)}, which it must not`;
}

function coversExample(rule: PolicyRule, example: string, { cwd, home, analyzeShell }: Ground): boolean {
  if (rule.tool === "shell") {
    const { commands } = analyzeShell(example, cwd, home);
    const fits = (words: readonly string[]) => coversCommand(rule, words);
    return rule.decision === "allow" ? commands.length > 0 && commands.every(fits) : commands.some(fits);
  }
  if (rule.tool === "net") return coversHost(rule, hostOf(example) ?? hostOf(`https://${example}`) ?? example);
  return coversPath(rule, example, cwd);
}

/** True when the rule speaks of this call or, for a command line, of one of its parts. */
export function coversAction(rule: Omit<RuleText, "id">, action: Action): boolean {
  const { facts } = action.policy.paths;
  if (rule.tool === "shell") {
    if (!action.shell) return false;
    return rule.command === undefined || action.shell.commands.some((words) => coversCommand(rule, words));
  }
  if (rule.tool === "net") {
    const hosts = [...(action.shell?.hosts ?? []), ...(action.url === undefined ? [] : [hostOf(action.url) ?? ""])];
    return rule.host === undefined ? hosts.length > 0 || reaches(action) : hosts.some((host) => coversHost(rule, host));
  }
  if (rule.tool === "read" || rule.tool === "write") {
    const uses = action.paths.filter((use) => (use.op === "read" || use.op === "enter") === (rule.tool === "read"));
    if (rule.path === undefined) return uses.length > 0;
    const root = facts.roots[0] ?? facts.cwd;
    return uses.some((use) => (rule.decision === "allow" ? allowsUse : meetsUse)(rule, use, { facts, root }));
  }
  return namesTool(rule, action.call.tool);
}

const reaches = (action: Action) => action.tool?.effects.includes("net") ?? false;

/**
 * Leading words. For `allow` exactly as typed; for `ask` and `deny` options and their values before and between the
 * words are passed over, so that `git -C x push` is a `git push`.
 */
export function coversCommand(rule: Pick<RuleText, "command" | "decision">, words: readonly string[]): boolean {
  const wanted = rule.command ?? [];
  if (rule.decision === "allow") return beginsWith(words, wanted);
  if (baseName(words[0] ?? "") !== wanted[0] && words[0] !== wanted[0]) return false;
  let at = 1;
  for (const word of wanted.slice(1)) {
    while (at < words.length && words[at] !== word && passedOver(words, at)) at++;
    if (words[at] !== word) return false;
    at++;
  }
  return true;
}

const baseName = (program: string) => program.slice(program.lastIndexOf("/") + 1);

function passedOver(words: readonly string[], at: number): boolean {
  const isOption = (index: number) => words[index]?.startsWith("-") ?? false;
  return isOption(at) || isOption(at - 1);
}

/** What the rules say of paths, for those who hide and hold them: questions count like denials. Undefined without any. */
export function pathRules(
  rules: readonly PolicyRule[],
  root: string,
): { hides(path: string): boolean; holds(path: string): boolean } | undefined {
  const tight = rules.filter((rule) => rule.path !== undefined && rule.decision !== "allow");
  if (tight.length === 0) return undefined;
  const by = (tool: string) => (path: string) =>
    tight.some((rule) => rule.tool === tool && coversPath(rule, path, root));
  return { hides: by("read"), holds: by("write") };
}

function coversHost(rule: Pick<RuleText, "host">, host: string): boolean {
  const wanted = rule.host?.toLowerCase();
  if (wanted === undefined) return true;
  const name = host.slice(0, host.lastIndexOf(":"));
  if (wanted.startsWith("*.")) return name.endsWith(wanted.slice(1));
  return host === wanted || name === wanted;
}

const matchers = new Map<string, (path: string) => boolean>();

/** A pattern is compiled once; there are as many as rules. */
function matcherOf(pattern: string): (path: string) => boolean {
  const known = matchers.get(pattern);
  if (known) return known;
  const made = globMatcher(pattern);
  matchers.set(pattern, made);
  return made;
}

/** Patterns are relative to the workspace unless they begin with `/`; letter case does not matter. */
function coversPath(rule: Pick<RuleText, "path">, path: string, root: string): boolean {
  const pattern = rule.path?.toLowerCase();
  if (pattern === undefined) return true;
  const absolute = (path.startsWith("/") ? path : `${root}/${path}`).toLowerCase();
  if (pattern.startsWith("/")) return matcherOf(pattern)(absolute.slice(1));
  const below = `${root.toLowerCase()}/`;
  return absolute.startsWith(below) && matcherOf(pattern)(absolute.slice(below.length));
}

interface Where {
  readonly facts: PathFacts;
  readonly root: string;
}

function allowsUse(rule: Pick<RuleText, "path">, use: PathUse, { facts, root }: Where): boolean {
  return !use.glob && coversPath(rule, facts.look(use.text, use.cwd).resolved, root);
}

/** A tightening rule meets a path that it names, a pattern that may name one, and a folder that goes with what it names. */
function meetsUse(rule: Pick<RuleText, "path" | "decision">, use: PathUse, { facts, root }: Where): boolean {
  if (use.glob) return meetsPattern(rule, posix.resolve(use.cwd, use.text), root);
  const { absolute, resolved } = facts.look(use.text, use.cwd);
  return [absolute, resolved].some(
    (path) =>
      coversPath(rule, path, root) ||
      coversPath(rule, `${path}/\u0001`, root) ||
      (takesAll(use) && holdsCovered(rule, path, root)),
  );
}

/** Two patterns may name the same path: segment by segment, where a wild one may be anything. */
function meetsPattern(rule: Pick<RuleText, "path">, glob: string, root: string): boolean {
  const pattern = rule.path?.toLowerCase() ?? "**";
  const whole = pattern.startsWith("/")
    ? pattern
    : `${root.toLowerCase()}/${pattern.includes("/") ? "" : "**/"}${pattern}`;
  const wanted = whole.split("/");
  const given = glob.toLowerCase().split("/");
  for (const [index, segment] of given.entries()) {
    const other = wanted[index];
    if (other === "**") return true;
    if (other === undefined) return false;
    if (WILD.test(segment) && WILD.test(other)) continue;
    const fits = WILD.test(segment) ? matcherOf(segment)(other) : matcherOf(other)(segment);
    if (!fits) return false;
  }
  // What is below a named folder goes with it.
  return true;
}

const WILD = /[*?[\]{}]/;

/** Removing or replacing a folder takes everything below it along. */
const takesAll = (use: PathUse) => use.op === "delete" || (use.op === "write" && use.recursive);

/** A folder that holds what a tightening rule names: `data/**` goes with `data` and with all above it. */
function holdsCovered(rule: Pick<RuleText, "path" | "decision">, path: string, root: string): boolean {
  if (rule.path === undefined || rule.decision === "allow") return false;
  const base = rule.path.toLowerCase().replace(/\/?[^/]*[*?[{].*$/s, "");
  if (base === "") return false;
  const whole = base.startsWith("/") ? base : `${root.toLowerCase()}/${base}`;
  return `${whole}/`.startsWith(`${path.toLowerCase()}/`);
}
