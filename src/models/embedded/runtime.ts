/** One model file in memory, by node-llama-cpp: answers and embeddings, with what the last prompt left in the cache. */
import type {
  ChatHistoryItem,
  ChatWrapper,
  Llama,
  LlamaContext,
  LlamaContextSequence,
  LlamaEmbeddingContext,
  LlamaModel,
  SequenceEvaluateOptions,
  Token,
} from "node-llama-cpp";
import { grammarFor } from "./grammar.ts";
import { createPieces, stopsOf } from "./pieces.ts";
import type { ChatBody, EmbedBody, Line, Refusal, Setup } from "./protocol.ts";

type Library = typeof import("node-llama-cpp");

/** Work in progress, as its giver sees it. */
export interface Work {
  /** True when nobody waits for the rest: looked at between tokens and between parts of the prompt. */
  readonly stopped: () => boolean;
  readonly say: (line: Line) => void;
  readonly loaded: (tokens: number) => void;
}

export interface Runtime {
  chat(body: ChatBody, work: Work): Promise<void>;
  embed(body: EmbedBody, work: Work): Promise<void>;
}

export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

const BATCH = 512;
/** A part of the prompt cannot be interrupted: its length is changed until it takes about so long (milliseconds). */
const PART_MS = { least: 150, most: 600 };
const FIRST_PART = 64;
const LEAST_PART = 16;
/** A context smaller than this is of no use to an agent. */
const LEAST = 2_048;

interface Loaded {
  readonly library: Library;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly wrapper: ChatWrapper;
}

interface Room {
  readonly wish: number;
  readonly context: LlamaContext;
  readonly sequence: LlamaContextSequence;
}

export function createRuntime(setup: Setup): Runtime {
  let loading: Promise<Loaded> | undefined;
  let room: Room | undefined;
  let embedding: LlamaEmbeddingContext | undefined;
  const { threads } = setup;
  const loaded = async (work: Work) => {
    if (!loading) work.say({ loading: 0 });
    loading ??= load(setup, work);
    return loading;
  };
  const roomFor = async ({ model }: Loaded, wish: number): Promise<Room> => {
    if (room?.wish === wish) return room;
    await room?.context.dispose();
    room = undefined;
    const max = Math.min(wish, model.trainContextSize ?? wish);
    const contextSize = { min: Math.min(LEAST, max), max };
    const context = await orRefused("model-unfit", setup.file, () =>
      model.createContext({ contextSize, threads, batchSize: BATCH }),
    );
    room = { wish, context, sequence: context.getSequence() };
    return room;
  };
  return {
    async chat(body, work) {
      const started = performance.now();
      const first = room?.wish !== body.window;
      const all = await loaded(work);
      const { context, sequence } = await roomFor(all, body.window);
      if (first) work.loaded(context.contextSize);
      const loadMs = first ? performance.now() - started : undefined;
      await answer({ ...all, sequence, size: context.contextSize }, { body, work, loadMs });
    },
    async embed({ input }, work) {
      // The answer is one JSON document: nothing is told on the way.
      const { model } = await loaded({ ...work, say: () => undefined });
      const most = model.trainContextSize ?? LEAST;
      embedding ??= await orRefused("model-unfit", setup.file, () =>
        model.createEmbeddingContext({ contextSize: { max: Math.min(most, 8_192) }, threads }),
      );
      const embeddings: number[][] = [];
      for (const text of input) {
        if (work.stopped()) return;
        const { vector } = await embedding.getEmbeddingFor(text);
        embeddings.push([...vector]);
      }
      work.say({ embeddings });
    },
  };
}

/** Tells each twentieth that is loaded: whoever waits can tell slow from dead. */
async function load({ file, gpu, threads }: Setup, work: Work): Promise<Loaded> {
  let library: Library;
  try {
    library = await import("node-llama-cpp");
  } catch (error) {
    throw new Refused({ code: "no-package", message: error instanceof Error ? error.message : String(error) });
  }
  const llama = await orRefused("server-error", file, () =>
    library.getLlama({
      gpu: gpu === "off" ? false : gpu,
      build: "never",
      skipDownload: true,
      progressLogs: false,
      // Without it all cores spin, and on a busy machine the answer never comes.
      maxThreads: threads,
      logLevel: library.LlamaLogLevel.disabled,
    }),
  );
  let told = 0;
  const onLoadProgress = (progress: number) => {
    if (progress < told + 0.05) return;
    told = progress;
    work.say({ loading: progress });
  };
  const model = await orRefused("model-unfit", file, () => llama.loadModel({ modelPath: file, onLoadProgress }));
  return { library, llama, model, wrapper: library.resolveChatWrapper(model, { warningLogs: false }) };
}

async function orRefused<T>(code: "model-unfit" | "server-error", file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).split("\n")[0];
    throw new Refused({
      code,
      message: `the embedded engine cannot load ${file}: ${why}`,
      hint:
        code === "model-unfit"
          ? "check the file, or choose a smaller window with --context"
          : "try embedded.gpu off, or install node-llama-cpp anew",
    });
  }
}

interface Place extends Loaded {
  readonly sequence: LlamaContextSequence;
  readonly size: number;
}

interface Question {
  readonly body: ChatBody;
  readonly work: Work;
  readonly loadMs: number | undefined;
}

/** Reads what is new of the prompt in batches, then writes until the model, a limit or the asker ends it. */
async function answer(place: Place, { body, work, loadMs }: Question): Promise<void> {
  const { model, wrapper, sequence, size } = place;
  const { contextText, stopGenerationTriggers } = wrapper.generateContextState({ chatHistory: historyOf(body) });
  const prompt = contextText.tokenize(model.tokenizer);
  if (prompt.length >= size)
    throw new Refused({
      code: "context-overflow",
      message: `the prompt has ${prompt.length} tokens, the loaded window ${size}`,
      hint: "start a new session, or give the model a larger window with --context",
    });
  const started = performance.now();
  // The last token is evaluated anew: its result is the first token of the answer.
  await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
  const cached = sequence.nextTokenIndex;
  await prefill(sequence, prompt, work);
  if (work.stopped()) return;
  const decoding = performance.now();
  const stops = body.schema ? { tokens: new Set<Token>(), texts: [] } : stopsOf(stopGenerationTriggers, place);
  const pieces = createPieces(model, stops, (text) => work.say({ text }));
  const most = Math.min(body.options.maxTokens ?? size, size - prompt.length - 1);
  let output = 0;
  let done = most < 1;
  if (!done)
    for await (const token of sequence.evaluate(prompt.slice(-1), await samplingOf(place, body, () => pieces.tokens))) {
      if (work.stopped()) return;
      output++;
      if (pieces.take(token)) break;
      done = output >= most;
      if (done) break;
    }
  pieces.end();
  const usage = { input: prompt.length, cached, output, prefillMs: decoding - started };
  work.say({
    usage: { ...usage, decodeMs: performance.now() - decoding, ...(loadMs === undefined ? {} : { loadMs }) },
    finish: done ? "length" : "stop",
  });
}

/** Evaluates all but the last token. */
async function prefill(sequence: LlamaContextSequence, prompt: readonly Token[], work: Work): Promise<void> {
  const last = prompt.length - 1;
  let part = FIRST_PART;
  while (sequence.nextTokenIndex < last && !work.stopped()) {
    const began = performance.now();
    const from = sequence.nextTokenIndex;
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(from, Math.min(from + part, last)));
    work.say({ prefill: { done: sequence.nextTokenIndex, total: prompt.length } });
    const took = performance.now() - began;
    if (took < PART_MS.least) part = Math.min(part * 2, BATCH);
    else if (took > PART_MS.most) part = Math.max(part / 2, LEAST_PART);
  }
}

function historyOf({ messages }: ChatBody): ChatHistoryItem[] {
  const history = messages.map(
    ({ role, content }): ChatHistoryItem =>
      role === "assistant" ? { type: "model", response: [content] } : { type: role, text: content },
  );
  return [...history, { type: "model", response: [""] }];
}

/** Unset values are llama-server's own. */
async function samplingOf(place: Place, body: ChatBody, tokens: () => Token[]): Promise<SequenceEvaluateOptions> {
  const { library, llama, model } = place;
  const { temperature = 0.8, topP = 0.95, topK = 40, minP = 0.05, repeatPenalty } = body.options;
  const seed = body.options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const sampling = { temperature, topP, topK, minP, seed };
  const penalty =
    repeatPenalty === undefined
      ? {}
      : { repeatPenalty: { punishTokens: () => tokens().slice(-64), penalty: repeatPenalty } };
  if (!body.schema) return { ...sampling, ...penalty };
  const grammar = await llama.createGrammar({ grammar: grammarFor(body.schema) });
  return {
    ...sampling,
    ...penalty,
    grammarEvaluationState: new library.LlamaGrammarEvaluationState({ model, grammar }),
  };
}
