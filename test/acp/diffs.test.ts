import fc from "fast-check";
import { expect, test } from "vitest";
import { hunksOf } from "../../src/acp/diffs.ts";
import { showDiff } from "../../src/base/show-diff.ts";

const line = fc.constantFrom("a", "b", "- c", "+ d", "", "@ e");

test("every hunk's sides stand in the texts, at the line it names", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.array(line, { maxLength: 30 }), async (left, right) => {
      const [before, after] = [left, right].map((lines) => lines.map((each) => `${each}\n`).join(""));
      const { diff } = await showDiff(before ?? "", after ?? "");
      for (const hunk of hunksOf(diff)) {
        expect(before).toContain(hunk.before);
        expect(
          right
            .slice(hunk.line - 1)
            .join("\n")
            .startsWith(hunk.after),
        ).toBe(true);
      }
      expect(hunksOf(diff).length > 0).toBe(before !== after);
    }),
  );
});
