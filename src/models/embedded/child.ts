/** The process of an engine: takes orders from its parent one after another, and ends when the parent does. */
import type { ChatBody, EmbedBody, FromEngine, Setup, ToEngine } from "./protocol.ts";
import { createRuntime, Refused, type Work } from "./runtime.ts";

const setup = JSON.parse(process.argv.at(-1) ?? "{}") as Setup;
const running = new Map<number, { stopped: boolean }>();
const runtime = createRuntime(setup);
let queue: Promise<void> = Promise.resolve();

function say(message: FromEngine): void {
  if (process.connected) process.send?.(message);
}

async function work(order: Exclude<ToEngine, { do: "stop" }>, state: { stopped: boolean }): Promise<void> {
  const { id } = order;
  const job: Work = {
    stopped: () => state.stopped,
    say: (line) => say({ id, line }),
    loaded: (tokens) => say({ id, loaded: tokens }),
  };
  try {
    const body: unknown = JSON.parse(order.body);
    if (!state.stopped) {
      if (order.do === "chat") await runtime.chat(body as ChatBody, job);
      else await runtime.embed(body as EmbedBody, job);
    }
    say({ id, end: true });
  } catch (error) {
    const refusal =
      error instanceof Refused
        ? error.refusal
        : { code: "server-error" as const, message: error instanceof Error ? error.message : String(error) };
    say({ id, refusal });
  }
  running.delete(id);
}

process.on("message", (message: ToEngine) => {
  if (message.do === "stop") {
    const state = running.get(message.id);
    if (state) state.stopped = true;
    return;
  }
  const state = { stopped: false };
  running.set(message.id, state);
  queue = queue.then(() => work(message, state));
});

// The channel closes when the parent ends, however it ends. An engine that still decodes would hold up an orderly exit.
process.on("disconnect", () => {
  if (running.size === 0) process.exit();
  process.kill(process.pid, "SIGKILL");
});
// A key press on the terminal goes to every process: when the engine ends is the parent's business.
process.on("SIGINT", () => undefined);
