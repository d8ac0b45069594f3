/** A scripted server with slots that keeps time like a machine: it reads what is not in its cache, then writes, faster together. */
import { setTimeout as sleep } from "node:timers/promises";
import { type RecordedRequest, type ScriptedServer, sendJson, startRecordingServer } from "../../demo/model-server.ts";

export interface Machine {
  /** Tokens per second of one stream. */
  readonly prefill: number;
  readonly decode: number;
  /** What four streams write together, as a multiple of one. */
  readonly four: number;
  readonly slots: number;
  /** Tokens of every answer. */
  readonly output: number;
  /** The server's clock against ours: 10 is ten times as fast. */
  readonly speed: number;
}

/** An 8 GB GPU with a 7B model: prefill 1,500, decode 45 tokens per second, four streams give three times one. */
export const SMALL_GPU = { prefill: 1_500, decode: 45, four: 3, slots: 4, output: 350 } as const;

export interface Served {
  /** Milliseconds of the server's clock. */
  readonly started: number;
  readonly ended: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

export interface SlotServer extends ScriptedServer {
  readonly served: Served[];
  /** Most answers that were written at the same time. */
  readonly streams: { most: number };
}

const CHARS_PER_TOKEN = 4;
const CHUNK_TOKENS = 10;
const MODEL = "slots";

/** Answers every request with `text`. A slot finds the longest prefix that any slot holds (one key-value store for all). */
export async function startSlotServer(machine: Machine, text: string): Promise<SlotServer> {
  const served: Served[] = [];
  const streams = { most: 0 };
  const state = { held: [] as string[], writing: 0, slots: gate(machine.slots), reader: gate(1) };
  const now = () => performance.now() * machine.speed;
  const server = await startRecordingServer(async (request, response, { chats }) => {
    const known = managed(request.path, machine.slots);
    if (known !== undefined) return sendJson(response, 200, known);
    if (request.path !== "/v1/chat/completions") return sendJson(response, 404, { error: { message: "not here" } });
    chats.push(request);
    const started = now();
    await state.slots.enter();
    const prompt = JSON.stringify(request.body["messages"]);
    // Looked up when the slot is taken: prompts that start cold together find nothing of each other.
    const shared = state.held.reduce((most, other) => Math.max(most, common(prompt, other)), 0);
    await state.reader.enter();
    const total = Math.ceil(prompt.length / CHARS_PER_TOKEN);
    const cached = Math.min(total - 1, Math.floor(shared / CHARS_PER_TOKEN));
    let due = now() + ((total - cached) / machine.prefill) * 1_000;
    await until(due, machine.speed);
    state.held.push(prompt);
    state.reader.leave();
    state.writing++;
    streams.most = Math.max(streams.most, state.writing);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const steps = Math.ceil(machine.output / CHUNK_TOKENS);
    for (let step = 0; step < steps; step++) {
      due += ((CHUNK_TOKENS * state.writing) / (machine.decode * together(state.writing, machine.four))) * 1_000;
      const from = Math.floor((text.length * step) / steps);
      response.write(event({ content: text.slice(from, Math.floor((text.length * (step + 1)) / steps)) }));
      await until(due, machine.speed);
    }
    state.writing--;
    state.slots.leave();
    response.write(event({}, "stop"));
    response.end(`${usage(total, cached, machine.output)}data: [DONE]\n\n`);
    served.push({ started, ended: now(), promptTokens: total, cachedTokens: cached });
  });
  return Object.assign(server, { served, streams });
}

/** A step of the machine takes a bit longer for each further stream: four give `four` times one. */
export function together(streams: number, four: number): number {
  const more = (4 / four - 1) / 3;
  return streams / (1 + more * (streams - 1));
}

async function until(due: number, speed: number): Promise<void> {
  const left = due / speed - performance.now();
  if (left > 0) await sleep(left);
}

function gate(places: number) {
  let free = places;
  const waiting: (() => void)[] = [];
  return {
    async enter(): Promise<void> {
      if (free-- > 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      await promise;
    },
    leave(): void {
      free++;
      waiting.shift()?.();
    },
  };
}

const base = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: MODEL };

function event(delta: object, finish: string | null = null): string {
  return `data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
}

function usage(input: number, cached: number, output: number): string {
  const counts = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  return `data: ${JSON.stringify({ ...base, choices: [], usage: { ...counts, prompt_tokens_details: { cached_tokens: cached } } })}\n\n`;
}

/** What llama-server tells of itself. */
function managed(path: RecordedRequest["path"], slots: number): unknown {
  if (path === "/v1/models")
    return {
      object: "list",
      data: [{ id: MODEL, object: "model", owned_by: "llamacpp", meta: { n_ctx_train: 131_072, size: 4_000_000 } }],
    };
  if (path !== "/props") return undefined;
  return {
    default_generation_settings: { n_ctx: 32_768 },
    total_slots: slots,
    model_path: MODEL,
    chat_template_caps: { supports_tools: true },
    modalities: { vision: false },
    build_info: "b7000",
  };
}

function common(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}
