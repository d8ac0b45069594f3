import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Kit, makeKit } from "./kit.ts";

const signal = new AbortController().signal;

function fill({ workspace }: { workspace: string }): void {
  mkdirSync(join(workspace, "src/deep"), { recursive: true });
  mkdirSync(join(workspace, ".git"));
  const files: Record<string, string> = {
    "src/a.ts": "const token = 1;\nlet b;\n",
    "src/deep/b.ts": "token();\n",
    "ignored.log": "token",
    "private.md": "token",
    ".env": "token=1",
    ".env.example": "token=",
    ".git/config": "token",
    ".gitignore": "*.log\n",
    ".codecrucibleignore": "private.md\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(workspace, name), text);
  utimesSync(join(workspace, "src/a.ts"), 10, 10);
}

const glob = (kit: Kit, pattern: string, path = ".", limit = 100) =>
  kit.sandbox.hands(kit.grant(["read"])).search?.glob({ pattern, path, limit }, signal);
const grep = (kit: Kit, pattern: string, extra: object = {}, reveals: string[] = []) =>
  kit.sandbox
    .hands(kit.grant(["read"], { reveals }))
    .search?.grep(
      { pattern, path: ".", ignoreCase: false, context: 0, limit: 100, filesOnly: false, ...extra },
      signal,
    );

test("glob is relative to its folder, newest first, and honours ignore files", async () => {
  await using kit = await makeKit({}, fill);
  const at = (name: string) => join(kit.workspace, name);
  expect((await glob(kit, "*.ts"))?.paths).toEqual([at("src/deep/b.ts"), at("src/a.ts")]);
  expect((await glob(kit, "deep/*.ts", "src"))?.paths).toEqual([at("src/deep/b.ts")]);
  expect((await glob(kit, "**/*"))?.paths.toSorted()).toEqual(
    [".codecrucibleignore", ".env.example", ".gitignore", "src/a.ts", "src/deep/b.ts"].map(at),
  );
  expect(await glob(kit, "*.ts", ".", 1)).toEqual({ paths: [at("src/deep/b.ts")], truncated: true });
  await expect(glob(kit, "*", "/etc")).rejects.toMatchObject({ fault: { code: "outside-workspace" } });
});

test("grep finds lines, leaves secrets out unless shown, and names a bad pattern", async () => {
  await using kit = await makeKit({}, fill);
  const at = (name: string) => join(kit.workspace, name);
  const found = await grep(kit, "token");
  expect(found?.matches.map((match) => match.path).toSorted()).toEqual([
    at(".env.example"),
    at("src/a.ts"),
    at("src/deep/b.ts"),
  ]);
  expect((await grep(kit, "TOKEN", { ignoreCase: true, glob: "src/*.ts", context: 1 }))?.matches).toEqual([
    { path: at("src/a.ts"), line: 1, text: "const token = 1;", context: false },
    { path: at("src/a.ts"), line: 2, text: "let b;", context: true },
  ]);
  expect((await grep(kit, "token", { filesOnly: true, limit: 1 }))?.truncated).toBe(true);
  expect((await grep(kit, "token", { path: ".env" }, [at(".env")]))?.matches).toHaveLength(1);
  expect((await grep(kit, "token", { path: "src" }))?.matches).toHaveLength(2);
  expect((await grep(kit, "nothing here"))?.matches).toEqual([]);
  await expect(grep(kit, "(")).rejects.toMatchObject({ fault: { code: "bad-input" } });
});
