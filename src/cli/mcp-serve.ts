/** `crucible mcp serve`: this program as an MCP server, on standard input and output or on a loopback port. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { CrucibleError } from "../base/error.ts";
import type { CommandContext } from "../core/ports/cli.ts";
import { serving } from "./serving.ts";

interface ServeOptions {
  readonly http?: string | true;
  readonly tokenFile?: string;
}

/** Bytes of a token that is made here. */
const TOKEN_BYTES = 32;
/** Shorter ones can be guessed. */
const LEAST_TOKEN = 16;

export function declareServe(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .command("serve")
    .description("offer council, review, ask, spiral, search and audit_verify to MCP clients")
    .argument("[flags...]", "flags of a run: -m, --base-url, -C, --permission-mode (plan unless named) ...")
    .option("--http [port]", "streamable HTTP on 127.0.0.1 instead of standard input and output")
    .option("--token-file <file>", "with --http: the bearer token; without it one is made and printed once")
    .allowUnknownOption()
    .addHelpText(
      "after",
      '\nAn entry for a client: {"mcpServers": {"crucible": {"command": "crucible", "args": ["mcp", "serve"]}}}',
    )
    .action(async (words: string[], options: ServeOptions) => {
      const http = httpOf(options);
      const code = await serving({ command: "crucible mcp serve", words, mode: "plan" }, context, (own) => {
        if (http && options.tokenFile === undefined) own.tell(`bearer token: ${http.token}`);
        return context.faces.mcp({ ...own, ...(http ? { http } : {}) });
      });
      finish(code);
    });
}

function httpOf({ http, tokenFile }: ServeOptions): { port: number; token: string } | undefined {
  if (http === undefined) {
    if (tokenFile === undefined) return undefined;
    throw new CrucibleError("usage", "--token-file goes with --http");
  }
  const port = http === true ? 0 : Number(http);
  if (!Number.isSafeInteger(port) || port < 0 || port > 65_535)
    throw new CrucibleError("usage", `--http ${http}: no port`, { hint: "a number up to 65535; 0: any that is free" });
  return { port, token: tokenFile === undefined ? randomBytes(TOKEN_BYTES).toString("base64url") : tokenIn(tokenFile) };
}

function tokenIn(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new CrucibleError("usage", `--token-file ${file} cannot be read`, { cause: error });
  }
  if (token.length >= LEAST_TOKEN && /^\S+$/.test(token)) return token;
  throw new CrucibleError("usage", `--token-file ${file}: a token is one word of at least ${LEAST_TOKEN} characters`, {
    hint: `openssl rand -hex 32 > ${file}`,
  });
}
