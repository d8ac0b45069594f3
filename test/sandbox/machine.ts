/** What this machine offers to the hard tests: with CI=true nothing may be missing. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

export const ROOT = process.geteuid?.() === 0;
const LINUX = process.platform === "linux" && existsSync("/usr/bin/bwrap");

/** The reason to skip a test that needs bubblewrap (and root), or undefined. */
export function lacking(needs: { root?: boolean } = {}): string | undefined {
  const reason = !LINUX ? "bubblewrap is not installed" : needs.root && !ROOT ? "not root" : undefined;
  if (reason !== undefined && process.env["CI"] === "true")
    throw new Error(`CI must have what the sandbox tests need: ${reason}`);
  return reason;
}

/** Host processes whose command line holds `mark`. */
export function processesWith(mark: string): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return line.includes(mark) ? [line] : [];
    } catch {
      return [];
    }
  });
}

/** Git on the host with nobody's configuration. */
export function git(cwd: string, ...args: string[]): string {
  const identity = [
    "-c",
    "user.name=t",
    "-c",
    "user.email=t@example.org",
    "-c",
    "safe.directory=*",
    "-c",
    "init.defaultBranch=main",
  ];
  return execFileSync("git", [...identity, ...args], {
    cwd,
    encoding: "utf8",
    stdio: "pipe",
    env: { PATH: process.env["PATH"] ?? "", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
  });
}

/** Seconds to sleep for, that no other run on this machine sleeps for. */
export function uniqueMark(base: string): string {
  return `${base}.${process.pid}`;
}
