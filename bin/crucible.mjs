#!/usr/bin/env node
// Starts crucible on Node 24 or newer. This file must be readable for old versions of Node.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const built = here("../dist/main.js");
const major = Number(process.versions.node.split(".")[0]);

if (major >= 24) {
  const { enableCompileCache } = await import("node:module");
  enableCompileCache();
  await import(existsSync(built) ? "../dist/main.js" : "../src/main.ts");
} else {
  const own = [here("../node_modules/node/bin/node"), here("../../node/bin/node")].find((path) => existsSync(path));
  if (own === undefined) {
    console.error(
      `crucible needs Node 24 or newer; this is ${process.versions.node}. Install it (https://nodejs.org, or: npm install -g node@24) and run crucible again`,
    );
    process.exit(1);
  }
  const child = spawn(own, [here("crucible.mjs"), ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) =>
    process.exit(code ?? (signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : 1)),
  );
}
