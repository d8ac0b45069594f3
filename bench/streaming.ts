/** Twenty thousand streamed tokens: processor time for each and peak memory, beside bare Node that does the same. */
import { BARE_CLIENT, makePlace, median, type Row, type Run, runNode, runProgram, startServer } from "./kit.ts";

const TOKENS = 20_000;
const RUNS = 7;

export async function streaming(): Promise<Row[]> {
  using place = makePlace();
  // Four characters are one piece on the wire.
  const long = Array.from({ length: TOKENS }, (_, n) => String(n).padStart(3, "w").slice(-3).concat(" ")).join("");
  const servers = {
    long: await startServer({ kind: "text", text: long }),
    short: await startServer({ kind: "text", text: "ok" }),
  };
  const own: Record<"long" | "short", Run[]> = { long: [], short: [] };
  const bare: Record<"long" | "short", Run[]> = { long: [], short: [] };
  try {
    for (let run = 0; run <= RUNS; run++) {
      for (const kind of ["long", "short"] as const) {
        const env = { OLLAMA_HOST: servers[kind].url, URL: servers[kind].url };
        const a = await runProgram(["-p", "-m", "ollama/bench", "tell"], { place, env, usage: true });
        const b = await runNode(["-e", BARE_CLIENT], { place, env, usage: true });
        if (run === 0) continue;
        own[kind].push(a);
        bare[kind].push(b);
      }
    }
  } finally {
    servers.long.stop();
    servers.short.stop();
  }
  const cpu = (runs: readonly Run[]) => median(runs.map((run) => run.cpuMs));
  const perToken = (runs: typeof own) => ((cpu(runs.long) - cpu(runs.short)) * 1000) / TOKENS;
  const rss = (runs: typeof own) => median(runs.long.map((run) => run.rssMib));
  return [
    {
      item: "20,000 streamed tokens, processor time each",
      value: perToken(own),
      unit: "us",
      floor: perToken(bare),
      budget: { most: 15 },
      note: "less a run of one token",
    },
    {
      item: "20,000 streamed tokens, peak memory",
      value: rss(own),
      unit: "MiB",
      floor: rss(bare),
      budget: { most: 130 },
    },
  ];
}
