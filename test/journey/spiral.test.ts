/** The Living Spiral through the real binary: only what passes reaches the folder, and what is cut off goes on. */
import { describe, expect, test } from "vitest";
import type { SpiralReport } from "../../src/core/spiral.ts";
import { askedIn, CLAMP, council } from "../kit/council.ts";
import { call, type Journey, lastText, messagesOf } from "../kit/journey.ts";
import type { RecordedRequest, Reply } from "../kit/model-server.ts";

const FILES = { ...CLAMP.files, ...CLAMP.test };
const problem = { goal: "clamp takes swapped bounds", constraints: ["the order of arguments stays"], acceptance: [] };
const plan = {
  steps: ["Put the bounds in order."],
  files: ["src/clamp.mjs"],
  tests: ["swapped bounds"],
  risks: ["none"],
  rollback: "git checkout src/clamp.mjs",
};

interface Script {
  /** What the writer puts in place of the refusal, loop by loop. */
  readonly writes: readonly string[];
  readonly acceptance?: readonly object[];
  readonly audit?: readonly object[];
  readonly onStage?: (key: string) => Promise<void> | void;
}

function spiralScript({
  writes,
  acceptance = [],
  audit = [],
  onStage,
}: Script): (request: RecordedRequest) => Promise<Reply> {
  let loop = 0;
  return async (request) => {
    const text = lastText(request);
    const says = (value: object) => ({ text: JSON.stringify(value) });
    const key = text.includes("Turn this work into one problem")
      ? "collapse"
      : text.includes("Make one plan.")
        ? "plan"
        : text.includes("You did not write this change")
          ? "audit"
          : text.includes("One sentence that helps")
            ? "lesson"
            : text.includes("\nStage: ")
              ? "council"
              : "write";
    await onStage?.(key);
    switch (key) {
      case "collapse":
        return says({ ...problem, acceptance });
      case "plan":
        return says(plan);
      case "audit":
        return says({ findings: audit });
      case "lesson":
        return says({ lesson: "src/clamp.mjs: swapped bounds must be put in order, not clipped." });
      case "council": {
        const { stage } = askedIn(request);
        return stage === "propose"
          ? says({
              approach: "order",
              position: `Order the bounds first (${askedIn(request).voice}).`,
              confidence: 0.7,
            })
          : says({ ranking: ["A", "B"], reason: "It is small.", confidence: 0.6 });
      }
      default: {
        const done = messagesOf(request).filter((message) => message["role"] === "tool").length;
        if (done === 0) return call("read", { path: "src/clamp.mjs" });
        if (done > 1) return { text: "It is done." };
        const line = writes[Math.min(loop++, writes.length - 1)] ?? "";
        return call("edit", { path: "src/clamp.mjs", edits: [{ old: CLAMP.find, new: line }] });
      }
    }
  };
}

async function run(setting: Journey, words: readonly string[]) {
  const ran = await setting.run(["spiral", ...setting.model, "-o", "json", ...words]);
  const result = JSON.parse(ran.stdout.trimEnd().split("\n").at(-1) || "{}") as { spiral?: SpiralReport };
  if (!result.spiral) throw new Error(`no report: ${ran.stdout}\n${ran.stderr}`);
  return { ran, report: result.spiral };
}

describe.concurrent("a spiral", () => {
  test("writes in a copy, and puts what passes into the folder", async () => {
    await using setting = await council({}, { files: FILES, script: spiralScript({ writes: [CLAMP.right] }) });
    const { ran, report } = await run(setting, [CLAMP.task]);
    expect(ran.code, ran.stderr).toBe(0);
    expect(report).toMatchObject({ end: "done", scale: "micro", applied: ["src/clamp.mjs"] });
    expect(report.loops[0]?.quality).toMatchObject({ value: 1, broken: [], findings: [] });
    expect(report.loops[0]?.quality.checks).toMatchObject([{ kind: "suite", before: "fail", after: "pass" }]);
    expect(setting.read("src/clamp.mjs")).toContain(CLAMP.right.trim());
    expect(setting.journal().filter(({ kind }) => kind === "phase-end")).toHaveLength(5);
    const todos = setting.journal().filter(({ kind }) => kind === "todos-set");
    expect(todos.at(-1)).toMatchObject({ todos: [{ status: "done" }] });
  });

  test("loops with what failed, learns from it, and reads the lesson the next time", async () => {
    await using setting = await council(
      {},
      { files: FILES, script: spiralScript({ writes: [CLAMP.misread, CLAMP.right] }) },
    );
    const { ran, report } = await run(setting, [CLAMP.task]);
    expect(ran.code, ran.stderr).toBe(0);
    expect(report.loops.map(({ quality }) => quality.value)).toEqual([0, 1]);
    expect(report.lesson).toContain("swapped bounds must be put in order");
    const plans = setting.server.chats.filter((chat) => lastText(chat).includes("Make one plan."));
    expect(lastText(plans[1] as RecordedRequest)).toContain("npm run -s test fails");
    const before = setting.server.chats.length;
    await run(setting, ["Document clamp."]);
    const collapse = setting.server.chats.slice(before).find((chat) => lastText(chat).includes("Turn this work"));
    expect(lastText(collapse as RecordedRequest)).toContain("<lessons>\n- src/clamp.mjs: swapped bounds");
  });

  test("leaves the folder alone when nothing it writes passes", async () => {
    await using setting = await council({}, { files: FILES, script: spiralScript({ writes: [CLAMP.misread] }) });
    const { ran, report } = await run(setting, ["--loops", "3", CLAMP.task]);
    expect(ran.code).toBe(64);
    expect(report.end).toBe("plateau");
    expect(setting.read("src/clamp.mjs")).toBe(CLAMP.files["src/clamp.mjs"]);
  });

  test("without a suite or an acceptance check quality is unknown, and a person is needed", async () => {
    await using setting = await council({}, { files: CLAMP.files, script: spiralScript({ writes: [CLAMP.right] }) });
    const { ran, report } = await run(setting, [CLAMP.task]);
    expect(ran.code).toBe(64);
    expect(report).toMatchObject({ end: "needs-human", applied: [] });
    expect(report.loops[0]?.quality.value).toBeNull();
    expect(setting.read("src/clamp.mjs")).toBe(CLAMP.files["src/clamp.mjs"]);
  });

  test("a check that the person names is enough", async () => {
    await using setting = await council({}, { files: CLAMP.files, script: spiralScript({ writes: [CLAMP.right] }) });
    const accept = "node -e \"import('./src/clamp.mjs').then((m) => process.exit(m.clamp(5, 10, 0) === 5 ? 0 : 1))\"";
    const { ran, report } = await run(setting, ["--accept", accept, CLAMP.task]);
    expect(ran.code, ran.stderr).toBe(0);
    expect(report.loops[0]?.quality.checks).toMatchObject([{ kind: "acceptance", before: "fail", after: "pass" }]);
  });

  test("what breaks a check that passed is not taken, whatever else passes", async () => {
    const lint = {
      "package.json":
        '{ "name": "c", "type": "module", "scripts": { "test": "node --test", "lint": "! grep -q return.clamp src/clamp.mjs" } }\n',
    };
    await using setting = await council(
      {},
      { files: { ...FILES, ...lint }, script: spiralScript({ writes: [CLAMP.right] }) },
    );
    const { report } = await run(setting, [CLAMP.task]);
    expect(report.loops[0]?.quality).toMatchObject({ value: 0.8, broken: ["npm run -s lint"] });
    expect(report.applied).toEqual([]);
  });

  test("killed in any phase, it goes on from there and asks nothing twice", async () => {
    for (const stage of ["council", "plan", "write"]) {
      const seen: string[] = [];
      const stop = Promise.withResolvers<void>();
      let killed = false;
      const onStage = async (key: string) => {
        if (key === stage && !killed) {
          stop.resolve();
          await new Promise(() => undefined);
        }
        seen.push(key);
      };
      await using setting = await council(
        {},
        { files: FILES, script: spiralScript({ writes: [CLAMP.right], onStage }) },
      );
      await setting.run(["spiral", ...setting.model, CLAMP.task], {
        running: (child) => void stop.promise.then(() => child.kill("SIGKILL")),
      });
      killed = true;
      const { ran, report } = await run(setting, ["--resume"]);
      expect(ran.code, `${stage}: ${ran.stderr}`).toBe(0);
      expect(report.applied).toEqual(["src/clamp.mjs"]);
      expect(seen.filter((key) => key === "collapse")).toHaveLength(1);
      expect(seen.filter((key) => key === "plan")).toHaveLength(1);
    }
  });
});
