/** How a server is started, for the hint beside "nobody answers". */
import type { Target } from "./wire.ts";

const COMMANDS: Readonly<Record<string, string>> = {
  ollama: "ollama serve",
  lmstudio: "lms server start",
  llamacpp: "llama-server -m model.gguf --port 8080",
  vllm: "vllm serve <model>",
};

export function startHint(target: Pick<Target, "provider" | "kind" | "root">): string {
  const command = COMMANDS[target.provider] ?? (target.kind === "ollama" ? COMMANDS["ollama"] : undefined);
  return command === undefined ? `start the server, or name another with --base-url` : `start it with: ${command}`;
}

/** What people call a provider. */
export function titleOf(provider: string): string {
  const titles: Readonly<Record<string, string>> = {
    ollama: "Ollama",
    lmstudio: "LM Studio",
    llamacpp: "llama-server",
    vllm: "vLLM",
    embedded: "the embedded engine",
    openai: "an OpenAI-compatible server",
  };
  return titles[provider] ?? provider;
}
