/** What the demo's scripted voices say. It is a script: one proposal is right, one only looks right, one is wrong. */
import type { RecordedRequest, Reply } from "./model-server.ts";

const FIND = "return cents > 10_000 ? Math.floor(cents / 10) : 0;";
const edits = (replace: string) => [{ path: "src/cart.ts", find: FIND, replace }];

const PROPOSALS: Readonly<Record<string, object>> = {
  Developer: {
    approach: "bound the discount",
    position: "From 100.00 on a tenth is taken off, and Math.min keeps it at 50.00 at most.",
    edits: edits("return cents >= 10_000 ? Math.min(Math.floor(cents / 10), 5_000) : 0;"),
    confidence: 0.8,
  },
  Implementor: {
    approach: "smallest change",
    position: "The comparison includes 100.00 now; nothing else has to change.",
    edits: edits("return cents >= 10_000 ? Math.floor(cents / 10) : 0;"),
    confidence: 0.9,
  },
  Explorer: {
    approach: "bound the price instead",
    position: "The price that counts for the discount is bounded, so the discount is too.",
    edits: edits("return cents >= 10_000 ? Math.floor(Math.min(cents, 5_000) / 10) : 0;"),
    confidence: 0.6,
  },
};

const CHECK = {
  title: "a large order gets 50.00 off, not more",
  path: "check.mjs",
  content:
    "import { discount } from './src/cart.ts';\nconst off = discount(100_000);\nif (off !== 5_000) { console.error('discount(100_000) is', off); process.exit(1); }\n",
  command: "node check.mjs",
};

const claim = (subject: string, predicate: string, line: number) => ({
  subject,
  predicate,
  holds: true,
  file: "src/cart.ts",
  line,
  severity: "medium",
});

const CLAIMS: Readonly<Record<string, object>> = {
  Analyzer: claim("comparison", "the failing test is the one at exactly 100.00: > must be >=", 14),
  Architect: claim("total", "total() only calls discount(): no caller has to change", 17),
};

/** A scripted judge looks at what ran, as a good one would; the implementor stands by its own. */
function verdict(voice: string, text: string): object {
  const passing = [...text.matchAll(/<proposal id="(\w)">([\s\S]*?)<\/proposal>/g)].find(
    ([, , body = ""]) => !/: fail/.test(body),
  );
  const own = [...text.matchAll(/<proposal id="(\w)">([\s\S]*?)<\/proposal>/g)].find(([, , body = ""]) =>
    body.includes("nothing else has to change"),
  );
  if (voice === "Implementor")
    return { choice: own?.[1] ?? "A", reason: "The rule about 50.00 belongs to another change.", confidence: 0.6 };
  return {
    choice: passing?.[1] ?? "A",
    reason: "It is the only one that passes everything that ran.",
    confidence: 0.8,
  };
}

export const COUNCIL_TASK =
  "discount in src/cart.ts: an order of 100.00 or more gets ten percent off, but never more than 50.00.";

/** The voice and the stage stand in the last lines of the prompt. */
export function councilScript(request: RecordedRequest): Reply {
  const messages = request.body["messages"] as readonly { readonly content?: string }[];
  const text = messages.at(-1)?.content ?? "";
  const tail = text.slice(text.lastIndexOf("\n---\nStage: "));
  const voice = /Duty \((.*?)\):/.exec(tail)?.[1] ?? "";
  if (tail.includes("Stage: Choose")) return { text: JSON.stringify(verdict(voice, text)) };
  const proposal = PROPOSALS[voice];
  const claims = CLAIMS[voice] ? [CLAIMS[voice]] : [];
  const checks = ["Architect", "Designer"].includes(voice) ? {} : { checks: [] };
  const handed = voice === "Guardian" ? { checks: [CHECK] } : (proposal ?? { claims, ...checks });
  return { text: JSON.stringify(handed) };
}
