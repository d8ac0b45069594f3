/** Collects one reply: turns a decoder's pieces into parts and keeps what is only known at the end (calls, usage, reason). */
import type { StopReason } from "../core/message.ts";
import type { ModelPart } from "../core/model.ts";
import type { Problem } from "./problem.ts";
import { parseTextCalls } from "./text-call-forms.ts";
import { TextCallScanner } from "./text-tool-calls.ts";
import { ThinkingSplitter } from "./thinking.ts";
import type { RawCall, Sink, WireUsage } from "./wire.ts";

/** Printed calls that count even inside thinking, where plain JSON is only a thought. */
const MARKED =
  /<tool_call>[\s\S]*?(?:<\/tool_call>|$)|<function=[\s\S]*?(?:<\/function>|$)|\[TOOL_CALLS\][\s\S]*$|<\|python_tag\|>[\s\S]*$/g;

export interface AnswerOptions {
  /** Names of the tools that were offered; without any, text is never searched for calls. */
  readonly tools: ReadonlySet<string>;
  readonly startsInThinking: boolean;
  /** Constrained answers are taken as they are. */
  readonly verbatim: boolean;
}

export class Answer implements Sink {
  readonly #names: ReadonlySet<string>;
  readonly #splitter: ThinkingSplitter | undefined;
  readonly #scanner: TextCallScanner | undefined;
  readonly #native: RawCall[] = [];
  #parts: ModelPart[] = [];
  #pending = "";
  #pendingType: "text" | "thinking" = "text";
  #thought = "";
  #hasText = false;
  #progress = false;
  #reason: string | undefined;
  #closed = false;
  usageSeen: WireUsage = {};
  modelSeen: string | undefined;
  remoteSeen: string | undefined;
  problemSeen: Problem | undefined;
  /** True once the consumer has received a piece of the answer: from then on nothing is sent again. */
  delivered = false;
  /** True once anything but prompt progress has come. */
  started = false;
  /** UTF-16 units of text and thinking: the yardstick where a server reports no output tokens. */
  characters = 0;

  constructor(options: AnswerOptions) {
    this.#names = options.tools;
    if (options.verbatim) return;
    const show = (text: string) => this.#add("text", text);
    this.#scanner = options.tools.size > 0 ? new TextCallScanner(options.tools, show) : undefined;
    this.#splitter = new ThinkingSplitter(
      {
        text: (piece) => (this.#scanner ? this.#scanner.push(piece) : show(piece)),
        thinking: (piece) => this.#add("thinking", piece),
      },
      options.startsInThinking,
    );
  }

  text(piece: string): void {
    this.#progress = true;
    this.started = true;
    if (this.#splitter) this.#splitter.push(piece);
    else this.#add("text", piece);
  }

  thinking(piece: string): void {
    this.#progress = true;
    this.started = true;
    this.#add("thinking", piece);
  }

  call(call: RawCall): void {
    this.#progress = true;
    this.started = true;
    this.#native.push(call);
  }

  loading(progress: number): void {
    this.#progress = true;
    this.part({ type: "loading", progress });
  }

  prefill(done: number, total: number): void {
    this.#progress = true;
    this.part({ type: "prefill", done, total });
  }

  usage(usage: WireUsage): void {
    this.usageSeen = { ...this.usageSeen, ...usage };
  }

  finish(reason: string): void {
    this.#progress = true;
    this.#closed = reason === "" || this.#closed;
    if (reason !== "") this.#reason = reason;
  }

  model(name: string): void {
    this.modelSeen = name;
  }

  remote(host: string): void {
    this.remoteSeen = host;
  }

  problem(problem: Problem): void {
    this.problemSeen ??= problem;
  }

  /** Adds a part that is no piece of the answer. */
  part(part: ModelPart): void {
    this.#flush();
    this.#parts.push(part);
  }

  /** Adds a part before everything not yet taken. */
  partFirst(part: ModelPart): void {
    this.#parts.unshift(part);
  }

  /** The parts since the last call; adjacent text is one part. */
  take(): readonly ModelPart[] {
    this.#flush();
    const parts = this.#parts;
    if (parts.length > 0) this.#parts = [];
    return parts;
  }

  /** Whether anything moved since the last call. */
  moved(): boolean {
    const moved = this.#progress;
    this.#progress = false;
    return moved;
  }

  /** The server gave a reason for the end, or said that it is done. */
  get finished(): boolean {
    return this.#reason !== undefined || this.#closed;
  }

  /** Nothing more can come. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Releases what was held back. Call once, before `calls`. */
  end(): void {
    this.#splitter?.end();
    this.#scanner?.end();
  }

  /** The server's own calls; else calls printed in the text; else, if there is no text, calls printed in the thinking. */
  calls(): readonly RawCall[] {
    if (this.#native.length > 0) return this.#native;
    const printed = this.#scanner?.calls ?? [];
    if (printed.length > 0) return printed;
    if (this.#hasText || this.#names.size === 0 || this.#thought === "") return [];
    return (this.#thought.match(MARKED) ?? []).flatMap((block) => parseTextCalls(block, this.#names));
  }

  learned(): ReturnType<ThinkingSplitter["learned"]> {
    return this.#splitter?.learned();
  }

  stop(hasCalls: boolean): StopReason {
    const reason = this.#reason ?? "stop";
    if (/length|max_tokens|limit/i.test(reason)) return "length";
    if (hasCalls) return "tool-calls";
    return /filter|safety|refus/i.test(reason) ? "filtered" : "stop";
  }

  #add(type: "text" | "thinking", piece: string): void {
    if (piece === "") return;
    this.characters += piece.length;
    if (type === "thinking") this.#thought += piece;
    else if (!this.#hasText && /\S/.test(piece)) this.#hasText = true;
    if (this.#pendingType !== type) {
      this.#flush();
      this.#pendingType = type;
    }
    this.#pending = this.#pending === "" ? piece : this.#pending + piece;
  }

  #flush(): void {
    if (this.#pending === "") return;
    this.#parts.push({ type: this.#pendingType, text: this.#pending });
    this.#pending = "";
  }
}
