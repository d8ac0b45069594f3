/** The published conformance suite and reference servers against our client: what is run, and why a scenario may fail. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { journey } from "../kit/journey.ts";
import { configure, referenceEntry } from "../kit/mcp.ts";
import { tempFolder } from "../kit/temp.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PACKAGES = ["conformance", "server-everything", "server-filesystem"] as const;

/** Client scenarios that fail, each with its reason; one that passes must not stand here. */
export const EXPLAINED: Readonly<Record<string, string>> = {
  "auth/2025-03-26-oauth-metadata-backcompat":
    "its authorization server gives metadata with another issuer than it was asked for: RFC 8414 3.3 says to refuse that (mix-up attacks), and our client does",
  "auth/client-credentials-basic": "an extension: machine-to-machine grants are not offered, a person logs in",
  "auth/client-credentials-jwt": "an extension: machine-to-machine grants are not offered, a person logs in",
  "auth/cross-app-access-complete-flow":
    "an extension: token exchange with an enterprise identity provider is not offered",
};

/** `name version` of each suite, as installed. */
export function suiteVersions(): readonly string[] {
  return PACKAGES.map((name) => {
    const file = join(ROOT, "node_modules/@modelcontextprotocol", name, "package.json");
    return `@modelcontextprotocol/${name} ${(JSON.parse(readFileSync(file, "utf8")) as { version: string }).version}`;
  });
}

export interface ScenarioResult {
  readonly name: string;
  readonly passed: boolean;
  /** Checks, as the suite counts them. */
  readonly counts: string;
}

export async function suite(words: readonly string[], cwd: string): Promise<{ code: number | null; text: string }> {
  const bin = join(ROOT, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
  const child = spawn(process.execPath, [bin, ...words], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const { promise, resolve: done } = Promise.withResolvers<number | null>();
  child.on("close", done);
  return { code: await promise, text };
}

/** Every client scenario that the suite has, a few at a time. */
export async function clientScenarios(): Promise<readonly ScenarioResult[]> {
  using folder = tempFolder();
  const { text } = await suite(["list", "--client"], folder.path);
  const names = [...text.slice(text.indexOf("Client scenarios")).matchAll(/^ {2}- (\S+)/gm)].map(
    ([, name]) => name ?? "",
  );
  const command = `${process.execPath} ${join(ROOT, "test/protocols/client-driver.ts")}`;
  const results: ScenarioResult[] = [];
  const queue = [...names];
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const run = await suite(["client", "--command", command, "--scenario", name, "-o", folder.path], folder.path);
      const counts = /Passed: (.*)$/m.exec(run.text)?.[1] ?? "no result";
      results.push({ name, passed: run.code === 0, counts });
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  const sorted = results.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return onceMore(sorted, EXPLAINED, (name) =>
    suite(["client", "--command", command, "--scenario", name, "-o", folder.path], folder.path),
  );
}

/** The suite's own limits are an idle machine's: what fails unexplained among others is run once more, alone. */
export async function onceMore(
  results: readonly ScenarioResult[],
  explained: Readonly<Record<string, string>>,
  run: (name: string) => Promise<{ readonly code: number | null }>,
): Promise<readonly ScenarioResult[]> {
  const settled: ScenarioResult[] = [];
  for (const result of results)
    settled.push(
      result.passed || result.name in explained ? result : { ...result, passed: (await run(result.name)).code === 0 },
    );
  return settled;
}

/** Each reference server under the real binary in the real sandbox: one line of what it has. */
export async function referenceServers(): Promise<
  readonly { readonly name: string; readonly code: number | null; readonly line: string }[]
> {
  await using setting = await journey({ script: [] });
  configure(setting, {
    everything: referenceEntry("everything", ["stdio"]),
    filesystem: referenceEntry("filesystem", [setting.folder]),
  });
  return await Promise.all(
    ["everything", "filesystem"].map(async (name) => {
      const run = await setting.run(["mcp", "test", name]);
      return { name, code: run.code, line: (run.stdout || run.stderr).split("\n")[0] ?? "" };
    }),
  );
}
