/** Steps that are done once: the journal is asked first, and nothing goes on before a new one is on disk. */
import type { Json } from "../base/canonical-json.ts";
import { CrucibleError } from "../base/error.ts";
import type { Emit, Event } from "../core/event.ts";
import type { Steps } from "../core/ports/council.ts";

/** Steps of `work` as these events tell them; with a journal to write to, new ones are done and recorded. */
export function createSteps(
  work: string,
  events: readonly Event[],
  live?: { readonly emit: Emit; readonly flushed: () => Promise<void> },
): Steps {
  const known = new Map<string, Json>();
  for (const event of events) if (event.kind === "step-done" && event.work === work) known.set(event.key, event.value);
  return {
    async once<T extends Json>(key: string, todo: () => Promise<T>): Promise<T> {
      const found = known.get(key);
      if (found !== undefined) return found as T;
      if (!live)
        throw new CrucibleError("session-missing", `the record of council ${work} ends before its step ${key}`, {
          hint: `go on with it: crucible council --resume ${work.split(".")[0]}`,
        });
      const value = await todo();
      known.set(key, value);
      live.emit({ kind: "step-done", work, key, value });
      await live.flushed();
      return value;
    },
  };
}
