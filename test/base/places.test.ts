import { expect, test } from "vitest";
import { controlHomes, controlPlace, isBelowAnyCase } from "../../src/base/control-places.ts";
import { isSecretPath } from "../../src/base/secret-names.ts";

test.each([
  ".env",
  "a/.env.local",
  ".ENV",
  ".envrc",
  "id_rsa",
  "keys/server.PEM",
  "x.key",
  ".npmrc",
  ".netrc",
  "credentials",
  ".aws/anything",
  ".git/config",
  "sub/.git/config",
  "home/.ssh/known_hosts",
  "prod.tfvars",
  ".docker/config.json",
])("%s is secret", (path) => {
  expect(isSecretPath(path)).toBe(true);
});

test.each([
  ".env.example",
  "env",
  "environment.ts",
  "id_rsa.pub",
  "key.ts",
  "monkey",
  "config",
  "src/config.json",
  "credentials.ts",
  "a.pem.md",
  "",
  "/",
])("%s is not", (path) => {
  expect(isSecretPath(path)).toBe(false);
});

test.each([
  ".git",
  ".GIT",
  ".git/config",
  ".git/Hooks/pre-commit",
  ".git/info/attributes",
  ".git/modules/a/config",
  ".git/commondir",
  "sub/.git/objects/info/alternates",
  ".git/modules/a/b/objects/info/alternates",
  ".git/worktrees/w/gitdir",
  ".git/modules/a/b/hooks/x",
  ".git/worktrees/w/config.worktree",
  ".mcp.json",
  "sub/.mcp.JSON",
  ".codecrucible",
  ".CodeCrucible/x",
  "a/.crucible/y",
])("%s may not be written", (path) => {
  expect(controlPlace(path)).toEqual(expect.any(String));
});

test.each([
  ".git/index",
  ".git/objects/aa/bb",
  ".git/objects/info/packs",
  ".git/refs/heads/config",
  ".gitignore",
  ".github/hooks/x",
  "mcp.json",
  "codecrucible/x",
  ".git/modules/config/HEAD",
])("%s may", (path) => {
  expect(controlPlace(path)).toBeUndefined();
});

test("our own folders outside follow the environment", () => {
  expect(controlHomes("/h", { XDG_STATE_HOME: "/s", CODECRUCIBLE_HOME: "/c" })).toEqual([
    "/h/.codecrucible",
    "/h/.crucible",
    "/h/.config/codecrucible",
    "/h/.local/share/codecrucible",
    "/s/codecrucible",
    "/etc/codecrucible",
    "/c",
  ]);
  expect(isBelowAnyCase("/h/.Crucible", "/H/.crucible/x")).toBe(true);
  expect(isBelowAnyCase("/h/a", "/h/ab")).toBe(false);
});
