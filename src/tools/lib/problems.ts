/** What a language server says of a file that was just changed, as lines behind a tool's result. */
import type { Hands } from "../../core/ports/hands.ts";

/** Lines that are shown. */
const MOST = 20;

/** Empty when nothing is wrong, nothing is known, or no server is there. */
export async function problemsText(
  { languages }: Hands,
  file: { readonly path: string; readonly text: string },
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly count: number }> {
  const found = (await languages?.problems(file, signal)) ?? [];
  const lines = found.flatMap(({ path, problems }) =>
    problems.map(({ line, message }) => `${path}:${line}: ${message}`),
  );
  if (lines.length === 0) return { text: "", count: 0 };
  const more = lines.length > MOST ? [`… ${lines.length - MOST} more`] : [];
  return {
    text: `\nerrors now (language server):\n${[...lines.slice(0, MOST), ...more].join("\n")}`,
    count: lines.length,
  };
}
