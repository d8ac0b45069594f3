/** Builds the program, measures it beside bare Node, prints one table and keeps it in bench/results. */
import { cache } from "./cache.ts";
import { councilRows } from "./council/cost.ts";
import { interactive } from "./interactive.ts";
import { installBuilt, type Row } from "./kit.ts";
import { models } from "./models.ts";
import { parts } from "./parts.ts";
import { report } from "./report.ts";
import { repository } from "./repository.ts";
import { startUp } from "./start-up.ts";
import { streaming } from "./streaming.ts";
import { turns } from "./turns.ts";
import { undo } from "./undo.ts";

const SECTIONS: Readonly<Record<string, () => Promise<Row[]>>> = {
  "start-up": startUp,
  turns,
  streaming,
  models,
  parts,
  cache,
  repository,
  undo,
  council: councilRows,
  interactive,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in SECTIONS));
if (unknown !== undefined) {
  console.error(`there is no section ${unknown}; there are: ${Object.keys(SECTIONS).join(", ")}`);
  process.exit(2);
}
using _built = installBuilt();
const rows: Row[] = [];
for (const [name, measure] of Object.entries(SECTIONS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.error(`measuring ${name} ...`);
  rows.push(...(await measure()));
}
process.exitCode = report(rows, { keep: wanted.length === 0 }) ? 0 : 1;
