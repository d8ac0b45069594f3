/** Councils as data: who may sit in one, and that waiting never goes in a circle. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CouncilText, presetOf } from "../../src/council/preset.ts";

const VOICES = ["developer", "security", "architect", "guardian"];
const read = (...members: CouncilText["members"]) =>
  presetOf({ id: "mine", origin: "user", value: { members }, place: (at) => `c.jsonc:${(at ?? -1) + 2}` }, VOICES);

describe("a council", () => {
  it("names its voices and who reads whom", () => {
    expect(read("developer", { voice: "security", depends_on: ["developer"] })).toEqual({
      id: "mine",
      title: "2 voices of your own",
      origin: "user",
      members: [
        { voice: "developer", dependsOn: [] },
        { voice: "security", dependsOn: ["developer"] },
      ],
    });
  });

  it("is refused with the line of what is wrong", () => {
    expect(() => read("developer", "securty")).toThrow("c.jsonc:3: there is no voice securty");
    expect(() => read("developer", "developer")).toThrow("c.jsonc:3: developer sits in mine already");
    expect(() => read({ voice: "developer", depends_on: ["security"] })).toThrow(
      "c.jsonc:2: developer depends on security, who is no member of mine",
    );
    expect(() =>
      read(
        "guardian",
        { voice: "developer", depends_on: ["security"] },
        { voice: "security", depends_on: ["developer"] },
      ),
    ).toThrow("c.jsonc:3: developer waits for security waits for developer");
    expect(() => read({ voice: "developer", depends_on: ["developer"] })).toThrow("developer waits for developer");
  });

  it("is taken exactly when there is an order in which nobody waits for a later one", () => {
    const graph = fc.array(fc.tuple(fc.constantFrom(...VOICES), fc.constantFrom(...VOICES)), { maxLength: 6 });
    fc.assert(
      fc.property(graph, (edges) => {
        const members = VOICES.map((voice) => ({
          voice,
          depends_on: edges.filter(([from]) => from === voice).map(([, to]) => to),
        }));
        let left = [...members];
        for (const _ of VOICES)
          left = left.filter((m) => m.depends_on.some((to) => left.some(({ voice }) => voice === to)));
        if (left.length === 0) expect(read(...members).members).toHaveLength(4);
        else expect(() => read(...members)).toThrow("waits for");
      }),
    );
  });
});
