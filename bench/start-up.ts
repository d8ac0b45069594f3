/** Start-up: `--version`, start to first model request, hello in one shot, and a large repository, each beside bare Node. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BARE_CLIENT,
  makePlace,
  median,
  type Place,
  type Row,
  runNode,
  runProgram,
  startServer,
  toldAt,
} from "./kit.ts";

const RUNS = 25;
const HELLO = ["-p", "-m", "ollama/bench", "say hello"];

export async function startUp(): Promise<Row[]> {
  using place = makePlace();
  const server = await startServer({ kind: "text", text: "Hello, what shall we do?" });
  try {
    return [
      ...(await version(place)),
      ...(await hello(place, server)),
      await nobodyThere(place),
      ...(await largeRepository(place, server)),
    ];
  } finally {
    server.stop();
  }
}

async function version(place: Place): Promise<Row[]> {
  const [own, bare]: [number[], number[]] = [[], []];
  for (let run = 0; run <= RUNS; run++) {
    const [a, b] = [await runProgram(["--version"], { place }), await runNode(["-e", "0"], { place })];
    if (run === 0) continue;
    own.push(a.ended - a.started);
    bare.push(b.ended - b.started);
  }
  const budget = { most: 1.6 };
  return [
    {
      item: "--version, wall",
      value: median(own),
      unit: "ms",
      floor: median(bare),
      budget,
      byFloor: true,
      note: "floor: node -e 0",
    },
  ];
}

type Server = Awaited<ReturnType<typeof startServer>>;

interface Hello {
  readonly first: number;
  readonly exit: number;
  readonly cpu: number;
  readonly rss: number;
}

/** One run for the times and one for the usage, so that measuring does not disturb the times. */
async function once(
  run: typeof runNode,
  args: readonly string[],
  given: { place: Place; server: Server },
): Promise<Hello> {
  const { place, server } = given;
  const env = { OLLAMA_HOST: server.url, URL: server.url };
  server.told.length = 0;
  const timed = await run(args, { place, env });
  const first = toldAt(server, "request") - timed.started;
  const exit = timed.ended - toldAt(server, "answered");
  const used = await run(args, { place, env, usage: true });
  return { first, exit, cpu: used.cpuMs, rss: used.rssMib };
}

async function hello(place: Place, server: Server): Promise<Row[]> {
  const [own, bare]: [Hello[], Hello[]] = [[], []];
  const empty: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const a = await once(runProgram, HELLO, { place, server });
    const b = await once(runNode, ["-e", BARE_CLIENT], { place, server });
    const c = await runNode(["-e", "0"], { place });
    if (run === 0) continue;
    own.push(a);
    bare.push(b);
    empty.push(c.ended - c.started);
  }
  const of = (key: keyof Hello) => ({
    value: median(own.map((run) => run[key])),
    floor: median(bare.map((run) => run[key])),
  });
  const first = of("first");
  return [
    {
      item: "start -> first model request",
      unit: "ms",
      ...first,
      budget: { most: 2.5 },
      byFloor: true,
      note: "floor: bare Node that sends one request",
    },
    {
      item: "the same against node -e 0",
      unit: "ms",
      value: first.value,
      floor: median(empty),
      byFloor: true,
      note: "for comparison",
    },
    { item: "hello, processor time", unit: "ms", ...of("cpu"), budget: { most: 150 } },
    { item: "hello, last byte -> exit", unit: "ms", ...of("exit"), budget: { most: 25 } },
    { item: "hello, peak memory", unit: "MiB", ...of("rss"), budget: { most: 95 } },
  ];
}

/** A server that is not there: how long until the one line that names it. Promised: within two seconds. */
async function nobodyThere(place: Place): Promise<Row> {
  const walls: number[] = [];
  for (let run = 0; run < 5; run++) {
    const done = await runProgram(HELLO, { place, env: { OLLAMA_HOST: "http://127.0.0.1:1" }, code: 60 });
    walls.push(done.ended - done.started);
  }
  return { item: "hello to a dead server, wall", unit: "ms", value: median(walls), budget: { most: 2_000 } };
}

async function largeRepository(small: Place, server: Server): Promise<Row[]> {
  using large = makePlace();
  for (let folder = 0; folder < 200; folder++) {
    const path = join(large.folder, `part-${folder}`);
    mkdirSync(path);
    for (let file = 0; file < 100; file++)
      writeFileSync(join(path, `file-${file}.ts`), `export const n = ${folder * file};\n`);
  }
  const times: { small: number[]; large: number[] } = { small: [], large: [] };
  for (let run = 0; run <= RUNS; run++) {
    for (const [name, place] of [
      ["small", small],
      ["large", large],
    ] as const) {
      server.told.length = 0;
      const { started } = await runProgram(HELLO, { place, env: { OLLAMA_HOST: server.url } });
      if (run > 0) times[name].push(toldAt(server, "request") - started);
    }
  }
  const budget = { most: 1.2 };
  return [
    {
      item: "start -> first model request, 20,000 files",
      value: median(times.large),
      unit: "ms",
      floor: median(times.small),
      budget,
      byFloor: true,
      note: "floor: the small repository",
    },
  ];
}
