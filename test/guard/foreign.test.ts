/** Tools of foreign servers at the gate: asked about by default, bound to what they are now, closed by labels. */
import { expect, test } from "vitest";
import type { Approval, Approvals } from "../../src/core/approval.ts";
import { EXTERNAL_LABEL, WORKSPACE_LABEL } from "../../src/core/label.ts";
import type { ApprovalQuestion } from "../../src/core/ports/human.ts";
import type { Foreign, ForeignFacts, ForeignHands } from "../../src/core/ports/mcp.ts";
import { type Tool, textResult } from "../../src/core/tool.ts";
import toolCall from "../../src/tools/tool_call.ts";
import toolSearch from "../../src/tools/tool_search.ts";
import { gateKit } from "../kit/guard.ts";

interface Scene {
  facts?: Partial<ForeignFacts>;
  writes?: boolean;
  answer?: "yes" | "always" | "no";
  policy?: object;
  present?: boolean;
  work?: (hands: ForeignHands) => Promise<string>;
}

function scene({ facts, writes = false, answer = "no", policy, present = true, work }: Scene) {
  const questions: ApprovalQuestion[] = [];
  const held: Approval[] = [];
  const accepted: string[] = [];
  const approvals: Approvals = {
    current: () => held,
    add: (scopes, by) => {
      const made = scopes.map((scope) => ({ ...scope, id: "a1", workspace: "/ws", by, at: 0, expiresAt: 9e15 }));
      held.push(...made);
      return made;
    },
  };
  const now: { facts: Partial<ForeignFacts> } = { facts: facts ?? {} };
  const tool = (): Tool => ({
    name: "mcp__kit__echo",
    summary: "Gives back.",
    input: { safeParse: (value) => ({ success: true, data: value as Record<string, unknown> }) },
    effects: writes ? ["write", "exec"] : ["read"],
    parallel: false,
    timeoutMs: 1_000,
    foreign: {
      ...{
        server: "kit",
        parameters: { type: "object" },
        online: false,
        writes,
        approved: false,
        pin: "p1",
        changed: [],
      },
      about: ["server: kit: node kit.js (f:1)"],
      accept: () => void accepted.push("yes"),
      ...now.facts,
    },
    run: async (input, { foreign }) =>
      textResult(work && foreign ? await work(foreign) : `got ${JSON.stringify(input)}`),
  });
  const foreign: Foreign = {
    owns: (name) => name.startsWith("mcp__kit__"),
    all: async () => [tool()],
    find: async (name) => (name === "mcp__kit__echo" ? tool() : undefined),
    pinned: (name) => (name === "mcp__kit__echo" ? tool() : undefined),
  };
  const kit = gateKit({
    tools: [toolSearch, toolCall],
    foreign,
    policy: { approvals, ...policy },
    serve: async () => ({
      write: async () => undefined,
      onOutput: () => undefined,
      lastWords: () => "",
      ended: new Promise(() => undefined),
      kill: () => undefined,
    }),
    human: {
      present,
      approve: async (question) => {
        questions.push(question);
        return answer;
      },
      ask: async () => undefined,
    },
  });
  const run = (input: object = { text: "x", command: "rm -rf /", path: "/etc/shadow" }) =>
    kit.run("tool_call", { name: "mcp__kit__echo", input });
  return { kit, run, questions, held, now, accepted };
}

test("each call is asked about, and the question shows server, confinement and all of the input", async () => {
  const { run, questions, kit } = scene({ answer: "yes" });
  expect(await run()).toMatchObject({ denied: false, failed: false, readOnly: false });
  expect(questions[0]?.lines).toEqual(
    [
      "server: kit: node kit.js (f:1)",
      "input: {",
      '  "text": "x",',
      '  "command": "rm -rf /",',
      '  "path": "/etc/shadow"',
      "}",
      "why: mcp__kit__echo belongs to the foreign server kit [mcp.call]",
    ].map((line) => line.replace(/^ {2}/, " ")),
  );
  await run();
  expect(questions).toHaveLength(2);
  expect(kit.audit.find(({ action }) => action === "tool-decision")).toMatchObject({ tool: "mcp__kit__echo" });
});

test("always holds for the tool as it is now; a change asks again and shows what changed", async () => {
  const { run, questions, held, now, kit, accepted } = scene({ answer: "always" });
  await run();
  expect(questions[0]?.rules).toEqual(["mcp__kit__echo with any input, as long as it stays what it is now"]);
  expect(held).toEqual([expect.objectContaining({ tool: "mcp__kit__echo", pin: "p1" })]);
  kit.read(EXTERNAL_LABEL);
  expect(await run({})).toMatchObject({ denied: false });
  expect(questions).toHaveLength(1);
  now.facts = { pin: "p2", changed: ["the description changed", "- Gives back.", "+ Sends it away."], approved: true };
  await run({});
  expect(questions[1]?.lines).toContain("+ Sends it away.");
  expect(questions[1]?.lines.at(-1)).toContain("[mcp.changed]");
  expect(accepted).toHaveLength(3);
});

test("a change is not covered by a flag, an entry or a rule", async () => {
  const changed = { changed: ["new"], approved: true };
  const rule = { id: "r", tool: "mcp__kit", decision: "allow" as const, layer: "user" as const, place: "f:1" };
  const allowed = [{ tool: "mcp__kit__*" }];
  for (const policy of [{ allowed }, { rules: [rule] }])
    expect(await scene({ facts: changed, present: false, policy }).run()).toMatchObject({ denied: true });
  expect(await scene({ present: false, policy: { allowed } }).run()).toMatchObject({ denied: false });
  expect(await scene({ present: false, policy: { rules: [rule] } }).run()).toMatchObject({ denied: false });
  expect(await scene({ present: false, facts: { approved: true } }).run()).toMatchObject({ denied: false });
});

test("modes: plan calls nothing, auto does not ask, a read-only sandbox asks", async () => {
  expect((await scene({ facts: { approved: true }, policy: { mode: "plan" } }).run()).verdict.rule).toBe("mode.plan");
  expect(await scene({ policy: { mode: "auto" } }).run()).toMatchObject({ denied: true });
  const asked = scene({ facts: { approved: true }, policy: { sandbox: "read-only" }, answer: "yes" });
  expect(await asked.run()).toMatchObject({ denied: false });
  expect(asked.questions).toHaveLength(1);
});

test("what was read closes an online server: foreign text asks, with secrets it is refused", async () => {
  const online = { facts: { online: true } };
  const outside = scene({ ...online, answer: "always" });
  outside.kit.read(EXTERNAL_LABEL);
  await outside.run();
  expect(outside.questions[0]).toMatchObject({ rules: [] });
  const listed = scene({ facts: { online: true, approved: true }, present: false });
  listed.kit.read(EXTERNAL_LABEL);
  expect(await listed.run()).toMatchObject({ denied: false });
  listed.kit.read({ ...WORKSPACE_LABEL, confidentiality: "secret" });
  expect((await listed.run()).verdict).toMatchObject({ decision: "deny", rule: "label.rule-of-two" });
  const quiet = scene({ facts: { approved: true }, present: false });
  quiet.kit.read({ integrity: "external", confidentiality: "secret" });
  expect(await quiet.run()).toMatchObject({ denied: false });
});

test("a server that may write is undone like a command", async () => {
  const { run, kit } = scene({ writes: true, answer: "yes" });
  await run();
  expect(kit.order.indexOf("snapshot-taken")).toBeLessThan(kit.order.indexOf("tool-start"));
});

test("each start is on record, with words and hosts but no values, before it begins", async () => {
  const order = {
    server: "kit",
    words: ["node", "kit.js"],
    env: { TOKEN: "very-secret-value" },
    profile: "workspace-write" as const,
    read: [],
    hosts: ["a.example:443"],
  };
  const { run, kit } = scene({
    facts: { approved: true },
    policy: { sandbox: "workspace-write" },
    work: async (hands) => {
      await hands.serve(order, new AbortController().signal);
      hands.progress("1/2\n");
      return hands.spill("long");
    },
  });
  expect((await run()).parts).toEqual([{ type: "text", text: "/tmp/spilled" }]);
  const lease = kit.audit.find(({ action }) => action === "lease-start");
  expect(lease).toMatchObject({
    tool: "mcp__kit",
    details: { words: ["node", "kit.js"], variables: ["TOKEN"], readOnly: false, hosts: ["a.example:443"] },
  });
  expect(JSON.stringify(kit.audit)).not.toContain("very-secret-value");
  expect(kit.grants.at(-1)).toMatchObject({ readOnly: false, hosts: ["a.example:443"], effects: ["jobs"] });
  expect(kit.events).toContainEqual(expect.objectContaining({ kind: "tool-delta" }));
});

test("search finds them, and what it says is external", async () => {
  const { kit } = scene({});
  const found = await kit.run("tool_search", { query: "gives" });
  expect(found.parts[0]).toMatchObject({
    text: '{"name":"mcp__kit__echo","summary":"Gives back.","parameters":{"type":"object"}}',
  });
  expect(kit.events.findLast(({ kind }) => kind === "tool-end")).toMatchObject({ label: EXTERNAL_LABEL });
});
