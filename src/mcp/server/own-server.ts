/** This program as an MCP server: its tools over the desk, with progress, cancellation, structured results and errors that say what to do. */
import {
  type CallToolResult,
  McpServer,
  type McpServerFactory,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type * as z from "zod";
import { toFault } from "../../base/error.ts";
import { withoutHidden } from "../../base/invisible.ts";
import { oneLine } from "../../base/text.ts";
import { NOBODY } from "../../core/ports/human.ts";
import type { Desk, WorkResult } from "./desk.ts";
import { elicitedHuman } from "./elicited-human.ts";
import { auditOutput, searchInput, searchOutput, workOutput, workTools } from "./own-tools.ts";

const ABOUT =
  "A local coding agent in one workspace. Each call is a session of its own behind the agent's gate; calls wait for each other.";

/** A server for one connection, or for one request of a client that keeps no connection. */
export function ownServer(desk: Desk, version: string): McpServerFactory {
  return ({ era }) => {
    const server = new McpServer(
      { name: "codecrucible", title: "CodeCrucible Synth", version },
      { instructions: ABOUT },
    );
    registerWork(server, desk, era === "legacy");
    registerSearch(server, desk);
    registerAudit(server, desk);
    return server;
  };
}

/** `asking`: the protocol lets a running call ask the client. */
function registerWork(server: McpServer, desk: Desk, asking: boolean): void {
  const readOnlyHint = desk.ground.base.mode === "plan";
  for (const [name, tool] of Object.entries(workTools)) {
    const { title, description, input, order } = tool;
    const annotations = { readOnlyHint, openWorldHint: false };
    const inputSchema: z.ZodType = input;
    const config = { title, description, inputSchema, outputSchema: workOutput, annotations };
    server.registerTool(name, config, (given: unknown, context: ServerContext) =>
      answered(async () => {
        const client = clientName(server);
        const able = asking && server.server.getClientCapabilities()?.elicitation !== undefined;
        const result = await desk.work({
          ...order(given as never),
          client,
          human: able ? elicitedHuman(context, client) : NOBODY,
          signal: context.mcpReq.signal,
          step: progress(context),
        });
        const texts = [result.text, ...deniedText(result, desk.ground.base.mode)];
        return { content: texts.map((text) => ({ type: "text", text })), structuredContent: { ...result } };
      }),
    );
  }
}

function deniedText({ denied }: WorkResult, mode: string): string[] {
  if (denied.length === 0) return [];
  const lines = denied.map(({ tool, reason }) => `${tool} was denied: ${reason}`);
  const hint =
    mode === "plan" ? ["the server only reads: start it with --permission-mode default to let it write"] : [];
  return [[...lines, ...hint].join("\n")];
}

function clientName(server: McpServer): string {
  return oneLine(withoutHidden(server.server.getClientVersion()?.name ?? "unknown"), 60);
}

/** Lines for a client that asked to be told. */
function progress({ mcpReq }: ServerContext): (line: string) => void {
  const progressToken = mcpReq._meta?.progressToken;
  let count = 0;
  return (message) => {
    if (progressToken === undefined || mcpReq.signal.aborted) return;
    count++;
    const params = { progressToken, progress: count, message };
    // Whoever has gone is not told.
    void mcpReq.notify({ method: "notifications/progress", params }).catch(() => undefined);
  };
}

function registerSearch(server: McpServer, desk: Desk): void {
  const description = "Finds words in earlier prompts and answers of this workspace; secrets are taken out.";
  const annotations = { readOnlyHint: true, openWorldHint: false };
  const config = {
    ...{ title: "Search past sessions", description, annotations },
    ...{ inputSchema: searchInput, outputSchema: searchOutput },
  };
  server.registerTool("search", config, ({ words, limit }) =>
    answered(async () => {
      const { app } = desk.ground;
      const [sessions, { deep }] = await Promise.all([app.sessions(), app.redaction()]);
      const found = sessions.search(words, app.workspace).slice(0, limit);
      const hits = deep(found.map(({ at, ...hit }) => ({ ...hit, at: new Date(at).toISOString() })));
      const lines = hits.map(({ session, turn, who, snippet }) => `${session} turn ${turn}, ${who}: ${snippet}`);
      const text = lines.length === 0 ? "nothing found" : lines.join("\n");
      return { content: [{ type: "text", text }], structuredContent: { hits } };
    }),
  );
}

function registerAudit(server: McpServer, desk: Desk): void {
  const description = "Checks the chain of the audit log: whether a record was changed, removed or added.";
  const annotations = { readOnlyHint: true, idempotentHint: true, openWorldHint: false };
  const config = { title: "Verify the audit log", description, annotations, outputSchema: auditOutput };
  server.registerTool("audit_verify", config, () =>
    answered(async () => {
      const { ok, records, covered, head, problem } = await desk.ground.app.audit.verify({});
      const more = problem === undefined ? {} : { problem };
      const text = ok ? `intact: ${records} records, ${covered} of them covered by checkpoints` : `BROKEN: ${problem}`;
      return { content: [{ type: "text", text }], structuredContent: { ok, records, covered, head, ...more } };
    }),
  );
}

/** What went wrong is an answer, too: what failed, and what to do next. */
async function answered(work: () => Promise<CallToolResult>): Promise<CallToolResult> {
  try {
    return await work();
  } catch (error) {
    const { code, message, hint } = toFault(error);
    const text = `${message} (${code})${hint === undefined ? "" : `\n${hint}`}`;
    return { isError: true, content: [{ type: "text", text }] };
  }
}
