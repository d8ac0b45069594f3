/** Foreign servers in a journey: the small one of this kit, the published reference servers, and who is still alive. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Journey } from "./journey.ts";

const MODULES = resolve(import.meta.dirname, "../../node_modules");

/** The kit's server lies in the home: outside of everything that the sandbox shows by itself. */
export function kitEntry(setting: Journey, behaviour: string, more: Readonly<Record<string, unknown>> = {}) {
  const folder = join(setting.home, "servers");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "server.mjs");
  copyFileSync(join(import.meta.dirname, "mcp-server.mjs"), file);
  return { command: process.execPath, args: [file, behaviour], read: [folder], ...more };
}

export function referenceEntry(name: "everything" | "filesystem", args: readonly string[], more: object = {}) {
  const file = join(MODULES, `@modelcontextprotocol/server-${name}/dist/index.js`);
  return { command: process.execPath, args: [file, ...args], read: [MODULES], ...more };
}

export function configure(setting: Journey, servers: Readonly<Record<string, unknown>>): void {
  const folder = join(setting.home, "crucible/config");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "mcp.json"), JSON.stringify({ mcpServers: servers }));
}

/** Numbers of processes whose command line holds `mark`. */
export function alive(mark: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, "utf8");
      const state = /^\d+ \(.*\) (\S)/s.exec(readFileSync(`/proc/${name}/stat`, "utf8"))?.[1];
      return words.includes(mark) && state !== "Z" ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
