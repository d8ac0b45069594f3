/** Completion in real shells, the manual page, and the one command that asks the registry. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isNewer } from "../../src/cli/commands/update.ts";
import { type Journey, journey } from "../kit/journey.ts";

const has = (program: string, ...words: string[]) => spawnSync(program, words).status === 0;

async function script(setting: Journey, shell: string): Promise<string> {
  const run = await setting.run(["completion", shell]);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const file = join(setting.home, `crucible.${shell}`);
  writeFileSync(file, run.stdout);
  return file;
}

/** What bash offers for a line whose last word is being written. */
function offered(file: string, words: readonly string[]): string[] {
  const list = words.map((word) => `'${word}'`).join(" ");
  const text = `source ${file}; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _crucible; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["--norc", "-c", text], { encoding: "utf8" }).trim().split("\n");
}

describe.concurrent("completion", () => {
  test("bash: commands, their subcommands and options, values of flags", async () => {
    await using setting = await journey({ script: [] });
    const file = await script(setting, "bash");
    expect(offered(file, ["crucible", "sess"])).toEqual(["sessions"]);
    expect(offered(file, ["crucible", "--perm"])).toEqual(["--permission-mode"]);
    expect(offered(file, ["crucible", "sessions", "ex"])).toEqual(["export"]);
    expect(offered(file, ["crucible", "sessions", "export", "--f"])).toEqual(["--format"]);
    expect(offered(file, ["crucible", "--permission-mode", ""])).toEqual(["plan", "default", "accept-edits", "auto"]);
    expect(offered(file, ["crucible", "undo", "--d"])).toEqual(["--dry-run", "--doubtful"]);
  });

  test.skipIf(!has("zsh", "--version"))("zsh reads its script", async () => {
    await using setting = await journey({ script: [] });
    execFileSync("zsh", ["-n", await script(setting, "zsh")]);
  });

  test.skipIf(!has("fish", "--version"))("fish reads its script and offers", async () => {
    await using setting = await journey({ script: [] });
    const file = await script(setting, "fish");
    const said = execFileSync("fish", ["--no-config", "-c", `source ${file}; complete -C 'crucible sess'`], {
      encoding: "utf8",
    });
    expect(said).toMatch(/^sessions\t/m);
    // The first word is a command or a prompt, no file.
    const all = execFileSync("fish", ["--no-config", "-c", `cd /etc; source ${file}; complete -C 'crucible pass'`]);
    expect(all.toString()).not.toContain("passwd");
  });

  test("each shell has every command; another shell is told", async () => {
    await using setting = await journey({ script: [] });
    for (const shell of ["zsh", "fish", "powershell"]) {
      const text = (await setting.run(["completion", shell])).stdout;
      for (const word of ["sessions", "undo", "mcp", "permission-mode"]) expect(text).toContain(word);
    }
    const wrong = await setting.run(["completion", "fsh"]);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toMatch(/^crucible: there is no completion for fsh; .* Did you mean (?:fish|zsh)\?\n$/);
  });
});

describe.concurrent("manual page", () => {
  test("has every part, and no line of text that begins as a request", async () => {
    await using setting = await journey({ script: [] });
    const { stdout } = await setting.run(["man"]);
    for (const part of ["NAME", "SYNOPSIS", "EXAMPLES", "FLAGS", "COMMANDS", "EXIT STATUS"])
      expect(stdout).toContain(`.SH ${part}\n`);
    for (const line of stdout.split("\n")) if (/^[.']/.test(line)) expect(line).toMatch(/^\.(?:TH|SH|SS|TP|B|br)\b/);
    expect(stdout).toContain("crucible undo");
    // A quotation mark of its own would be taken for one of the request's.
    expect(stdout).toMatch(/^\.B crucible \\\(dq[^"\n]+\\\(dq$/m);
  });
});

describe.concurrent("update", () => {
  test("asks only when it is typed, and only the registry that is named", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end(request.url === "/codecrucible/latest" ? '{"version":"99.0.0"}' : "{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using setting = await journey({ script: [] });
    try {
      expect(await setting.run(["update", "--registry", registry])).toMatchObject({ code: 2 });
      expect(asked).toEqual([]);
      const run = await setting.run(["update", "--check", "--registry", registry]);
      expect(run.stdout).toMatch(
        /^99\.0\.0 is there; this is \S+\. Update with: npm install -g codecrucible@latest\n$/,
      );
      expect(asked).toEqual(["/codecrucible/latest"]);
      const json = await setting.run(["update", "--check", "--json", "--registry", registry]);
      expect(JSON.parse(json.stdout)).toMatchObject({ newest: "99.0.0", newer: true });
      const broken = await setting.run(["update", "--check", "--registry", `${registry}/elsewhere`]);
      expect(broken.stderr).toMatch(
        /^crucible: http:\/\/127\.0\.0\.1:\d+ does not tell of codecrucible: no version in its answer\. /,
      );
    } finally {
      server.close();
    }
    const dead = await setting.run(["update", "--check", "--registry", "http://127.0.0.1:1"]);
    expect(dead.code).toBe(1);
    expect(dead.stderr.trim().split("\n")).toHaveLength(1);
  });

  test.each([
    ["1.0.0", "0.9.9", true],
    ["0.1.0", "0.1.0", false],
    ["0.1.0", "0.1.0-beta.1", true],
    ["0.1.9", "0.1.10", false],
  ])("%s after %s: %s", (other, own, newer) => expect(isNewer(other, own)).toBe(newer));
});
