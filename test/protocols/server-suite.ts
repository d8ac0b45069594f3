/** The published conformance suite against our server plumbing (a fixture with the tools that the suite asks for) and against the real `crucible mcp serve`. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { journey } from "../kit/journey.ts";
import { serve } from "../kit/serve.ts";
import { tempFolder } from "../kit/temp.ts";
import { onceMore, type ScenarioResult, suite } from "./suite.ts";

/** Server scenarios that fail, each with its reason; one that passes must not stand here. */
export const SERVER_EXPLAINED: Readonly<Record<string, string>> = {};

/** Checks that only warn, each with its reason. */
export const SERVER_WARNINGS: Readonly<Record<string, string>> = {
  "server-sse-polling":
    "it calls itself 2025-03-26, and events without data belong to 2025-11-25: clients before it would take them for messages",
};

/** What needs no tool of the suite's own. */
const GENERIC = ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"] as const;
const TOKEN = "a-token-for-the-suite-0123456789";

/** Every server scenario of the suite, against the fixture. */
export async function fixtureScenarios(): Promise<readonly ScenarioResult[]> {
  using folder = tempFolder();
  const child = spawn(process.execPath, [join(import.meta.dirname, "fixture-server.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  child.on("close", () => resolve());
  try {
    const { promise: line, resolve: told } = Promise.withResolvers<string>();
    child.stdout.setEncoding("utf8").once("data", told);
    const url = (await line).trim();
    const { text } = await suite(["server", "--url", url, "--suite", "all"], folder.path);
    const summary = text.slice(text.indexOf("=== SUMMARY ==="));
    const results = [...summary.matchAll(/^(✓|✗) (\S+): (.*)$/gm)].map(([, mark, name = "", counts = ""]) => ({
      name,
      passed: mark === "✓",
      counts,
    }));
    return await onceMore(results, SERVER_EXPLAINED, (name) =>
      suite(["server", "--url", url, "--scenario", name], folder.path),
    );
  } finally {
    child.kill();
    await ended;
  }
}

/** The generic ones, against the real binary; the suite knows no token, so it comes in through a door that adds it. */
export async function realScenarios(): Promise<readonly ScenarioResult[]> {
  await using setting = await journey({ script: [] });
  const file = join(setting.home, "token");
  writeFileSync(file, TOKEN);
  await using served = serve(setting, ["mcp", "serve", ...setting.model, "--http", "--token-file", file]);
  const { promise, resolve } = Promise.withResolvers<string>();
  served.child.stderr.on("data", () => {
    const found = /http:\/\/127\.0\.0\.1:\d+\/mcp/.exec(served.stderr())?.[0];
    if (found) resolve(found);
  });
  await using door = await tokenDoor(await promise);
  const results: ScenarioResult[] = [];
  for (const name of GENERIC) {
    const run = await suite(["server", "--url", door.url, "--scenario", name], setting.home);
    results.push({ name, passed: run.code === 0, counts: /Passed: (.*)$/m.exec(run.text)?.[1] ?? "no result" });
  }
  return results;
}

/** Passes everything on as it is, Host and Origin too, with the token. */
async function tokenDoor(target: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${TOKEN}` };
    const onward = request(target, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
