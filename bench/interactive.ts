/** A day's work: a key while an answer streams, a thousand turns in one process, and the start of that session a day later. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { loadKeys } from "../src/cli/tui/keys.ts";
import { createTerminalView } from "../src/cli/tui/terminal-view.ts";
import { makePlace, median, quantile, type Row, runNode, runProgram, startServer, toldAt } from "./kit.ts";

const TURNS = 1_000;
/** Until here caches fill and code is compiled. */
const SETTLED = 200;
const KEYS = 400;
const TOKENS_PER_SECOND = 200;

export async function interactive(): Promise<Row[]> {
  return [await keyToFrame(), ...(await thousandTurns())];
}

/** From the byte of a key to the write of the frame that shows it, while 200 tokens a second arrive. */
async function keyToFrame(): Promise<Row> {
  loadKeys(undefined, "keybindings.json");
  let input: (data: string) => void = () => undefined;
  let wrote: () => void = () => undefined;
  const quiet = () => undefined;
  const view = createTerminalView({
    ...{ theme: "dark", color: true, verbose: false, onKey: () => false, onSubmit: quiet, notice: quiet },
    terminal: {
      ...{ columns: 120, rows: 40, kittyProtocolActive: false, stop: quiet, moveBy: quiet, hideCursor: quiet },
      ...{
        showCursor: quiet,
        clearLine: quiet,
        clearFromCursor: quiet,
        clearScreen: quiet,
        setTitle: quiet,
        setProgress: quiet,
      },
      drainInput: async () => undefined,
      start: (onInput) => {
        input = onInput;
      },
      write: () => wrote(),
    },
  });
  const talk = { model: undefined, live: undefined, mode: "default", queue: [], busy: true };
  view.start(talk as never, {
    getSuggestions: async () => null,
    applyCompletion: (lines, cursorLine, cursorCol) => ({ lines, cursorLine, cursorCol }),
  });
  view.say(Array.from({ length: 10_000 }, (_, line) => `line ${line} of what was printed before`));
  let token = 0;
  const stream = setInterval(() => {
    const text = ++token % 60 === 0 ? "end.\n\n" : `word${token} `;
    view.event({ kind: "text-delta", text } as never);
  }, 1_000 / TOKENS_PER_SECOND);
  const times: number[] = [];
  for (let key = 0; key < KEYS; key++) {
    await new Promise((resolve) => setTimeout(resolve, 13 + (key % 17)));
    const { promise, resolve } = Promise.withResolvers<void>();
    const begun = performance.now();
    wrote = resolve;
    input(key % 40 === 39 ? "\u0015" : "x");
    await promise;
    wrote = quiet;
    times.push(performance.now() - begun);
  }
  clearInterval(stream);
  view.stop();
  return {
    item: "key to frame while 200 tok/s stream, p95",
    value: quantile(times, 0.95),
    unit: "ms",
    budget: { most: 16 },
    note: `p50 ${median(times).toFixed(2)} ms, in-process`,
  };
}

async function thousandTurns(): Promise<Row[]> {
  using place = makePlace();
  const server = await startServer({
    kind: "text",
    text: "An answer of a few words that says what was done and why. ".repeat(4),
  });
  const env = { OLLAMA_HOST: server.url, URL: server.url };
  const flags = ["-m", "ollama/bench"];
  try {
    const lines = Array.from({ length: TURNS }, (_, turn) =>
      JSON.stringify({ type: "user", message: { role: "user", content: `turn ${turn}: what is next?` } }),
    );
    await runProgram(["-p", ...flags, "--input-format", "stream-json"], {
      place,
      env,
      input: `${lines.join("\n")}\n`,
    });
    const memory = rssByTurn(place.home);
    const [own, floor, first]: [number[], number[], number[]] = [[], [], []];
    for (let run = 0; run < 9; run++) {
      server.told.length = 0;
      const resumed = await runProgram(["-p", ...flags, "-c", "go on"], { place, env });
      first.push(toldAt(server, "request") - resumed.started);
      const version = await runProgram(["--version"], { place });
      own.push(version.ended - version.started);
      const bare = await runNode(["-e", "0"], { place });
      floor.push(bare.ended - bare.started);
    }
    return [
      {
        item: `memory after turn ${TURNS} less after turn ${SETTLED}`,
        value: (memory.get(TURNS) ?? Number.NaN) - (memory.get(SETTLED) ?? Number.NaN),
        unit: "MiB",
        budget: { most: 20 },
        note: `${Math.round(memory.get(TURNS) ?? 0)} MiB at the end`,
      },
      {
        item: `start of a session of ${TURNS} turns -> first request`,
        value: median(first),
        unit: "ms",
        floor: median(own),
        budget: { most: 3 },
        byFloor: true,
        note: "floor: --version",
      },
    ];
  } finally {
    server.stop();
  }
}

/** Resident memory at the end of each turn (MiB), as the journal holds it. */
function rssByTurn(home: string): ReadonlyMap<number, number> {
  const db = new DatabaseSync(join(home, "crucible/data/journal.db"), { readOnly: true });
  try {
    const rows = db.prepare("SELECT body FROM events WHERE body LIKE '%\"turn-end\"%' ORDER BY seq").all();
    return new Map(
      rows.map((row) => {
        const { turn, resources } = JSON.parse(String(row["body"])) as { turn: number; resources?: { rssMiB: number } };
        return [turn, resources?.rssMiB ?? Number.NaN];
      }),
    );
  } finally {
    db.close();
  }
}
