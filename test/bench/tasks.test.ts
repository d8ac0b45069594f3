import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { TaskProof } from "../../bench/council/prove-tasks.ts";
import { parseTask } from "../../bench/council/task.ts";

const PROVER = resolve(import.meta.dirname, "../../bench/council/prove-tasks.ts");

describe("tasks of our own for councils", () => {
  it("hold what the score rests on: reference, wrong changes, blind test and wrong tests", async () => {
    // A process of its own: some wrong changes reach for Object.prototype.
    const { stdout } = await promisify(execFile)(process.execPath, [PROVER], { timeout: 50_000 });
    const proof = JSON.parse(stdout) as TaskProof;
    expect(proof.problems).toEqual([]);
    expect(proof.tasks).toBeGreaterThanOrEqual(40);
    for (const kind of ["off-by-one", "edge", "slow", "insecure", "careless"])
      expect(proof.classes[kind], kind).toBeGreaterThanOrEqual(4);
    // A blind test that found every wrong change would make the council's work easy.
    expect(proof.found).toBeLessThan(0.8);
  });

  it("name the file and the part when one is not whole", () => {
    expect(() => parseTask("odd", "# odd\nWords.\n\n## source src/a.ts\n```ts\nexport const a = 1;\n```\n")).toThrow(
      "tasks/odd.md: there is no ## base",
    );
  });
});
