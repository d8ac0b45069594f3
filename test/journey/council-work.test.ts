/** Councils beside ordinary work: before the writer acts, with other models, on record, and sub-agents of one voice. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CouncilStats } from "../../src/core/council-record.ts";
import { askedIn, CLAMP, convene, council, patch, voicesScript, writeVoices } from "../kit/council.ts";
import { call, type Journey, lastText, messagesOf, resultOf } from "../kit/journey.ts";
import type { RecordedRequest, Reply } from "../kit/model-server.ts";
import { startModelServer } from "../kit/model-server.ts";
import { missing, terminal } from "../kit/terminal.ts";

const GATED = { ...CLAMP.files, ...CLAMP.test };
const vote = (choice: string, reason = "It fits.") => ({ choice, reason, confidence: 0.8 });
const isCouncil = (request: RecordedRequest) => lastText(request).includes("\n---\nStage: ");

/** Voices answer in their forms; the writer runs the tests and says so. */
function withWriter(replace: string): (request: RecordedRequest) => Reply {
  const voices = voicesScript({}, ({ stage }) => (stage === "propose" ? patch(replace) : vote("A")));
  return (request) => {
    if (isCouncil(request)) return voices(request);
    const tools = messagesOf(request).filter((message) => message["role"] === "tool").length;
    return tools === 0 ? call("shell", { command: "node --test" }) : { text: "The tests pass." };
  };
}

describe.concurrent("a council before the writer", () => {
  test("decides, its patch is applied through the gate, and one voice finishes", async () => {
    await using setting = await council({}, { files: GATED, script: withWriter(CLAMP.right) });
    const run = await setting.ask(["--council=3", "-o", "json", CLAMP.task]);
    expect(run.code, run.stdout + run.stderr).toBe(0);
    expect(setting.read("src/clamp.mjs")).toContain(CLAMP.right.trim());
    const written = setting.server.chats.filter((chat) => !isCouncil(chat));
    const thread = JSON.stringify(messagesOf(written[0] as RecordedRequest));
    expect(thread).toContain("The patch is applied: src/clamp.mjs");
    // Only the digest enters the thread, not what the voices said.
    expect(messagesOf(written[0] as RecordedRequest)).toHaveLength(3);
    expect(resultOf(run)).toMatchObject({ result: "The tests pass.", verification: { status: "passed" } });
    expect(setting.audit().some(({ tool, action }) => tool === "write" && action === "tool-end")).toBe(true);
  });

  test("trivial work is left to one voice", async () => {
    await using setting = await council({}, { files: GATED, script: withWriter(CLAMP.right) });
    const run = await setting.ask(["--council", "Explain src/clamp.mjs."]);
    expect(run.code).toBe(0);
    expect(run.stderr).toContain("one voice is enough for this");
    expect(setting.server.chats.some(isCouncil)).toBe(false);
  });

  test("without a decision nothing is changed, and the exit code says so", async () => {
    await using setting = await council({}, { files: GATED, script: withWriter(CLAMP.misread) });
    const run = await setting.ask(["--council=3", CLAMP.task]);
    expect(run.code).toBe(64);
    expect(run.stdout).toContain("Not decided: no proposal passes the repository's own checks");
    expect(setting.read("src/clamp.mjs")).toBe(CLAMP.files["src/clamp.mjs"]);
    expect(setting.server.chats.every(isCouncil)).toBe(true);
  });

  test("flags of a council mean nothing without one, and are refused", async () => {
    await using setting = await council({}, { files: GATED });
    const run = await setting.ask(["--options", "a,b", "Which?"]);
    expect([run.code, run.stderr]).toEqual([2, "crucible: --options is for crucible council. See: crucible --help\n"]);
  });
});

describe.skipIf(missing)("a council at a terminal", () => {
  test("asks the person which patch to take where it does not decide, and takes that one", async () => {
    await using setting = await council(
      { Implementor: ({ stage }) => (stage === "propose" ? patch(CLAMP.right) : vote("B")) },
      {
        files: CLAMP.files,
        script: (request: RecordedRequest) => {
          if (!isCouncil(request)) return { text: "It is taken." };
          const { voice, stage } = askedIn(request);
          const says =
            stage !== "propose" ? vote("A") : voice === "Implementor" ? patch(CLAMP.right) : patch(CLAMP.misread);
          return { text: JSON.stringify(stage === "propose" && voice === "Guardian" ? { checks: [] } : says) };
        },
      },
    );
    // The model is named after the work.
    using screen = terminal({ ...setting, model: [] }, ["--council=3", ...setting.model, "--risk", "high", CLAMP.task]);
    const asked = await screen.shows(/number or text:/);
    expect(asked).toMatch(/Not decided: /);
    expect(asked).toMatch(/Council [\w-]+ did not decide\. Which patch shall be taken\?/);
    const label = /(\d)\. \w: .*\n/.exec(asked)?.[1] ?? "1";
    screen.send(label, "Enter");
    await screen.shows(/exit=0/);
    expect(setting.read("src/clamp.mjs")).not.toBe(CLAMP.files["src/clamp.mjs"]);
    expect(setting.journal().some((event) => event.kind === "message-added" && event.reason === "council")).toBe(true);
  });
});

describe.concurrent("security", () => {
  test("has a veto with a finding that runs: what everybody else prefers does not pass it", async () => {
    const open = "  if (low > high) return eval('clamp(n, high, low)');";
    const finding = {
      claims: [
        {
          subject: "eval",
          predicate: "text is run as code",
          holds: false,
          file: "src/clamp.mjs",
          line: 3,
          severity: "high",
        },
      ],
      checks: [
        {
          title: "nothing is run as code",
          path: "no-eval.mjs",
          content:
            "import { readFileSync } from 'node:fs';\nprocess.exit(/\\beval\\(/.test(readFileSync('src/clamp.mjs', 'utf8')) ? 1 : 0);\n",
          command: "node no-eval.mjs",
          settles: 1,
        },
      ],
    };
    await using setting = await council(
      {
        Security: ({ stage }) => (stage === "propose" ? finding : vote("A")),
        Implementor: ({ stage }) => (stage === "propose" ? patch(CLAMP.right, 0.2) : vote("A")),
      },
      {
        files: GATED,
        others: ({ stage, voice }) =>
          stage !== "propose" ? vote("A") : voice === "Guardian" ? { checks: [] } : patch(open),
      },
    );
    const { report } = await convene(setting, [
      "--patch",
      "--voices",
      "developer,explorer,implementor,security",
      CLAMP.task,
    ]);
    expect(report.decision).toMatchObject({ outcome: "decided", winner: "implementor" });
    expect(report.checks.find(({ author }) => author === "security")).toMatchObject({ trust: "user", base: "pass" });
    expect(report.claims).toMatchObject([{ kind: "risk", checkId: "propose-4/security/1" }]);
    const shown = await setting.run(["council", "show", report.id]);
    expect(shown.stdout).toMatch(/nothing is run as code +security +pass .* a veto/);
  });
});

describe.concurrent("a question", () => {
  test("is answered blind by a few, ranked by all, and shown with its dissent and its cost", async () => {
    await using setting = await council(
      {
        Architect: ({ stage }) =>
          stage === "rank"
            ? { ranking: ["A"], reason: "It stores no secret.", confidence: 0.9 }
            : stage === "propose"
              ? {}
              : vote("A"),
      },
      {
        others: ({ stage, voice }) =>
          stage === "propose"
            ? {
                approach: voice,
                position:
                  voice === "Developer" ? "Zip the folder every night." : `Use the ${voice} way of copying blocks.`,
                confidence: 0.5,
              }
            : { ranking: ["C", "B", "A"], reason: "It can be restored.", confidence: 0.6 },
      },
    );
    const run = await setting.run(["council", "--council=10", ...setting.model, "How should backups be made?"]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/^Decided: C by developer\n/m);
    expect(run.stdout).toContain("architect    A: It stores no secret.  (dissents)");
    expect(run.stdout).toMatch(/\d+ calls, \d+ tokens read.*again: crucible council show/s);
    expect(run.stderr).toMatch(/council [0-9a-f-]+ \(risk low\): developer, architect/);
    const shown = await setting.run(["council", "list"]);
    expect(shown.stdout).toContain("How should backups be made?");
  });

  test("modes are settings of one engine: majority counts heads, consensus decides only what is sure", async () => {
    const split = ({ voice }: { voice: string }) => ({
      ...vote(["Developer", "Architect", "Analyzer"].includes(voice) ? "no" : "yes"),
      unless: "a lock that is held elsewhere",
    });
    await using setting = await council({}, { others: split });
    const ask = async (mode: string) =>
      (await convene(setting, ["--options", "yes,no", "--mode", mode, "Is it needed?"])).report;
    const majority = await ask("majority");
    expect(majority.decision).toMatchObject({ outcome: "decided", rule: "plurality", winner: "yes" });
    expect(majority.decision.dissent[0]).toMatchObject({ choice: "no", unless: "a lock that is held elsewhere" });
    expect((await ask("consensus")).decision).toMatchObject({ outcome: "abstained" });
    const text = await setting.run(["council", "show", majority.id]);
    expect(text.stdout).toContain("(dissents; would change its mind for: a lock that is held elsewhere)");
    const wrong = await setting.run(["council", ...setting.model, "--mode", "chaos", "Is it?"]);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining("--mode chaos: one of consensus, majority"),
    ]);
    const json = await setting.run(["council", ...setting.model, "--json", "--options", "yes,no", "Is it?"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ type: "result", council: { kind: "answer" } });
  });

  test("two models sit in turn, and count as two groups", async () => {
    await using other = await startModelServer({
      wire: "openai",
      flavour: "llamacpp",
      window: 16_384,
      model: "second",
      script: voicesScript({}, () => vote("yes")),
    });
    await using setting = await council({}, { others: () => vote("yes") });
    const config = join(setting.home, "crucible/config");
    mkdirSync(config, { recursive: true });
    const servers = [
      { name: "one", kind: "openai-compatible", url: `${setting.server.url}/v1` },
      { name: "two", kind: "openai-compatible", url: `${other.url}/v1` },
    ];
    writeFileSync(
      join(config, "config.jsonc"),
      JSON.stringify({ servers, "council.models": ["one/scripted", "two/second"] }),
    );
    const { report } = await convene(setting, ["--options", "yes,no", "--risk", "high", "Is the lock needed?"]);
    expect(new Set(report.ballots.map(({ group }) => group))).toEqual(new Set(["one/scripted", "two/second"]));
    expect(report.decision).toMatchObject({ outcome: "decided", winner: "yes" });
    expect(report.decision.nEff).toBeGreaterThan(1.5);
  });
});

describe.concurrent("the record", () => {
  test("knows what was accepted, what was undone since, and what a person says", async () => {
    await using setting = await council(
      {},
      { files: GATED, others: ({ stage }) => (stage === "propose" ? patch(CLAMP.right) : vote("A")) },
    );
    writeVoices(setting, 3);
    const statsOf = async () => JSON.parse((await setting.run(["council", "stats", "--json"])).stdout) as CouncilStats;
    const { report } = await convene(setting, ["--apply", "--preset", "ours", CLAMP.task]);
    expect(setting.read("src/clamp.mjs")).toContain(CLAMP.right.trim());
    expect(await statsOf()).toMatchObject({ outcomes: 1, sources: { accepted: 1 } });

    writeFileSync(join(setting.folder, "src/clamp.mjs"), CLAMP.files["src/clamp.mjs"]);
    await convene(setting, ["--options", "yes,no", "--preset", "ours", "Is it right?"]);
    const after = await statsOf();
    expect(after).toMatchObject({ outcomes: 1, open: 1, sources: { reverted: 1 } });
    expect(after.voices.find(({ voice, domain }) => voice === "v1" && domain === undefined)?.accuracy).toBeLessThan(
      0.6,
    );

    expect((await setting.run(["council", "outcome", report.id, "A"])).code).toBe(0);
    expect(await statsOf()).toMatchObject({ sources: { human: 1 } });
    const text = await setting.run(["council", "stats"]);
    expect(text.stdout).toMatch(/1 outcome \(1 human\), 1 not known yet/);
  });
});

describe.concurrent("a sub-agent", () => {
  /** The voice hands a question on; the sub-agent reads and answers. */
  const script =
    (write: boolean) =>
    (request: RecordedRequest): Reply => {
      const messages = messagesOf(request);
      const tools = messages.filter((message) => message["role"] === "tool").length;
      if (JSON.stringify(messages).includes("Find the bounds check.")) {
        const sub = messages.length > 0 && !JSON.stringify(messages).includes("Look into it");
        if (sub) {
          if (tools === 0)
            return write
              ? call("write", { path: "src/new.mjs", content: "x" })
              : call("read", { path: "src/clamp.mjs" });
          return { text: write ? `It says: ${lastText(request)}` : "The bounds are checked in line 3." };
        }
      }
      if (tools === 0)
        return call("tool_call", { name: "task", input: { title: "bounds", prompt: "Find the bounds check." } });
      return { text: `Told: ${lastText(request)}` };
    };

  const ask = (setting: Journey) => setting.ask(["-p", "-o", "json", "Look into it"]);

  test("reads with a context of its own; only its answer comes back", async () => {
    await using setting = await council({}, { files: GATED, script: script(false) });
    const run = await ask(setting);
    expect(resultOf(run)["result"]).toContain("Told: The bounds are checked in line 3.");
    const last = setting.server.chats.at(-1) as RecordedRequest;
    expect(JSON.stringify(messagesOf(last))).not.toContain("throw new RangeError");
    // Nothing is hidden: its requests are in the usage, its calls in the journal and the audit log.
    expect(Object.values(resultOf(run)["usage"] as Record<string, { requests: number }>)[0]?.requests).toBe(
      setting.server.chats.length,
    );
    expect(setting.audit().some(({ tool }) => tool === "read")).toBe(true);
  });

  test("changes nothing", async () => {
    await using setting = await council({}, { files: GATED, script: script(true) });
    const run = await ask(setting);
    expect(resultOf(run)["result"]).toMatch(/Told: It says: .*plan/);
    expect(() => setting.read("src/new.mjs")).toThrow();
  });
});

describe.concurrent("a council with an order", () => {
  test("who waits for another reads what it handed in, without its name; the others stay blind", async () => {
    const claims = {
      claims: [{ subject: "bounds", predicate: "they are swapped", holds: true, file: "", line: 0, severity: "low" }],
      checks: [],
    };
    await using setting = await council(
      { Security: () => claims },
      { files: GATED, others: ({ stage }) => (stage === "propose" ? patch(CLAMP.right) : vote("A")) },
    );
    const config = join(setting.home, "crucible/config");
    mkdirSync(config, { recursive: true });
    const members = [{ voice: "security", depends_on: ["developer"] }, "developer", "implementor"];
    writeFileSync(join(config, "config.jsonc"), JSON.stringify({ councils: { careful: { members } } }));
    await convene(setting, ["--patch", "--preset", "careful", CLAMP.task]);
    const asked = setting.server.chats.map((chat) => ({ ...askedIn(chat), text: lastText(chat) }));
    expect(asked.slice(0, 3).map(({ voice }) => voice)).toEqual(["Developer", "Implementor", "Security"]);
    const [first, second, third] = asked;
    for (const blind of [first, second]) expect(blind?.text).not.toContain("<answer>");
    expect(third?.text).toContain("The bounds are put in order first.");
    expect(third?.text).not.toContain("Developer");
  });
});
