/** Every configuration key: its scope, shape, default and meaning. */
import * as z from "zod/mini";
import { LEVELS } from "../core/audit-event.ts";
import { FACE_KEYS } from "./face-keys.ts";
import type { Key } from "./key.ts";

const least = (a: unknown, b: unknown) => Math.min(Number(a), Number(b));
const union = (a: unknown, b: unknown) => [...new Set([...(a as string[]), ...(b as string[])])];
const later = (order: readonly unknown[]) => (a: unknown, b: unknown) => (order.indexOf(b) > order.indexOf(a) ? b : a);
const server = z.strictObject({
  name: z.string(),
  kind: z.enum(["ollama", "openai-compatible"]),
  url: z.string(),
  apiKey: z.optional(z.string()),
  slots: z.optional(z.number().check(z.int(), z.positive())),
});
const share = z.number().check(z.minimum(0), z.maximum(1));
const profile = z.strictObject({
  temperature: z.optional(z.number().check(z.minimum(0))),
  topP: z.optional(share),
  topK: z.optional(z.number().check(z.int(), z.minimum(0))),
  minP: z.optional(share),
  repeatPenalty: z.optional(z.number().check(z.minimum(0))),
  maxTokens: z.optional(z.number().check(z.int(), z.positive())),
  effort: z.optional(z.enum(["off", "low", "medium", "high"])),
  templateArguments: z.optional(z.record(z.string(), z.unknown())),
  context: z.optional(z.number().check(z.int(), z.positive())),
  keepAlive: z.optional(z.string().check(z.regex(/^(-?\d+|\d+(\.\d+)?(ms|s|m|h))$/, "write it like 30m, 24h or -1"))),
});
const check = z.strictObject({ kind: z.enum(["test", "types", "lint"]), command: z.string() });
const council = z.strictObject({
  title: z.optional(z.string()),
  domain: z.optional(z.string().check(z.regex(/^[a-z][a-z0-9_-]{0,31}$/))),
  members: z
    .array(z.union([z.string(), z.strictObject({ voice: z.string(), depends_on: z.optional(z.array(z.string())) })]))
    .check(z.minLength(1)),
});
/** Councils by name, as configuration and the package's own file write them. */
export const councilsForm = z.record(z.string().check(z.regex(/^[a-z][a-z0-9_-]{0,31}$/)), council);
const count = z.number().check(z.int(), z.positive());
const councilBudget = z.strictObject({
  calls: z.optional(count),
  promptTokens: z.optional(count),
  outputTokens: z.optional(count),
  wallMs: z.optional(count),
  execMs: z.optional(count),
});
const strings = z.array(z.string());

export const KEYS: Readonly<Record<string, Key>> = {
  model: { scope: "user", schema: z.string(), fallback: undefined, about: "provider/model to use when none is named" },
  "tiers.fast": {
    scope: "user",
    schema: z.string(),
    fallback: undefined,
    about: "provider/model for light work; with tiers.quality the router chooses between them (leave model unset)",
  },
  "tiers.quality": {
    scope: "user",
    schema: z.string(),
    fallback: undefined,
    about: "provider/model for hard work",
  },
  "tiers.embed": {
    scope: "user",
    schema: z.string(),
    fallback: undefined,
    about: "provider/model that makes embeddings",
  },
  fallback: {
    scope: "user",
    schema: strings,
    fallback: [],
    about: "provider/model names that answer when the chosen one cannot, in this order",
  },
  servers: {
    scope: "user",
    schema: z.array(server),
    fallback: [],
    about: "model servers beside those found on this machine",
  },
  windows: {
    scope: "user",
    schema: z.record(z.string(), count),
    fallback: {},
    about: "context window in tokens per provider/model",
  },
  profiles: {
    scope: "user",
    schema: z.record(z.string(), profile),
    fallback: {},
    about: "settings per provider/model: sampling, effort, template switches, context, keepAlive",
  },
  "embedded.gpu": {
    scope: "user",
    schema: z.enum(["off", "auto", "cuda", "vulkan", "metal"]),
    fallback: "off",
    about: "what the embedded engine computes on beside the processor; its package must bring it",
  },
  "cache.answers": {
    scope: "user",
    schema: z.enum(["off", "exact", "semantic"]),
    fallback: "semantic",
    about:
      "answers without tool calls at temperature 0: none kept, given to the same words, or to the same question too (with tiers.embed)",
  },
  "cache.anyTemperature": {
    scope: "user",
    schema: z.boolean(),
    fallback: false,
    about: "keep answers that were sampled with a temperature too",
  },
  "cache.similarity": {
    scope: "user",
    schema: share,
    fallback: 0.95,
    about:
      "least cosine at which another wording gets a kept answer; below 0.95 counts as 0.95, and the words must agree too",
  },
  "cache.ttl": { scope: "user", schema: count, fallback: 7200, about: "how long an answer is kept (seconds)" },
  "cache.maxEntries": { scope: "user", schema: count, fallback: 50_000, about: "answers that are kept at most" },
  "cache.maxMegabytes": {
    scope: "user",
    schema: count,
    fallback: 256,
    about: "memory of the cache, and its file (MiB each)",
  },
  "cache.redis": {
    scope: "user",
    schema: strings,
    fallback: [],
    about: "redis:// or rediss:// addresses of a shared tier (Redis or Valkey); several nodes with cache.redisCluster",
    variable: "REDIS_URL",
  },
  "cache.redisCluster": {
    scope: "user",
    schema: z.boolean(),
    fallback: false,
    about: "the addresses are nodes of a cluster",
  },
  "cache.redisPrefix": {
    scope: "user",
    schema: z.string().check(z.regex(/^[\w:.-]+$/)),
    fallback: "crucible",
    about: "start of every key there",
  },
  "cache.compression": { scope: "user", schema: z.boolean(), fallback: true, about: "pack what goes to Redis" },
  "cache.postgres": {
    scope: "user",
    schema: z.string(),
    fallback: undefined,
    about: "postgres:// address that takes the place of the SQLite file",
  },
  effort: {
    scope: "any",
    schema: z.enum(["off", "low", "medium", "high"]),
    fallback: undefined,
    about: "how much a thinking model may think",
  },
  temperature: {
    scope: "any",
    schema: z.number(),
    fallback: undefined,
    about: "sampling temperature; unset = the server's own",
  },
  permissionMode: {
    scope: "user",
    schema: z.enum(["plan", "default", "accept-edits", "auto"]),
    fallback: "default",
    about: "what runs without a question",
  },
  ...FACE_KEYS,
  "sandbox.mode": {
    scope: "user",
    schema: z.enum(["read-only", "workspace-write"]),
    fallback: "workspace-write",
    about: "confinement of commands",
  },
  "sandbox.backend": {
    scope: "user",
    schema: z.enum(["auto", "bubblewrap", "podman", "docker", "landlock", "sandbox-runtime", "e2b"]),
    fallback: "auto",
    about: "what confines commands; auto = the first that every attempt to break out fails on",
  },
  "sandbox.image": {
    scope: "user",
    schema: z.string().check(z.regex(/^[a-zA-Z0-9][\w.\-/:@]*$/)),
    fallback: undefined,
    about: "image with bash and perl for docker or podman; it must be on this machine",
  },
  "sandbox.remote": {
    scope: "user",
    schema: z.boolean(),
    fallback: false,
    about: "whether the workspace may leave this machine for a backend elsewhere (e2b, with E2B_API_KEY)",
  },
  "sandbox.remoteUrl": {
    scope: "user",
    schema: z.url({ protocol: /^https?$/ }),
    fallback: undefined,
    about: "address of that service; unset = its public one",
  },
  "sandbox.read": {
    scope: "user",
    schema: strings,
    fallback: [],
    about: "paths outside the workspace that may be read",
  },
  "sandbox.expose": {
    scope: "user",
    schema: strings,
    fallback: [],
    about: "secret-named files that are shown as they are",
  },
  "sandbox.env": {
    scope: "user",
    schema: z.record(z.string(), z.string()),
    fallback: {},
    about: "variables added to the environment of commands",
  },
  "approvals.days": {
    scope: "user",
    schema: z.number().check(z.int(), z.minimum(0), z.maximum(365)),
    fallback: 30,
    about: 'how long an "always" holds (days, 0 to 365; 0 = nothing is remembered)',
  },
  "network.mode": {
    scope: "user",
    schema: z.enum(["off", "allowlist"]),
    fallback: "off",
    about: "whether anything may use the network without a question",
  },
  "network.allow": {
    scope: "user",
    schema: strings,
    fallback: [],
    about: "hosts (host or host:port) that may be reached without a question",
  },
  "limits.turns": {
    scope: "tighten",
    schema: count,
    fallback: undefined,
    about: "model requests of one run",
    tighter: least,
  },
  "limits.toolCalls": {
    scope: "tighten",
    schema: count,
    fallback: undefined,
    about: "tool calls of one run",
    tighter: least,
  },
  "limits.wallTime": {
    scope: "tighten",
    schema: count,
    fallback: undefined,
    about: "seconds of one run",
    tighter: least,
  },
  "limits.tokens": {
    scope: "tighten",
    schema: count,
    fallback: undefined,
    about: "tokens of one run, in and out",
    tighter: least,
  },
  "limits.commandTime": {
    scope: "tighten",
    schema: count,
    fallback: 1800,
    about: "longest run of one command (seconds)",
    tighter: least,
  },
  "limits.memory": {
    scope: "tighten",
    schema: count,
    fallback: undefined,
    about: "address space of each process of a command (MiB); unset = no limit",
    tighter: least,
  },
  "limits.processes": {
    scope: "tighten",
    schema: count,
    fallback: 512,
    about: "processes of one command at a time",
    tighter: least,
  },
  "limits.fileSize": {
    scope: "tighten",
    schema: count,
    fallback: 2048,
    about: "largest file that a command or a tool may write (MiB)",
    tighter: least,
  },
  "limits.concurrent": {
    scope: "tighten",
    schema: count,
    fallback: 16,
    about: "tool calls that may run at the same time",
    tighter: least,
  },
  "tools.disallow": {
    scope: "tighten",
    schema: strings,
    fallback: [],
    about: "tools or commands that are refused: web_fetch, shell(git push *)",
    tighter: union,
  },
  "undo.turns": {
    scope: "user",
    schema: count,
    fallback: 200,
    about: "turns of each workspace that can be undone",
  },
  "undo.maxMegabytes": {
    scope: "user",
    schema: count,
    fallback: 2048,
    about: "disk that undo may take (MiB); the oldest turns make room",
  },
  "audit.level": {
    scope: "tighten",
    schema: z.enum(LEVELS),
    fallback: "standard",
    about: "what the audit log keeps",
    variable: "AUDIT_LOGGING_LEVEL",
    tighter: later(LEVELS),
  },
  "audit.checkpoints": {
    scope: "user",
    schema: z.string().check(z.regex(/^\//, "not an absolute path")),
    fallback: undefined,
    about: "folder of the audit log's signed checkpoints, best on another disk or host",
  },
  "audit.retention": {
    scope: "user",
    schema: count,
    fallback: undefined,
    about: "days after which sealed parts of the audit log are removed; unset = never",
  },
  councils: {
    scope: "any",
    schema: councilsForm,
    fallback: {},
    about: 'councils of your own: {"name": {"title": …, "members": ["developer", {"voice": …, "depends_on": […]}]}}',
    entries: true,
  },
  "council.models": {
    scope: "user",
    schema: strings,
    fallback: [],
    about: "provider/model names that the voices of a council use in turn; empty = the session's own model for all",
  },
  "council.contextTokens": {
    scope: "user",
    schema: count,
    fallback: 6_000,
    about: "tokens of files and outline that every voice reads, at most half of the window",
  },
  "council.budget": {
    scope: "user",
    schema: councilBudget,
    fallback: { calls: 60, wallMs: 1_800_000, execMs: 1_200_000 },
    about: "what one council may use: calls, promptTokens, outputTokens, wallMs, execMs",
  },
  "council.checks": {
    scope: "any",
    schema: z.array(check),
    fallback: undefined,
    about:
      'the commands that tell whether work is right, instead of those found: [{"kind": "test", "command": "make unit"}]',
  },
  "council.revertDays": {
    scope: "user",
    schema: count,
    fallback: 14,
    about: "how long an accepted decision is watched for being undone (days)",
  },
  "mcp.variables": {
    scope: "user",
    schema: strings,
    fallback: [],
    about:
      "variables of your environment that a project's MCP servers may take by name, written in braces after a dollar sign",
  },
  color: {
    scope: "any",
    schema: z.enum(["auto", "always", "never"]),
    fallback: "auto",
    about: "colours in the terminal",
  },
};
