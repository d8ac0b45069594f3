/** Voices of a council as single requests: bound to a form, thinking off, beside the thread. */
import { type Message, nameOf, textOf } from "../core/message.ts";
import type { VoiceCall, VoicePort, VoiceReply } from "../core/ports/council.ts";
import type { OpenModel } from "../core/ports/models.ts";
import type { Voice } from "../core/voice.ts";
import { askModel } from "./ask-model.ts";
import type { Asker } from "./voice.ts";

/** Base model and what it was made of: voices of one group err together. */
export function groupOf({ ref }: Pick<OpenModel, "ref">): string {
  return ref.digest === undefined ? nameOf(ref) : `${nameOf(ref)}@${ref.digest.replace(/^sha256:/, "").slice(0, 12)}`;
}

export interface SpeakOptions extends Omit<Asker["options"], "model" | "voice"> {
  /** The model that answers for a voice. */
  readonly modelOf: (voice: Voice) => OpenModel;
  /** All of them, the one that answers for most first. */
  readonly models: readonly [OpenModel, ...OpenModel[]];
  readonly turn: number;
}

export function speakers(options: SpeakOptions): VoicePort {
  const { modelOf, models, turn, ...rest } = options;
  const [first] = models;
  const perToken = () => first.rates.bytesPerToken ?? 3.5;
  return {
    group: (voice) => groupOf(modelOf(voice)),
    width: models.reduce((sum, { lane }) => sum + lane.slots, 0),
    tokens: (text) => Math.ceil(Buffer.byteLength(text) / perToken()),
    async ask(call, signal, onFirst = () => undefined) {
      const model = modelOf(call.voice);
      const asker: Asker = {
        options: { ...rest, model, voice: call.voice.id },
        task: { turn },
        signal,
        callIds: new Set(),
        requests: 0,
        tokens: 0,
        aside: { onFirst },
      };
      return reply(asker, call);
    },
  };
}

async function reply(asker: Asker, call: VoiceCall): Promise<VoiceReply> {
  const { system, prefix, tail, schema, temperature, seed, maxTokens } = call;
  const message: Message = { role: "user", parts: [{ type: "text", text: prefix + tail }] };
  const request = { system, messages: [message], tools: [], sampling: { temperature, seed, maxTokens }, schema };
  const { clock, model } = asker.options;
  const started = clock.monotonic();
  const answer = await askModel(asker, request, "council");
  const { usage } = answer.message;
  const ms = Math.round(clock.monotonic() - started);
  const known = { text: textOf(answer.message), group: groupOf(model), usage, ms };
  if (asker.signal.aborted) return { status: "timeout", ...known, problem: "it was not done in time" };
  if (answer.fault) return { status: "failed", ...known, problem: answer.fault.message };
  if (answer.message.stop === "length") return { status: "failed", ...known, problem: "its answer was cut off" };
  return { status: "ok", ...known };
}
