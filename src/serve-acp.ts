/** Wires `crucible acp`: the editor's agent behind standard input and output, nothing else on standard output. */
import { Readable, Writable } from "node:stream";
import { ndJsonStream } from "@agentclientprotocol/sdk";
import { editorAgent } from "./acp/agent.ts";
import type { Serving } from "./core/ports/serving.ts";

/** Resolves when the editor has gone or the process is to end, and no session is left. */
export async function serveAcp(serving: Serving): Promise<void> {
  const editor = editorAgent(serving);
  // An editor that died is seen at its end of the input.
  process.stdout.on("error", () => undefined);
  const output = Writable.toWeb(process.stdout) as WritableStream<Uint8Array>;
  const input = Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>;
  const connection = editor.app.connect(ndJsonStream(output, input));
  const ended = new Promise<void>((resolve) => {
    serving.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  try {
    await Promise.race([connection.closed.catch(() => undefined), ended]);
  } finally {
    await editor.close();
    connection.close();
  }
}
