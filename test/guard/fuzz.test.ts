/** Nobody's commands: every one is decided without a crash in bounded time, and what is allowed starts only programs that the decision names. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { USER_LABEL } from "../../src/core/label.ts";
import { gatherAction } from "../../src/guard/action.ts";
import { judge } from "../../src/guard/judge.ts";
import { checks } from "../../src/parts.ts";
import { policyWith, shellTool } from "../kit/guard.ts";
import { git, lacking } from "../sandbox/machine.ts";
import { nextCommand, picker, quoted } from "./fuzz-commands.ts";

const LONG = process.env["CRUCIBLE_FUZZ"] === "long";
const COUNT = LONG ? 1_000_000 : 200_000;
const SAMPLE = LONG ? 3000 : 300;
/** Another one in every run; `CRUCIBLE_FUZZ_SEED` repeats one. */
const SEED = Number(process.env["CRUCIBLE_FUZZ_SEED"] ?? Date.now() % 2 ** 32);

const noStrace = existsSync("/usr/bin/strace") ? undefined : "strace is not installed";
if (noStrace !== undefined && process.env["CI"] === "true") throw new Error(`CI must have it: ${noStrace}`);
const reason = lacking() ?? noStrace;

interface Allowed {
  readonly command: string;
  /** Programs that the decision names, wrappers and what they run alike. */
  readonly named: ReadonlySet<string>;
}

const policy = policyWith();
const actor = { id: "local", role: "user" as const, scopes: ["prompt"] };
const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

async function decide(command: string, id: string) {
  const call = { type: "tool-call" as const, id, tool: "shell", input: { command } };
  const action = await gatherAction({
    call,
    tool: shellTool,
    actor,
    policy,
    context: USER_LABEL,
    running: 0,
    fresh: true,
  });
  const { verdict, verdicts } = await judge(action, checks);
  const broken = verdicts.find((entry) => /^check\.(?:failed|missing)$/.test(entry.rule));
  return { decision: verdict.decision, broken, words: action.shell?.commands ?? [] };
}

/** A slow answer may be the machine's fault: only one that is slow five times is the command's. */
async function isSlow(command: string): Promise<boolean> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const started = performance.now();
    await decide(command, `slow-${attempt}`);
    if (performance.now() - started < 50) return false;
  }
  return true;
}

/** Decides `COUNT` commands; keeps a fair sample of the allowed ones. */
async function decideAll() {
  const pick = picker(SEED);
  const seen = new Set<string>();
  const sample: Allowed[] = [];
  const trouble: string[] = [];
  const counts = { allow: 0, ask: 0, deny: 0 };
  for (let index = 0; index < COUNT; index++) {
    if (index % 2000 === 0) await new Promise((done) => setImmediate(done));
    const command = nextCommand(pick);
    const started = performance.now();
    try {
      const { decision, broken, words } = await decide(command, `fuzz-${index}`);
      if (broken) trouble.push(`${broken.reason}: ${JSON.stringify(command)}`);
      counts[decision]++;
      if (decision === "allow" && !seen.has(command)) {
        seen.add(command);
        const slot = sample.length < SAMPLE ? sample.length : pick(seen.size);
        if (slot < SAMPLE) sample[slot] = { command, named: new Set(words.map(([name = ""]) => nameOf(name))) };
      }
    } catch (error) {
      trouble.push(`${String(error)}: ${JSON.stringify(command)}`);
    }
    if (performance.now() - started > 50 && (await isSlow(command))) trouble.push(`slow: ${JSON.stringify(command)}`);
  }
  return { counts, sample, trouble, distinct: seen.size };
}

/** What programs are known to start on their own, beside what the decision names. */
const STARTS: Readonly<Record<string, string>> = {
  // git is many programs, and its shell parts; `gc` after a commit.
  git: "git sh",
  // Scripts of the fixture's package.json run in a shell: `node -e 0`.
  npm: "node sh",
  npx: "node sh",
  pnpm: "node sh",
  yarn: "node sh",
  node: "node",
  // Recipes of the fixture's Makefile and of make's own rules.
  make: "sh echo cc gcc g++ cc1 cc1plus as collect2 ld rm",
  gmake: "sh echo cc gcc g++ cc1 cc1plus as collect2 ld rm",
  // Compilers are drivers.
  gcc: "cc1 cc1plus lto1 as collect2 ld lto-wrapper",
  cc: "cc1 cc1plus lto1 as collect2 ld lto-wrapper",
  "g++": "cc1plus cc1 lto1 as collect2 ld lto-wrapper",
  "c++": "cc1plus cc1 lto1 as collect2 ld lto-wrapper",
  cmake: "cmake make ninja cc gcc c++ g++ cc1 cc1plus as collect2 ld uname sh ar ranlib which",
  // Packers and shell scripts of the distribution.
  tar: "gzip bzip2 xz zstd sh",
  gunzip: "sh gzip bash",
  zcat: "sh gzip bash",
  egrep: "sh grep",
  fgrep: "sh grep",
  which: "sh",
  // Without a command it echoes.
  xargs: "echo",
  python3: "python3 uname sh",
  python: "python3 uname sh",
  java: "java",
  // A shell script that looks for its Java.
  mvn: "uname ls expr dirname basename which java",
  // With -l it hands its output to the program that makes pages.
  diff: "pr",
  // One of the two programs of this name is a wrapper around jq.
  yq: "jq python3",
  ctest: "make ctest",
};

interface Traced {
  readonly started: readonly (readonly string[])[];
}

/** Runs commands one after the other inside one sandbox under strace; tells for each which programs were started. */
async function trace(commands: readonly string[]): Promise<Traced> {
  const base = realpathSync(mkdtempSync(join("/var/tmp", "crucible-fuzz-")));
  try {
    const place = (name: string) => join(base, name);
    for (const name of ["ws/src", "ws/scripts", "home", "state"]) mkdirSync(place(name), { recursive: true });
    fixture(place("ws"));
    // What a command leaves running is ended, in whatever group it is, so that it cannot be taken for the next one's.
    const play = (command: string) => `timeout -s KILL 1 bash -c ${quoted(command)}; kill -KILL -1`;
    const again = "/bin/true mark-none; rm -rf -- *; cp -r /tmp/fixture/. .";
    const lines = commands.map((command, at) => `${again}; /bin/true mark-${at}; ${play(command)}`);
    const start = "exec </dev/null >/dev/null 2>&1; mkdir /tmp/fixture; cp -r -- * /tmp/fixture";
    const script = `${start}\n${lines.join("\n")}\n/bin/true mark-end`;
    const order = JSON.stringify({
      workspace: place("ws"),
      home: place("home"),
      stateDir: place("state"),
      path: "/usr/local/bin:/usr/bin:/bin",
      commands: [script],
      timeoutMs: 600_000,
    });
    const words = ["-f", "-qq", "-e", "trace=execve", "-s", "256", "-o", place("trace"), process.execPath];
    const runner = resolve(import.meta.dirname, "../sandbox/user-run.ts");
    const child = spawn("strace", [...words, "--disable-warning=ExperimentalWarning", runner, order], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const told: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => told.push(chunk));
    await once(child, "close");
    const traced = programsIn(readFileSync(place("trace"), "utf8"), commands.length);
    if (!traced) throw new Error(`the commands were not played: ${Buffer.concat(told).toString().slice(0, 2000)}`);
    return traced;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

function fixture(folder: string): void {
  const files: Readonly<Record<string, string>> = {
    "README.md": "# fixture\n",
    "package.json": '{"name":"x","scripts":{"test":"node -e 0","build":"node -e 0","lint":"node -e 0"}}\n',
    Makefile: "all test build:\n\t@echo made\n",
    "data.csv": "a,b\n1,2\n",
    "a.txt": "a\n",
    "src/a.ts": "export const a = 1;\n",
    "src/index.ts": "export {};\n",
    "x.py": "print(1)\n",
    "scripts/build.sh": "echo built\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  git(folder, "init", "-q");
  git(folder, "add", "-A");
  git(folder, "commit", "-qm", "fixture");
}

/** Reads the trace: what was started between two marks belongs to the command of the first. */
function programsIn(text: string, count: number): Traced | undefined {
  const started: string[][] = Array.from({ length: count }, () => []);
  let current: string[] | undefined;
  let ended = false;
  for (const line of text.split("\n")) {
    const [, path = "", mark] = /execve\("((?:[^"\\]|\\.)*)", \[(?:"[^"]*", "mark-(\w+)")?/.exec(line) ?? [];
    if (path === "") continue;
    if (mark !== undefined) {
      ended ||= mark === "end";
      current = started[Number(mark)];
    } else if (!/= -1 /.test(line)) current?.push(nameOf(path));
  }
  return ended ? { started } : undefined;
}

/** A shell is only ever allowed to run a file of the project: what it starts then, the file says. */
const SHELLS = ["sh", "bash", "dash", "zsh"];

/** The shell and the limit that play the command are ours. */
function unnamed({ named }: Allowed, started: readonly string[]): readonly string[] {
  if (SHELLS.some((shell) => named.has(shell))) return [];
  const known = new Set([...named, "bash", "timeout"]);
  for (const name of named) for (const other of STARTS[name]?.split(" ") ?? []) known.add(other);
  return started.filter((name) => !known.has(name) && !/\.(?:sh|py|js|mjs)$/.test(name));
}

describe(`commands that nobody typed (seed ${SEED})`, () => {
  const decided = decideAll();

  it(`${COUNT} are decided without a crash, each in bounded time`, { timeout: 1_200_000 }, async () => {
    const { trouble, counts } = await decided;
    console.log(`fuzz: seed ${SEED}: ${JSON.stringify(counts)}`);
    expect(trouble, `seed ${SEED}`).toEqual([]);
    expect(counts.allow).toBeGreaterThan(SAMPLE);
    expect(counts.deny).toBeGreaterThan(SAMPLE);
  });

  it.skipIf(reason !== undefined)(
    `${SAMPLE} of the allowed ones start no program that the decision does not name${reason ? ` (skipped: ${reason})` : ""}`,
    { timeout: 1_800_000 },
    async () => {
      const { sample } = await decided;
      const size = 50;
      const groups = Array.from({ length: Math.ceil(sample.length / size) }, (_, at) =>
        sample.slice(at * size, (at + 1) * size),
      );
      const found: string[] = [];
      let programs = 0;
      const work = async () => {
        for (let group = groups.pop(); group; group = groups.pop()) {
          const { started } = await trace(group.map((entry) => entry.command));
          for (const [at, entry] of group.entries()) {
            programs += started[at]?.length ?? 0;
            const odd = unnamed(entry, started[at] ?? []);
            if (odd.length > 0) found.push(`${[...new Set(odd)].join(" ")} <- ${JSON.stringify(entry.command)}`);
          }
        }
      };
      await Promise.all([work(), work()]);
      expect(found, `seed ${SEED}`).toEqual([]);
      expect(programs).toBeGreaterThan(sample.length);
    },
  );
});
