/** Wires `crucible mcp serve`: this program's desk behind standard input and output, or behind a loopback port. */
import type { McpServing } from "./core/ports/serving.ts";
import { createDesk } from "./mcp/server/desk.ts";
import { ownServer } from "./mcp/server/own-server.ts";

/** Resolves when the client has gone or the process is to end, and nothing that was begun is left. */
export async function serveMcp(serving: McpServing): Promise<void> {
  const ground = await serving.ground();
  const desk = createDesk(ground);
  const factory = ownServer(desk, serving.version);
  const { http, signal, tell } = serving;
  const onError = (error: Error) => tell(`mcp: ${error.message}`);
  try {
    if (http) {
      const { serveHttp } = await import("./mcp/server/http.ts");
      await using server = await serveHttp(factory, { ...http, onError });
      tell(`MCP server for ${ground.app.workspace} at ${server.url}, mode ${ground.base.mode}`);
      await aborted(signal);
    } else {
      const { serveOver } = await import("./mcp/server/stdio.ts");
      await serveOver(factory, { input: process.stdin, output: process.stdout, onError, signal });
    }
  } finally {
    await desk.close();
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
