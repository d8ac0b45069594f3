/** What the demo's scripted model says, step by step. It is a script: it knows the shop and thinks nothing. */
import type { RecordedRequest, Reply } from "./model-server.ts";

const STEPS: readonly Reply[] = [
  { text: "I will run the tests first.", toolCalls: [{ name: "shell", arguments: { command: "node --test" } }] },
  {
    text: "One test fails: the discount at exactly 100.00. Looking at the code.",
    toolCalls: [
      { name: "read", arguments: { path: "src/cart.ts" } },
      { name: "grep", arguments: { pattern: "discount", path: "src" } },
    ],
  },
  {
    text: "`discount` uses `>` where the rule says from 100.00 on.",
    toolCalls: [
      { name: "edit", arguments: { path: "src/cart.ts", edits: [{ old: "cents > 10_000", new: "cents >= 10_000" }] } },
    ],
  },
  { toolCalls: [{ name: "shell", arguments: { command: "node --test" } }] },
  { text: "Fixed `discount` in src/cart.ts: orders of exactly 100.00 now get their ten percent. All four tests pass." },
];

/** The step that is due: one more than the answers the thread already holds. */
export function shopScript(request: RecordedRequest): Reply {
  const messages = Array.isArray(request.body["messages"]) ? request.body["messages"] : [];
  const answered = messages.filter((message: { role?: string }) => message.role === "assistant").length;
  return STEPS[Math.min(answered, STEPS.length - 1)] ?? {};
}
