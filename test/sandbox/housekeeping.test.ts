import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dropOldTmp, measureHome, renewHome } from "../../src/sandbox/housekeeping.ts";

test("a private home over its cap is empty next time, one below it stays", async () => {
  const base = mkdtempSync(join(tmpdir(), "crucible-house-"));
  try {
    const home = join(base, "home");
    mkdirSync(join(home, "deep"), { recursive: true });
    writeFileSync(join(home, "deep/file"), "x".repeat(100));
    await measureHome(home, 100);
    renewHome(home);
    expect(existsSync(join(home, "deep/file"))).toBe(true);
    await measureHome(home, 99);
    renewHome(home);
    expect(existsSync(home)).toBe(false);
    mkdirSync(home);
    renewHome(home);
    expect(existsSync(home)).toBe(true);
  } finally {
    rmSync(base, { recursive: true, force: true, maxRetries: 3 });
  }
});

test("only old folders of other sessions are dropped", async () => {
  const base = mkdtempSync(join(tmpdir(), "crucible-house-"));
  try {
    for (const name of ["mine", "old", "young"]) mkdirSync(join(base, name));
    const now = Date.now();
    const old = new Date(now - 15 * 24 * 3_600_000);
    for (const name of ["mine", "old"]) utimesSync(join(base, name), old, old);
    await dropOldTmp(base, "mine", now);
    expect(readdirSync(base).sort()).toEqual(["mine", "young"]);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
