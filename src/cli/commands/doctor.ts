/** `crucible doctor`: what works here, and the command that mends the rest. */
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "commander";
import { CrucibleError, toFault } from "../../base/error.ts";
import { oneLine } from "../../base/text.ts";
import type { App } from "../../core/ports/app.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import type { BackendState } from "../../core/ports/sandbox.ts";
import { workFolder } from "../files.ts";
import { harmless } from "../output.ts";

interface Finding {
  readonly name: string;
  readonly status: "ok" | "note" | "problem";
  readonly text: string;
  readonly mend?: string;
}

const MIN_FREE = 512 * 2 ** 20;

export default function doctor(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command.option("--json", "machine-readable").action(async (options: { json?: boolean }) => {
    const findings: Finding[] = [nodeFinding(), ...(await examine(context))];
    if (options.json) process.stdout.write(`${JSON.stringify({ version: context.version, findings })}\n`);
    else for (const finding of findings) process.stdout.write(line(finding));
    finish(findings.some((finding) => finding.status === "problem") ? 3 : 0);
  });
}

function line({ name, status, text, mend }: Finding): string {
  return harmless(
    `${{ ok: "ok     ", note: "note   ", problem: "PROBLEM" }[status]}  ${name.padEnd(12)} ${text}\n${mend ? `${" ".repeat(23)}mend: ${mend}\n` : ""}`,
  );
}

async function examine(context: CommandContext): Promise<Finding[]> {
  let app: App;
  try {
    app = await context.makeApp({ workspace: workFolder(undefined), bare: false, flags: new Map() });
  } catch (error) {
    const { message, hint } = toFault(error);
    return [{ name: "config", status: "problem", text: message, ...(hint ? { mend: hint } : {}) }];
  }
  const [sandbox, servers] = await Promise.all([sandboxFindings(app), serverFindings(app)]);
  const stored = [await journalFinding(app), await auditFinding(app)];
  return [
    ...sandbox,
    ...servers,
    ...diskFindings(app),
    ...configFindings(app),
    ...(await decided(app)),
    ...(await hookFindings(app)),
    ...(await mcpFindings(app)),
    ...(await languageFindings(app)),
    ...(await worktreeFindings(app)),
    ...stored,
  ];
}

function nodeFinding(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  const text = `${process.versions.node} at ${process.execPath}`;
  return major >= 24
    ? { name: "node", status: "ok", text }
    : { name: "node", status: "problem", text, mend: "install Node 24 or newer" };
}

async function sandboxFindings(app: App): Promise<Finding[]> {
  const found = await app.sandboxStatus().catch((error: unknown) => toFault(error));
  if ("code" in found) {
    const { message, hint } = found;
    return [{ name: "sandbox", status: "problem", text: message, ...(hint ? { mend: hint } : {}) }];
  }
  const { backend, backends, ...status } = found;
  const others = backends.filter(({ name }) => name !== backend).map(backendFinding);
  if (backend && status.untried)
    return [
      { name: "sandbox", status: "note", text: `${backend}: ${status.untried}; ${status.note ?? ""}` },
      ...others,
    ];
  if (backend) {
    const text = `${backend}${status.identity ? ` (${status.identity})` : ""}: every escape that was tried failed (again: crucible sandbox verify)${status.note ? `; ${status.note}` : ""}`;
    return [{ name: "sandbox", status: "ok", text }, ...others];
  }
  const mend = status.mend ? { mend: status.mend } : {};
  return [
    { name: "sandbox", status: "problem", text: `none works: ${status.reason ?? "unknown"}`, ...mend },
    ...others,
  ];
}

/** Hooks are programs: whoever looks should see them. */
async function hookFindings(app: App): Promise<Finding[]> {
  try {
    const { entries, notes } = await app.hooks();
    const how = { managed: "runs as you", user: "runs as you", project: "runs in the sandbox" } as const;
    return [
      ...entries.map(({ event, matcher, command, origin, file }): Finding => {
        const text = `${event}${matcher === "" ? "" : ` (${matcher})`}: ${oneLine(harmless(command), 80)} (${origin}, ${how[origin]}; ${file})`;
        return { name: "hook", status: "ok", text };
      }),
      ...notes.map((text): Finding => ({ name: "hook", status: "note", text })),
    ];
  } catch (error) {
    const { message, hint } = toFault(error);
    return [{ name: "hook", status: "problem", text: message, ...(hint ? { mend: hint } : {}) }];
  }
}

/** A backend beside the one in use is no problem when it is absent. */
function backendFinding({ name, reason, mend, note }: BackendState): Finding {
  if (reason === undefined)
    return { name: "backend", status: "note", text: `${name}: there, not in use${note ? `; ${note}` : ""}` };
  return { name: "backend", status: "note", text: `${name}: absent: ${reason}`, ...(mend ? { mend } : {}) };
}

async function serverFindings(app: App): Promise<Finding[]> {
  const { models, servers } = await (await app.models()).list({}, AbortSignal.timeout(30_000));
  const up = servers.filter((server) => server.reachable);
  const findings: Finding[] = up.map((server) => {
    const own = models.filter((model) => model.server === server.url || model.ref.provider === server.provider);
    const loaded = own.find((model) => model.loadedWindow);
    const window = loaded?.loadedWindow
      ? `; ${loaded.ref.model} loaded with a window of ${loaded.loadedWindow.tokens} (${loaded.loadedWindow.source})`
      : "";
    return {
      name: "server",
      status: "ok",
      text: `${server.provider} at ${server.url}${server.version ? ` ${server.version}` : ""}: ${own.length} models${window}`,
    };
  });
  if (up.length > 0) return findings;
  const [first] = servers;
  return [
    {
      name: "server",
      status: "problem",
      text: `no model server answers (looked at ${servers.map((server) => server.url).join(", ")})`,
      mend: first?.hint?.replace(/^start it with: /, "") ?? "ollama serve",
    },
  ];
}

function diskFindings(app: App): Finding[] {
  return [app.config.places.data, app.config.places.state].map((folder) => {
    const base = existing(folder);
    try {
      accessSync(base, constants.W_OK);
      const { bavail, bsize } = statfsSync(base);
      const free = bavail * bsize;
      const text = `${folder}: ${(free / 2 ** 30).toFixed(1)} GiB free`;
      return free < MIN_FREE
        ? { name: "disk", status: "problem", text, mend: "free disk space, or set CODECRUCIBLE_HOME" }
        : { name: "disk", status: "ok", text };
    } catch (error) {
      return {
        name: "disk",
        status: "problem",
        text: `${folder} is not writable: ${new CrucibleError("storage", String(error)).message}`,
        mend: `mkdir -p ${folder}, or set CODECRUCIBLE_HOME`,
      };
    }
  });
}

function existing(folder: string): string {
  return existsSync(folder) || folder === dirname(folder) ? folder : existing(dirname(folder));
}

function configFindings(app: App): Finding[] {
  const set = [...app.config.settings].filter(([, setting]) => setting.origin !== "default");
  const text =
    set.length === 0 ? "defaults only" : set.map(([key, setting]) => `${key} from ${setting.origin}`).join("; ");
  return [
    { name: "config", status: "ok", text },
    ...app.config.notes.map((note): Finding => ({ name: "config", status: "note", text: note })),
  ];
}

/** What the person decided, as a session would read it. */
async function decided(app: App): Promise<Finding[]> {
  const of = async (name: string, look: () => Promise<string> | string): Promise<Finding> => {
    try {
      return { name, status: "ok", text: await look() };
    } catch (error) {
      const { message, hint } = toFault(error);
      return { name, status: "problem", text: message, ...(hint ? { mend: hint } : {}) };
    }
  };
  return [
    await of("policy", async () => `${(await app.policy({})).rules} rules of policy files`),
    await of("approvals", () => `${app.approvals().list().length} hold`),
    await of("trust", () => {
      const open = app
        .trust()
        .subjects()
        .filter(({ state }) => state !== "trusted");
      return open.length === 0
        ? "nothing here waits for it"
        : `${open.length} files here are not trusted: crucible trust`;
    }),
  ];
}

/** Foreign servers as they are configured; none is started. */
/** One line for those that are installed; with none, those that are looked for. */
async function languageFindings(app: App): Promise<Finding[]> {
  const servers = await app.languages();
  const installed = servers.filter(({ words }) => words !== undefined);
  const names = (list: typeof servers) => [...new Set(list.map(({ name }) => name))].join(", ");
  if (servers.length === 0)
    return [{ name: "languages", status: "note", text: "language servers are off (lsp.enabled)" }];
  return installed.length > 0
    ? [{ name: "languages", status: "ok", text: `language servers: ${names(installed)}` }]
    : [{ name: "languages", status: "note", text: `no language server is installed; looked for ${names(servers)}` }];
}

/** What sessions left, or are in, of this repository. */
async function worktreeFindings(app: App): Promise<Finding[]> {
  const all = (await app.worktrees()).list();
  if (all.length === 0) return [];
  const names = all.map(({ name, live }) => (live ? `${name} (in use)` : name)).join(", ");
  return [
    { name: "worktrees", status: "ok", text: `${all.length} of sessions here: ${names} (crucible worktree list)` },
  ];
}

async function mcpFindings(app: App): Promise<Finding[]> {
  try {
    const view = await app.mcp();
    const rows = (await view.list()).map(({ name, target, state, tools }): Finding => {
      const known = tools === undefined ? "never seen" : `${tools} pinned tools`;
      return {
        name: "mcp",
        status: "ok",
        text: `${name}: ${target}: ${state}, ${known} (try it: crucible mcp test ${name})`,
      };
    });
    return [...rows, ...view.notes.map((text): Finding => ({ name: "mcp", status: "note", text }))];
  } catch (error) {
    const { message, hint } = toFault(error);
    return [{ name: "mcp", status: "problem", text: message, ...(hint ? { mend: hint } : {}) }];
  }
}

async function journalFinding(app: App): Promise<Finding> {
  try {
    return { name: "journal", status: "ok", text: `${(await app.sessions()).list().length} sessions` };
  } catch (error) {
    const { message, hint } = toFault(error);
    return { name: "journal", status: "problem", text: message, ...(hint ? { mend: hint } : {}) };
  }
}

async function auditFinding(app: App): Promise<Finding> {
  const report = await app.audit.verify({});
  if (report.ok) return { name: "audit", status: "ok", text: `${report.records} records, chain intact` };
  return {
    name: "audit",
    status: "problem",
    text: report.problem ?? "not intact",
    mend: "keep a copy, find out who changed it, then move the folder away",
  };
}
