/** The engines of this program, spoken to as if each were a server: `embedded://chat/<model>`, the body as JSON. */
import type { Http, HttpCall, HttpReply } from "../http.ts";
import type { EmbeddedOptions } from "../options.ts";
import { durationMs } from "./duration.ts";
import { Engine } from "./engine.ts";
import { addEntry, type Entry, findEntry, isUnchanged, readEntries, removeEntry } from "./registry.ts";

/** An engine and the timer that frees its memory. */
interface Held {
  readonly engine: Engine;
  timer: NodeJS.Timeout | undefined;
}

export interface Embedded {
  readonly http: Http;
  add(path: string, name?: string): Promise<Entry>;
  remove(name: string): Entry;
}

const GRACE_MS = 2_000;
const KEEP = "30m";

export function createEmbedded(options: EmbeddedOptions): Embedded {
  const held = new Map<string, Held>();
  const engineFor = (model: string): Held => {
    const { path } = findEntry(options.registry, model);
    const known = held.get(path);
    if (known && !known.engine.gone) return known;
    const engine = new Engine({ file: path, gpu: options.gpu, graceMs: GRACE_MS });
    const fresh: Held = { engine, timer: undefined };
    held.set(path, fresh);
    return fresh;
  };
  const unload = async (model: string) => {
    const { path } = findEntry(options.registry, model);
    const known = held.get(path);
    held.delete(path);
    clearTimeout(known?.timer);
    await known?.engine.close();
    return reply({});
  };
  const told = (entry: Entry) => {
    const engine = held.get(entry.path)?.engine;
    const loaded = engine && !engine.gone ? engine.window : undefined;
    return { ...entry, unchanged: isUnchanged(entry), ...(loaded === undefined ? {} : { loaded }) };
  };
  const work = (what: "chat" | "embed", model: string, call: HttpCall, keep: string) => {
    const one = engineFor(model);
    clearTimeout(one.timer);
    const { signal, body = "{}" } = call;
    const answer = one.engine.order({ do: what, body, signal });
    one.timer = idleTimer(one.engine, durationMs(keep));
    return answer;
  };
  return {
    add: (path, name) => addEntry(options.registry, path, name),
    remove: (name) => removeEntry(options.registry, name),
    async http(call) {
      call.signal.throwIfAborted();
      const { host, pathname, searchParams } = new URL(call.url);
      const model = decodeURIComponent(pathname.slice(1));
      if (host === "chat" || host === "embed") return work(host, model, call, searchParams.get("keep") ?? KEEP);
      if (host === "unload") return unload(model);
      const entries = model === "" ? readEntries(options.registry) : [findEntry(options.registry, model)];
      return reply({ models: entries.map(told) });
    },
  };
}

/** Frees the memory after so long without work; never for a negative time. */
function idleTimer(engine: Engine, ms: number): NodeJS.Timeout | undefined {
  if (ms < 0) return undefined;
  const timer = setInterval(
    () => {
      if (engine.busy) return;
      clearInterval(timer);
      void engine.close();
    },
    Math.min(Math.max(ms, 1), 2 ** 31 - 1),
  );
  return timer.unref();
}

function reply(value: unknown): HttpReply {
  let body: Buffer | undefined = Buffer.from(JSON.stringify(value));
  return {
    status: 200,
    contentType: "application/json",
    async read() {
      const whole = body;
      body = undefined;
      return whole;
    },
    release: () => undefined,
  };
}
