/** Line coverage of src/: what the tests ran in this process merged with what every spawned program ran. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mergeProcessCovs, type ProcessCov } from "@bcoe/v8-coverage";
import { createCoverageMap } from "@vitest/istanbul-lib-coverage";
import { convert } from "ast-v8-to-istanbul";
import { parseAst } from "vite";

export interface CoverageReport {
  /** Percent of lines. */
  readonly lines: number;
  readonly files: readonly { readonly file: string; readonly lines: number }[];
}

/** Merges `unit` (an Istanbul map) with the V8 files in `spawned`. Only files below `src` count; every one counts. */
export async function mergeCoverage(root: string, unit: string, spawned: string): Promise<CoverageReport> {
  const map = createCoverageMap(existsSync(unit) ? JSON.parse(readFileSync(unit, "utf8")) : {});
  for (const script of await spawnedScripts(root, spawned)) map.merge(script as Parameters<typeof map.merge>[0]);
  const files = map.files().map((file: string) => {
    const hits = Object.values(map.fileCoverageFor(file).getLineCoverage() as Record<string, number>);
    return { file: file.slice(root.length + 1), covered: hits.filter((count) => count > 0).length, total: hits.length };
  });
  const sum = files.reduce(
    (all: { covered: number; total: number }, entry: { covered: number; total: number }) => ({
      covered: all.covered + entry.covered,
      total: all.total + entry.total,
    }),
    { covered: 0, total: 0 },
  );
  const percent = ({ covered, total }: { covered: number; total: number }) =>
    total === 0 ? 100 : (covered / total) * 100;
  writeFileSync(join(root, "coverage", "lines.json"), JSON.stringify(files, null, 1));
  return {
    lines: percent(sum),
    files: files.map((entry: { file: string; covered: number; total: number }) => ({
      file: entry.file,
      lines: percent(entry),
    })),
  };
}

async function spawnedScripts(root: string, folder: string): Promise<object[]> {
  if (!existsSync(folder)) return [];
  let merged: ProcessCov = { result: [] };
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), "utf8");
    if (text === "") continue;
    const { result } = JSON.parse(text) as ProcessCov;
    merged = mergeProcessCovs([merged, { result: result.filter(({ url }) => url.startsWith(`file://${root}/src/`)) }]);
  }
  return Promise.all(
    merged.result.map(async (script) => {
      const code = stripTypeScriptTypes(readFileSync(fileURLToPath(script.url), "utf8"));
      return convert({
        code,
        ast: parseAst(code),
        wrapperLength: 0,
        coverage: { url: script.url, functions: script.functions },
      });
    }),
  );
}
