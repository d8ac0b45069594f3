/** Where servers may be: environment, configuration and the usual loopback ports; and what answers there. */
import { CrucibleError } from "../base/error.ts";
import { HttpFailure } from "./http.ts";
import { ask, reasonOf, textField } from "./probe.ts";
import embedded from "./providers/embedded.ts";
import ollama from "./providers/ollama.ts";
import openAiCompatible from "./providers/openai-compatible.ts";
import type { Glance, Look, Provider, ServerKind, Target } from "./wire.ts";

export interface ServerConfig {
  readonly name: string;
  readonly kind: ServerKind;
  readonly url: string;
  readonly apiKey?: string;
  /** Answers at a time. */
  readonly slots?: number;
}

/** The variables that name servers, handed in by whoever reads the environment. */
export interface ModelEnv {
  readonly OLLAMA_HOST?: string;
  readonly OPENAI_BASE_URL?: string;
  readonly OPENAI_API_KEY?: string;
  readonly LLAMA_BASE_URL?: string;
  readonly LMSTUDIO_BASE_URL?: string;
}

export interface Places {
  readonly env: ModelEnv;
  readonly servers: readonly ServerConfig[];
  /** Loopback ports to try; what listens there is found out by asking. */
  readonly ports: readonly number[];
}

export const LOOPBACK_PORTS: readonly number[] = [11434, 1234, 8080, 8000];
/** What usually listens on a port: only a guess for messages, the reply decides. */
const USUAL: Readonly<Record<number, string>> = { 11434: "ollama", 1234: "lmstudio", 8080: "llamacpp", 8000: "vllm" };

const PROVIDERS: Readonly<Record<ServerKind, Provider>> = {
  ollama,
  "openai-compatible": openAiCompatible,
  embedded,
};

export function providerOf(kind: ServerKind): Provider {
  return PROVIDERS[kind];
}

/** Every place to look at, most explicit first, none twice. */
export function findTargets(places: Places): readonly Target[] {
  const { env } = places;
  const found: Target[] = places.servers.map((server) => ({
    ...targetAt(server.url, { provider: server.name, kind: server.kind, origin: `server ${server.name}`, named: true }),
    ...(server.apiKey ? { apiKey: server.apiKey } : {}),
  }));
  if (env.OLLAMA_HOST)
    found.push(targetAt(ollamaUrl(env.OLLAMA_HOST), { provider: "ollama", kind: "ollama", origin: "OLLAMA_HOST" }));
  if (env.OPENAI_BASE_URL) {
    const target = targetAt(env.OPENAI_BASE_URL, { provider: "openai", kind: undefined, origin: "OPENAI_BASE_URL" });
    found.push({ ...target, ...(env.OPENAI_API_KEY ? { apiKey: env.OPENAI_API_KEY } : {}) });
  }
  if (env.LMSTUDIO_BASE_URL)
    found.push(
      targetAt(env.LMSTUDIO_BASE_URL, { provider: "lmstudio", kind: "openai-compatible", origin: "LMSTUDIO_BASE_URL" }),
    );
  if (env.LLAMA_BASE_URL)
    found.push(
      targetAt(env.LLAMA_BASE_URL, { provider: "llamacpp", kind: "openai-compatible", origin: "LLAMA_BASE_URL" }),
    );
  for (const port of places.ports) {
    found.push(
      targetAt(`http://127.0.0.1:${port}`, {
        provider: USUAL[port] ?? "openai",
        kind: undefined,
        origin: `port ${port}`,
      }),
    );
  }
  const seen = new Set<string>();
  return found.filter((target) => {
    const key = target.root.replace("//localhost", "//127.0.0.1");
    return seen.has(key) ? false : seen.add(key);
  });
}

interface TargetFacts {
  readonly provider: string;
  readonly kind: ServerKind | undefined;
  readonly origin: string;
  readonly named?: boolean;
}

/** A URL with or without scheme and `/v1`. Throws `bad-config` when it is none. */
export function targetAt(text: string, facts: TargetFacts): Target {
  const trimmed = text.trim();
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw new CrucibleError("bad-config", `${facts.origin}: ${JSON.stringify(text)} is no server address`, {
      hint: "write it like http://127.0.0.1:11434",
    });
  }
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.hostname === "[::]") url.hostname = "[::1]";
  const path = url.pathname.replace(/\/+$/, "").replace(/\/(chat\/completions|api\/chat)$/, "");
  const root = `${url.protocol}//${url.host}${path.replace(/\/v\d+$/, "")}`;
  const base = /\/v\d+$/.test(path) ? `${url.protocol}//${url.host}${path}` : `${root}/v1`;
  return { root, base, provider: facts.provider, kind: facts.kind, origin: facts.origin, named: facts.named ?? false };
}

/** The forms of OLLAMA_HOST: `host`, `host:port`, `:port`, with a scheme; the port defaults to 11434 (80, 443 with a scheme). */
export function ollamaUrl(text: string): string {
  const value = text.trim().replace(/^["']|["']$/g, "");
  if (/^https?:\/\//i.test(value)) return value;
  const [host = "", ...path] = value.split("/");
  const filled = host === "" ? "127.0.0.1" : /^:\d/.test(host) ? `127.0.0.1${host}` : host;
  const hasPort = /(^|[^:]):\d+$/.test(filled) || /\]:\d+$/.test(filled);
  const bare = !hasPort && /^[^[]*:[^[]*:/.test(filled) ? `[${filled}]` : filled;
  return `http://${hasPort ? filled : `${bare}:11434`}${path.length > 0 ? `/${path.join("/")}` : ""}`;
}

/** Looks at one place: first what speaks there, then its models. */
export async function lookAt(look: Look, target: Target): Promise<Glance> {
  if (target.kind) return providerOf(target.kind).look(look, target);
  try {
    const { body } = await ask(look, target, `${target.root}/api/version`);
    if (textField(body, "version") !== undefined) {
      const glance = await ollama.look(look, {
        ...target,
        provider: target.named ? target.provider : "ollama",
        kind: "ollama",
      });
      if (glance.state !== "foreign") return glance;
    }
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    if (error.phase === "connect") return { target, state: "down", models: [], problem: reasonOf(error) };
  }
  const provider = target.named || target.origin !== `port ${new URL(target.root).port}` ? target.provider : "openai";
  return openAiCompatible.look(look, { ...target, provider, kind: "openai-compatible" });
}

/** True when the server runs on this machine, so that our free memory is its free memory. */
export function isLoopback(root: string): boolean {
  if (root.startsWith("embedded:")) return true;
  const host = new URL(root).hostname;
  return host === "localhost" || host === "[::1]" || /^127\./.test(host);
}
