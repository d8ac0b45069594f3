#!/usr/bin/env node
// Starts crucible on Node 24 or newer. This file must be readable for old versions of Node.
const major = Number(process.versions.node.split(".")[0]);

if (major >= 24) {
  const { existsSync } = process.getBuiltinModule("node:fs");
  keepCompiled(existsSync);
  // A checkout runs its sources, whatever was built there before; the package has none.
  await import(existsSync(new URL("../src/main.ts", import.meta.url)) ? "../src/main.ts" : "../dist/main.js");
} else {
  await startNewer();
}

/**
 * Keeps compiled code between runs, in the program's own folder once it is there: the common place of Node lies in the
 * temporary folder, where another user of the machine could lay down code for us to run.
 */
function keepCompiled(existsSync) {
  const { CODECRUCIBLE_HOME: moved, XDG_STATE_HOME: named, HOME: home } = process.env;
  const base = named?.startsWith("/") ? named : `${home}/.local/state`;
  const state = moved ? `${moved}/state` : `${base}/codecrucible`;
  if (!state.startsWith("/") || !existsSync(state)) return;
  // Not by import: that costs a fifth of the start.
  process.getBuiltinModule("node:module").enableCompileCache(`${state}/compiled`);
}

async function startNewer() {
  const { spawn } = await import("node:child_process");
  const { existsSync } = await import("node:fs");
  const { fileURLToPath } = await import("node:url");
  const here = (path) => fileURLToPath(new URL(path, import.meta.url));
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
