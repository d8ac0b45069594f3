/** An MCP server on a pair of streams, one JSON message a line. */
import type { Readable, Writable } from "node:stream";
import type { McpServerFactory } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";

export interface StreamServing {
  readonly input: Readable;
  readonly output: Writable;
  readonly signal: AbortSignal;
  onError(error: Error): void;
}

/** Resolves when the client has closed its end, broken the protocol beyond repair, or `signal` aborts. */
export async function serveOver(factory: McpServerFactory, serving: StreamServing): Promise<void> {
  const { input, output, signal, onError } = serving;
  const ended = Promise.withResolvers<void>();
  const transport = new StdioServerTransport(input, output);
  const close = transport.close.bind(transport);
  // The transport closes itself at the end of its input and after a message without end.
  transport.close = async () => {
    await close();
    ended.resolve();
  };
  const end = () => ended.resolve();
  for (const name of ["end", "close", "error"]) input.once(name, end);
  output.once("error", end);
  signal.addEventListener("abort", end, { once: true });
  const server = serveStdio(factory, { transport, onerror: onError });
  if (signal.aborted) end();
  await ended.promise;
  await server.close();
}
