import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { userPath } from "../../src/base/user-path.ts";
import { findToolchains } from "../../src/sandbox/toolchains.ts";

test("PATH loses what npm prepended and nothing else", () => {
  const path =
    "/w/node_modules/.bin:/node_modules/.bin/:/usr/lib/node_modules/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin:/home/a/.nvm/bin:relative:/usr/bin:/usr/bin";
  expect(userPath(path)).toBe("/home/a/.nvm/bin:/usr/bin:/usr/local/bin:/bin");
  expect(userPath(undefined)).toBe("/usr/local/bin:/usr/bin:/bin");
});

test("installations are shown whole, a project of the user only in its tool parts, the home never", () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "crucible-tools-")));
  try {
    const home = join(base, "home");
    const make = (...paths: string[]) => paths.forEach((path) => void mkdirSync(join(base, path), { recursive: true }));
    make(
      "home/.cargo/bin",
      "home/.rustup",
      "home/bin",
      "home/app/bin",
      "home/app/lib",
      "home/app/src",
      "home/.ssh",
      "opt/go/bin",
      "ws/bin",
    );
    writeFileSync(join(home, ".cargo/credentials.toml"), "token");
    const path = ["home/.cargo/bin", "home/bin", "home/app/bin", "opt/go/bin", "ws/bin"]
      .map((name) => join(base, name))
      .join(":");
    const found = findToolchains(path, home, [home, join(base, "ws")]);
    const names = found.roots.filter((root) => root.startsWith(base)).map((root) => root.slice(base.length + 1));
    expect(names).toEqual([
      "home/.cargo",
      "home/.rustup",
      "home/app/bin",
      "home/app/lib",
      "home/bin",
      "opt/go",
      "ws/bin",
    ]);
    expect(found.secrets).toEqual([join(home, ".cargo/credentials.toml")]);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
