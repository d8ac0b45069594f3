/** Builds the program, measures it beside bare Node, prints one table and keeps it in bench/results. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Row } from "./kit.ts";
import { parts } from "./parts.ts";
import { report } from "./report.ts";
import { startUp } from "./start-up.ts";
import { streaming } from "./streaming.ts";
import { turns } from "./turns.ts";

const root = join(import.meta.dirname, "..");
const SECTIONS: Readonly<Record<string, () => Promise<Row[]>>> = { "start-up": startUp, turns, streaming, parts };

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in SECTIONS));
if (unknown !== undefined) {
  console.error(`there is no section ${unknown}; there are: ${Object.keys(SECTIONS).join(", ")}`);
  process.exit(2);
}
execFileSync(process.execPath, [join(root, "scripts/build.ts")], { stdio: "inherit" });
const rows: Row[] = [];
for (const [name, measure] of Object.entries(SECTIONS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.error(`measuring ${name} ...`);
  rows.push(...(await measure()));
}
process.exitCode = report(rows, { keep: wanted.length === 0 }) ? 0 : 1;
