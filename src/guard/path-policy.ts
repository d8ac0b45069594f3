/** Judges one use of one path: containment, control places, secrets, devices, destructive reach. */
import { controlHomeOf, controlPlace, isBelowAnyCase } from "../base/control-places.ts";
import { globMatcher } from "../base/glob.ts";
import { isSecretPath } from "../base/secret-names.ts";
import type { PathFact, PathFacts } from "../core/ports/sandbox.ts";
import { ask, deny, type Finding, type PathUse } from "./shell/types.ts";

export interface PathPolicy {
  readonly facts: PathFacts;
  /** This program's own folders outside the workspace. */
  readonly controlHomes: readonly string[];
  /** Paths outside that the user opened for reading (`sandbox.read`), and secret files shown (`sandbox.expose`). */
  readonly readable: readonly string[];
  readonly exposed: readonly string[];
}

const SYSTEM_READ = [
  "/usr",
  "/lib",
  "/lib64",
  "/lib32",
  "/bin",
  "/sbin",
  "/etc/os-release",
  "/proc/cpuinfo",
  "/proc/meminfo",
  "/dev/null",
];
/** Files that other tools run or obey later. */
const RUN_LATER =
  /(?:^|\/)(?:\.vscode|\.idea|\.husky|\.devcontainer|\.cursor|\.claude|\.gemini|\.codex|\.aider[^/]*|\.github\/(?:workflows|actions)|\.circleci|\.cargo|\.yarn|\.agents|\.githooks|\.lefthook|\.overcommit|\.mvn|\.zed|\.buildkite|\.windsurf|\.bundle|\.teamcity|\.forgejo|\.gitea|\.woodpecker|\.sourcehut)(?:\/|$)|(?:^|\/)(?:\.npmrc|\.yarnrc(?:\.yml)?|\.pnpmfile\.[cm]?js|\.envrc|\.gitattributes|\.gitmodules|\.pre-commit-config\.yaml|\.ripgreprc|\.gdbinit|\.lldbinit|\.gitlab-ci\.yml|\.travis\.yml|jenkinsfile|\.editorconfig-exec|\.mise\.toml|mise\.toml|\.tool-versions|\.bazelrc|\.devcontainer\.json|\.vimrc|\.exrc|\.nvimrc|azure-pipelines\.ya?ml|\.pnp\.c?js|\.drone\.ya?ml|\.woodpecker\.ya?ml|\.github\/copilot-instructions\.md|bitbucket-pipelines\.ya?ml|agents\.md|claude\.md|gemini\.md|\.cursorrules|\.windsurfrules|\.?lefthook(?:-local)?\.ya?ml|\.overcommit\.yml|\.huskyrc[\w.]*|\.simple-git-hooks\.\w+)$/i;
const START_FILES =
  /(?:^|\/)(?:\.(?:bashrc|bash_(?:profile|login|logout|aliases)|profile|zshrc|zshenv|zprofile|zlogin|zlogout|kshrc|cshrc|tcshrc|login|xinitrc|xprofile|xsession|xsessionrc|pam_environment|inputrc|gitconfig)|\.(?:bashrc\.d|ssh|local\/bin)\/.*|\.config\/(?:autostart|systemd|environment\.d|plasma-workspace|fish|nushell|zsh|git)\/.*|Library\/Launch(?:Agents|Daemons)\/.*)$/;
const NEVER_WRITE =
  /^\/(?:proc|sys|boot|etc\/(?:cron[^/]*|sudoers[^/]*|passwd|shadow|group|gshadow|ld\.so\.[^/]*|profile[^/]*|bash[^/]*|zsh[^/]*|environment|rc\.local|pam\.d|security|ssh|udev|xdg\/autostart|init\.d|systemd)|(?:usr\/)?lib\/systemd|var\/spool\/cron|dev\/(?:sd|nvme|hd|vd|xvd|mmcblk|disk|mapper|dm-|md|loop|nbd|mtd|root|mem|kmem|port))(?:\/|\d|[a-z]|$)/;
/** Names that a pattern must not meet: what hides secrets, what steers this program or git, what others obey. */
const SECRET_NAMES =
  ".env .env.local .env.production .npmrc .netrc .git-credentials .pgpass .htpasswd id_rsa id_ed25519 server.key key.pem cert.p12 credentials credentials.json secrets.yaml secrets.yml secrets.json prod.tfvars service-account.json .env.staging .env.test x.jks x.pfx x.keystore x.ppk .pypirc .vault-token .dockercfg".split(
    " ",
  );
const CONTROL_NAMES = [".git", ".codecrucible", ".crucible", ".mcp.json"];
const LATER_NAMES =
  ".vscode .husky .github .npmrc .envrc .gitattributes .gitmodules .githooks .claude .cursor .gitlab-ci.yml".split(" ");
/** A folder of many kinds of names: a pattern that meets most of them means everything. */
const ORDINARY_NAMES = ["src", "a.ts", "README.md", "package.json", "x", "Makefile"];

const words = { read: "reading", enter: "entering", write: "writing", delete: "removing" } as const;

/**
 * The finding on this use, or undefined when it is ordinary work inside the workspace. Commands find the system's own
 * files in their sandbox; a tool opens nothing outside the workspace without an answer (`system` false).
 */
export function judgePath(use: PathUse, policy: PathPolicy, system: boolean): Finding | undefined {
  const finding = judgeUse(use, policy, system);
  return use.guess && !finding?.rule.startsWith("tamper.control") && finding?.rule !== "tamper.start-file"
    ? undefined
    : finding;
}

function judgeUse(use: PathUse, policy: PathPolicy, system: boolean): Finding | undefined {
  const strange = strangeText(use);
  if (strange) return use.op === "delete" && /^(?:\/\/|~[\w-]+\/?$)/.test(use.text) ? wholeHome(use) : strange;
  const wild = use.glob ? judgeGlob(use, policy) : undefined;
  if (wild) return wild;
  const fact = policy.facts.look(use.glob ? globBase(use.text) : use.text, use.cwd);
  if (use.op === "delete" || use.op === "write") {
    const forbidden = forbiddenWrite(use, fact, policy);
    if (forbidden) return forbidden;
  }
  if (use.op === "read" && /^\/(?:dev\/(?:mem|kmem|port)$|proc\/1\/root(?:\/|$))/.test(fact.absolute)) {
    return deny("path.kernel", `${use.text} reaches around every protection`);
  }
  if (isSecret(use, fact, policy))
    return ask("secret.file", `${use.text} is named like a file that holds secrets`, "high");
  if (fact.kind === "other") return ask("path.special", `${use.text} is a device, pipe or socket`);
  if (fact.root === undefined) return outside(use, fact, { ...policy, system });
  if (fact.links > 1 && fact.kind === "file" && use.op === "write")
    return ask("path.hard-link", `${use.text} has other names outside this check`);
  if (use.tree && policy.facts.roots.includes(fact.resolved) && fact.resolved !== "/tmp")
    return ask("path.unknown-tree", `what would be put into ${use.text} may be files that other tools obey`);
  if (use.op !== "read" && use.op !== "enter" && RUN_LATER.test(relative(fact, policy))) {
    return ask("path.run-later", `${use.text} is run or obeyed by other tools later`, "high");
  }
  if (use.op !== "enter" && use.op !== "read" && /(?:^|\/)\.git\//i.test(relative(fact, policy))) {
    return use.op === "delete"
      ? deny("destructive.git", `${use.text} is git's own record`)
      : ask("path.git", `${use.text} is git's own record`, "high");
  }
  if (use.op === "read" && controlPlace(relative(fact, policy))?.startsWith(".git"))
    return ask("path.git", `${use.text} may hold credentials`);
  return undefined;
}

/** `//` is `/` here, and `~name` somebody's home. */
const wholeHome = ({ text }: PathUse): Finding =>
  deny("destructive.home", `${text} would remove a home or the whole system`);

/** Text that a person and the system read differently, before anything is looked up. */
function strangeText({ text, op }: PathUse): Finding | undefined {
  const mutates = op === "write" || op === "delete";
  if (text.includes("\u0000")) return deny("path.nul", "the path has a NUL character");
  const plain = text
    .replace(/[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, "")
    .replaceAll("\\", "/")
    .split("/")
    .map((segment) =>
      /^\.{1,2}$/.test(segment) ? segment : segment.replace(/[. ]+$/, "").replace(/^git~\d$/i, ".git"),
    )
    .join("/");
  if (plain !== text && mutates && controlPlace(plain))
    return deny("tamper.control-place", `${JSON.stringify(text)} is ${controlPlace(plain)} in disguise`);
  if (text.trim() === "") return ask("path.empty", "the path is empty");
  if (/[\u0001-\u001f\u007f-\u009f]/.test(text))
    return ask("path.control-characters", "the path has control characters");
  if (/[\u00a0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\udb40[\udc00-\udc7f]/.test(text))
    return ask("path.invisible-characters", "the path has invisible characters");
  if (mixedScript(text)) return ask("path.look-alike", "the path mixes letters that look alike");
  if (text.includes("\\") || /^[a-zA-Z]:/.test(text) || text.startsWith("//"))
    return ask("path.windows-form", `${text} is a path of another system`);
  if (/^(?:\$|`|~[^/])/.test(text) && !/^~$/.test(text))
    return ask("path.unexpanded", `${text} would have to be expanded first`);
  if (/(?:^|\/)\.\.namedfork(?:\/|$)/.test(text)) return ask("path.other-form", `${text} is a path of another system`);
  if (/%2e|%2f|%5c|%systemroot%/i.test(text) && /^(?:\.\.|%)/.test(text))
    return ask("path.encoded", `${text} is encoded`);
  if (mutates && /(?:^|\/)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(text))
    return ask("path.device-name", `${text} is a device name on other systems`);
  if (
    text.length > 4096 ||
    text.split("/").some((segment) => Buffer.byteLength(segment) > 255) ||
    text.split("/").length > 64
  ) {
    return ask("path.too-long", "the path is too long");
  }
  return undefined;
}

/** Latin together with Cyrillic, Greek, dotless i or full-width forms. */
function mixedScript(text: string): boolean {
  return /[\uff00-\uffef\u0131]/.test(text) || (/[a-z]/i.test(text) && /[\u0370-\u03ff\u0400-\u04ff]/.test(text));
}

/** The part of a glob before its first wild segment: where its matches lie. */
function globBase(pattern: string): string {
  const segments = pattern.split("/");
  const wild = segments.findIndex((segment) => /[*?[\]{}]/.test(segment));
  const base = segments.slice(0, wild < 0 ? segments.length : wild).join("/");
  return base === "" ? (pattern.startsWith("/") ? "/" : ".") : base;
}

/** Names of `names` that one segment of a pattern meets; a leading dot is only met by a dot (bash without dotglob). */
function meets(segment: string, names: readonly string[]): readonly string[] {
  if (!/[*?[\]{}]/.test(segment)) return names.filter((name) => name === segment.toLowerCase());
  const match = globMatcher(segment.toLowerCase());
  const dotted = /^(?:\.|\[|\?)/.test(segment);
  return names.filter((name) => (dotted || !name.startsWith(".")) && match(name.toLowerCase()));
}

/** False for a range that runs backwards, on whose meaning shells do not agree, and for too many alternatives. */
function isPattern(segment: string): boolean {
  for (const [, inner = ""] of segment.matchAll(/\[[!^]?(\]?[^\]]*)\]/g))
    for (const [, first = "", last = ""] of inner.matchAll(/(.)-(.)/gs)) if (first > last) return false;
  try {
    globMatcher(segment.toLowerCase());
    return true;
  } catch {
    return false;
  }
}

/** What a pattern may mean, judged by the names it would meet: nobody reads the folder for it. */
function judgeGlob(use: PathUse, policy: PathPolicy): Finding | undefined {
  const segments = use.text.split("/").filter((segment) => segment !== "" && segment !== ".");
  const changes = use.op === "write" || use.op === "delete";
  const last = segments.at(-1) ?? "";
  const first = segments.findIndex((segment) => /[*?[\]{}]/.test(segment));
  if (/\[\[?[:.=]/.test(use.text) || segments.slice(first).includes("..") || !segments.every(isPattern))
    return ask("path.pattern", `what ${use.text} meets is not plain`);
  const tail = segments
    .slice(first + 1)
    .filter((segment) => !/[*?[\]{}]/.test(segment))
    .join("/");
  if (changes && tail !== "" && controlPlace(tail))
    return deny("tamper.control-place", `${use.text} may meet control places`);
  if (use.op === "read" && tail !== "" && isSecretPath(tail))
    return ask("secret.file", `${use.text} may meet files that hold secrets`, "high");
  for (const [index, segment] of segments.entries()) {
    if (!/[*?[\]{}]/.test(segment)) continue;
    if (meets(segment, CONTROL_NAMES).length > 0) {
      if (changes) return deny("tamper.control-place", `${use.text} may meet control places`);
      if (index < segments.length - 1) return ask("path.git", `${use.text} may meet files that hold credentials`);
    }
    if (changes && meets(segment, LATER_NAMES).length > 0) {
      return ask("path.run-later", `${use.text} may meet files that other tools obey`, "high");
    }
  }
  const base = policy.facts.look(globBase(use.text), use.cwd);
  const top =
    policy.facts.roots.includes(base.resolved) || base.resolved === policy.facts.cwd || base.root === undefined;
  if (use.op === "delete" && top && meets(last, ORDINARY_NAMES).length >= ORDINARY_NAMES.length / 2) {
    return deny("destructive.workspace", `${use.text} would remove nearly everything`);
  }
  if (use.op !== "read") return undefined;
  const secret = isSecretPath(`${base.resolved}/x`) || (!/^\*+$/.test(last) && meets(last, SECRET_NAMES).length > 0);
  return secret ? ask("secret.file", `${use.text} may meet files that hold secrets`, "high") : undefined;
}

function relative(fact: PathFact, policy: PathPolicy): string {
  const root = fact.root ?? policy.facts.cwd;
  return fact.resolved === root ? "" : fact.resolved.slice(root.length + 1);
}

function isSecret(use: PathUse, fact: PathFact, policy: PathPolicy): boolean {
  if (use.op === "enter" || use.op === "delete") return false;
  if (use.op === "write") return false;
  if (policy.exposed.some((path) => fact.resolved === path || fact.resolved.startsWith(`${path}/`))) return false;
  return (
    isSecretPath(fact.resolved) ||
    isSecretPath(fact.absolute) ||
    /^\/(?:run\/secrets|proc\/[^/]+\/environ)(?:\/|$)/.test(fact.absolute)
  );
}

function outside(use: PathUse, fact: PathFact, policy: PathPolicy & { system: boolean }): Finding | undefined {
  const under = (folder: string) => fact.resolved === folder || fact.resolved.startsWith(`${folder}/`);
  if (use.op === "read" || use.op === "enter") {
    if ((policy.system && SYSTEM_READ.some(under)) || policy.readable.some(under)) return undefined;
  }
  return ask(
    "path.outside",
    `${words[use.op]} ${use.text} is outside the workspace (${fact.resolved})`,
    use.op === "read" ? "medium" : "high",
  );
}

/** Writes and removals that no approval opens. */
function forbiddenWrite(use: PathUse, fact: PathFact, policy: PathPolicy): Finding | undefined {
  for (const path of new Set([fact.absolute, fact.resolved])) {
    const root = policy.facts.roots.find((entry) => isBelowAnyCase(entry, path));
    const place = root === undefined ? undefined : controlPlace(path.slice(root.length + 1));
    if (place && path !== root) {
      const wipes = use.op === "delete" && place.startsWith(".git");
      return deny(wipes ? "destructive.git" : "tamper.control-place", `${use.text}: ${place}`);
    }
    const home =
      controlHomeOf(policy.controlHomes, policy.facts.roots, path) ??
      policy.controlHomes.find((folder) => use.op === "delete" && isBelowAnyCase(path, folder));
    if (home && path !== root) return deny("tamper.control-place", `${use.text} belongs to this program`);
    if (NEVER_WRITE.test(path)) return deny("tamper.system", `${use.text} steers the system`);
    if (isBelowAnyCase(policy.facts.home, path) && START_FILES.test(path.slice(policy.facts.home.length))) {
      return deny("tamper.start-file", `${use.text} runs at every login`);
    }
  }
  const wiped = use.op === "delete" || use.recursive ? wipe(use, fact, policy) : undefined;
  // What is changed through and through is not gone, but git's own record would be changed with it.
  if (wiped?.rule === "destructive.workspace" && use.op === "write" && fact.root !== undefined)
    return ask("path.whole-workspace", `everything below ${use.text} would be changed, git's own record too`, "high");
  return wiped;
}

function wipe(use: PathUse, fact: PathFact, policy: PathPolicy): Finding | undefined {
  const path = fact.resolved;
  const depth = path.split("/").filter(Boolean).length;
  const holds = (inner: string) => inner === path || inner.startsWith(path === "/" ? "/" : `${path}/`);
  if (!use.glob && policy.facts.roots.some(holds)) {
    return deny("destructive.workspace", `${use.text} would remove the whole workspace`);
  }
  if (!use.glob && path === policy.facts.cwd)
    return deny("destructive.workspace", `${use.text} would remove the folder the work is done in`);
  if (holds(policy.facts.home) || depth === 0)
    return deny("destructive.home", `${use.text} would remove a home or the whole system`);
  if (fact.root === undefined && use.recursive && (depth <= 2 || /^\/(?:usr|etc|var|lib|bin|boot|opt)\b/.test(path))) {
    return deny("destructive.system", `${use.text} would remove system folders`);
  }
  return undefined;
}
