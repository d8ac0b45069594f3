/** A person with a model file and no server. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { enginesOf } from "../kit/engines.ts";
import { type Journey, journey, resultOf } from "../kit/journey.ts";
import { tinyGguf, writeTinyGguf } from "../kit/tiny-gguf.ts";

const says = { says: ["Hello ", "from ", "weights."] };

/** What a person sees of the models that were added. */
async function listed(j: Journey): Promise<string> {
  return (await j.run(["models", "--local-provider", "embedded"])).stdout;
}

describe("a model file", () => {
  it("answers by its path, is added, listed, answers by its name, goes on in its session, and is forgotten", async () => {
    await using j = await journey({ script: [], files: { "a.txt": "a\n" } });
    const file = writeTinyGguf(join(j.folder, "tiny.gguf"), says);
    const first = await j.run(["-p", "--local-provider", "embedded", "--model", "./tiny.gguf", "hi"]);
    expect([first.code, first.stdout]).toEqual([0, "Hello from weights.\n"]);

    const added = await j.run(["models", "add", "./tiny.gguf"]);
    expect(added.stdout).toMatch(/^MODEL.*\nembedded\/tiny +[0-9a-f]{12} +0\.0 GiB +cold +- +32768 \(GGUF\)/);
    expect(await listed(j)).toBe(added.stdout);

    const second = await j.run(["-p", "-m", "embedded/tiny", "-o", "json", "hi"]);
    expect(resultOf(second)).toMatchObject({ result: "Hello from weights." });
    const again = await j.run(["-p", "-c", "-o", "json", "and again"]);
    expect(resultOf(again)).toMatchObject({ result: "Hello from weights." });
    const windows = j.journal().flatMap((event) => (event.kind === "model-chosen" ? [event.window] : []));
    expect(windows[0]).toMatchObject({ source: "chosen", tokens: 32_768 });
    expect((await j.run(["-p", "hi"])).stdout).toBe("Hello from weights.\n");

    expect((await j.run(["models", "remove", "embedded/tiny"])).stdout).toBe("embedded/tiny is forgotten\n");
    expect(await listed(j)).toBe("");
    expect(enginesOf(file)).toEqual([]);
  });

  it("that is none, or is damaged, is one plain line", async () => {
    await using j = await journey({ script: [], files: { "notes.gguf": "these are my notes, not a model\n" } });
    const notes = await j.run(["models", "add", "notes.gguf"]);
    expect([notes.code, notes.stderr.split("\n").at(-2)]).toEqual([
      61,
      `crucible: ${join(j.folder, "notes.gguf")} is no GGUF file. Name a GGUF file of a model that runs here`,
    ]);
    writeFileSync(join(j.folder, "half.gguf"), tinyGguf().subarray(0, 200_000));
    const half = await j.run(["-p", "--local-provider", "embedded", "-m", "half.gguf", "hi"]);
    expect([half.code, half.stderr.trimEnd().split("\n")]).toEqual([
      61,
      [expect.stringContaining("half.gguf is damaged: it ends before its last tensor")],
    ]);
  });

  it.each(["loads", "writes"])("leaves no engine behind when the program is killed while it %s", async (when) => {
    await using j = await journey({ script: [], files: { "a.txt": "a\n" } });
    const file = writeTinyGguf(join(j.folder, "endless.gguf"), { endBias: -30 });
    const { promise: started, resolve } = Promise.withResolvers<() => void>();
    let seen = "";
    const ended = j.run(["-p", "--local-provider", "embedded", "-m", file, "-o", "stream-json", "hi"], {
      running: (child) => {
        child.onOutput((text) => {
          seen += text;
        });
        resolve(() => child.kill("SIGKILL"));
      },
    });
    const kill = await started;
    try {
      await expect.poll(() => enginesOf(file).length, { interval: 5 }).toBe(1);
      if (when === "writes") await expect.poll(() => seen).toContain('"delta":true');
    } finally {
      kill();
    }
    expect((await ended).signal).toBe("SIGKILL");
    await expect.poll(() => enginesOf(file)).toEqual([]);
  });
});
