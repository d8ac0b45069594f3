/** Remembered approvals: what a yes covers, whether it covers a later call, and how it reads in words. */
import { beginsWith, shownWords } from "../base/shell-words.ts";
import type { Approval, ApprovalScope } from "../core/approval.ts";
import type { Action } from "./action.ts";
import { hostOf } from "./checks/network-access.ts";
import { isLasting, questionable } from "./lasting.ts";

/** The program, not its target, was in doubt: the command may later be given further plain operands. */
const OPEN = /^shell\.unknown-command$/;
const VERB = /^[A-Za-z][\w:-]*$/;
const MAX_VERBS = 3;

/** Everything an "always" for this question would store; undefined when it can only be allowed once. */
export function scopesOf(action: Action, asked: readonly AskedRule[]): readonly ApprovalScope[] | undefined {
  const doubts = questionable(action);
  if (!asked.every(({ rule }) => isLasting(rule)) || !doubts) return undefined;
  const { facts } = action.policy.paths;
  const tool = action.call.tool;
  if (action.shell) {
    const scopes = [...doubts].map(([index, rules]) => commandScope(action, index, rules));
    return scopes.length > 0 && scopes.every((scope) => scope !== undefined) ? scopes : undefined;
  }
  const { cwd } = facts;
  const pin = action.tool?.foreign?.pin;
  if (pin !== undefined) return [{ tool, pin, cwd }];
  if (action.url !== undefined) {
    const host = hostOf(action.url);
    return host === undefined ? undefined : [{ tool, host, cwd }];
  }
  const [use] = action.paths;
  return use && action.paths.length === 1 ? [{ tool, path: facts.look(use.text, use.cwd).resolved, cwd }] : undefined;
}

interface AskedRule {
  readonly rule: string;
}

function commandScope(action: Action, index: number, rules: readonly string[]): ApprovalScope | undefined {
  const words = action.shell?.commands[index] ?? [];
  const cwd = action.shell?.folders[index];
  // What a program is fed may be code, and another one each time.
  if (cwd === undefined || words.length === 0 || action.shell?.fed.has(index)) return undefined;
  const { tool } = action.call;
  // An option may carry code: then only the very same words count.
  if (!rules.every((rule) => OPEN.test(rule)) || words.some(isOption)) return { tool, words, cwd };
  const end = words.findIndex((word, at) => at > 0 && !VERB.test(word));
  return { tool, words: words.slice(0, Math.min(end < 0 ? words.length : end, MAX_VERBS)), open: true, cwd };
}

const isOption = (word: string) => word.startsWith("-") && word.length > 1;

/** True when every part of the call that would be asked about is covered by an approval that still holds. */
export function remembered(action: Action, approvals: readonly Approval[]): boolean {
  const doubts = questionable(action);
  if (!doubts) return false;
  const { facts } = action.policy.paths;
  const mine = approvals.filter((approval) => approval.tool === action.call.tool);
  if (action.shell) {
    const { commands, folders, fed } = action.shell;
    const covered = (index: number) =>
      !fed.has(index) &&
      mine.some((scope) => scope.cwd === folders[index] && coversWords(scope, commands[index] ?? []));
    return doubts.size > 0 && [...doubts.keys()].every(covered);
  }
  const here = mine.filter((scope) => scope.cwd === facts.cwd);
  const pin = action.tool?.foreign?.pin;
  if (pin !== undefined) return here.some((scope) => scope.pin === pin);
  if (action.url !== undefined) return here.some((scope) => scope.host === hostOf(action.url ?? ""));
  const resolved = action.paths.map((use) => facts.look(use.text, use.cwd).resolved);
  return resolved.length > 0 && resolved.every((path) => here.some((scope) => scope.path === path));
}

function coversWords({ words: wanted, open }: ApprovalScope, words: readonly string[]): boolean {
  if (!wanted || !beginsWith(words, wanted)) return false;
  return open ? !words.some(isOption) : words.length === wanted.length;
}

/** One line: `git push origin main` with no other words or options, in /ws/project`. */
export function scopeText(scope: ApprovalScope): string {
  if (scope.path !== undefined) return `${scope.tool} of ${scope.path}`;
  if (scope.pin !== undefined) return `${scope.tool} with any input, as long as it stays what it is now`;
  if (scope.host !== undefined) return `${scope.tool} from ${scope.host}`;
  return `${shownWords(scope.words ?? [])} ${scope.open ? "… (without options)" : "(exactly so)"} in ${scope.cwd}`;
}
