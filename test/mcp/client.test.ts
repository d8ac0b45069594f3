/** The pieces of the client: lines into messages, results into parts, questions to the person, the model for servers. */
import type { JSONRPCMessage } from "@modelcontextprotocol/client";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { Human } from "../../src/core/ports/human.ts";
import type { HttpEntry, McpAnswers, ServerProcess } from "../../src/core/ports/mcp.ts";
import { elicit } from "../../src/mcp/client/elicit.ts";
import { freshState, oauthBook, providerFor, sessionProvider } from "../../src/mcp/client/oauth.ts";
import { partsOf, resourceResult, toolResult } from "../../src/mcp/client/results.ts";
import { sample } from "../../src/mcp/client/sampling.ts";
import { processTransport } from "../../src/mcp/client/transport.ts";

const signal = new AbortController().signal;

function fakeProcess() {
  const ended = Promise.withResolvers<{ code: number | null; signal: string | null }>();
  let take: (chunk: Buffer) => void = () => undefined;
  const sent: string[] = [];
  const server: ServerProcess = {
    write: async (text) => void sent.push(text),
    onOutput: (taker) => {
      take = taker;
    },
    lastWords: () => "",
    ended: ended.promise,
    kill: () => ended.resolve({ code: null, signal: "SIGKILL" }),
  };
  return { server, sent, say: (chunk: Buffer | string) => take(Buffer.from(chunk)) };
}

describe("the transport", () => {
  test("messages arrive whole however they are cut, and nothing else does", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.json(), fc.string())),
        fc.integer({ min: 1, max: 7 }),
        async (values, size) => {
          const { server, say } = fakeProcess();
          const got: unknown[] = [];
          const transport = processTransport(
            server,
            (value) => value as JSONRPCMessage,
            () => undefined,
          );
          transport.onmessage = (message) => void got.push(message);
          await transport.start();
          const lines = values.map((value) => value.replaceAll("\n", " "));
          const bytes = Buffer.from(`${lines.join("\n")}\n`);
          for (let at = 0; at < bytes.length; at += size) say(bytes.subarray(at, at + size));
          const whole = lines.flatMap((line) => {
            try {
              return [JSON.parse(line) as unknown];
            } catch {
              return [];
            }
          });
          await vi.waitFor(() => expect(got).toEqual(whole), { interval: 1 });
        },
      ),
    );
  });

  test("its end is told once; a line without end kills the process", async () => {
    const { server, say, sent } = fakeProcess();
    const told: string[] = [];
    const transport = processTransport(
      server,
      (value) => value as JSONRPCMessage,
      () => undefined,
    );
    transport.onclose = () => void told.push("close");
    transport.onerror = (error) => void told.push(error.message);
    await transport.start();
    await transport.send({ jsonrpc: "2.0", method: "a" });
    expect(sent).toEqual(['{"jsonrpc":"2.0","method":"a"}\n']);
    for (let at = 0; at < 33; at++) say(Buffer.alloc(1024 * 1024, 120));
    await transport.close();
    expect(told).toEqual(["it sent a line of more than 33554432 bytes", "close"]);
  });

  test("more messages than can be read kill the process; a long burst does not", async () => {
    const { server, say } = fakeProcess();
    let [read, closed] = [0, false];
    const told: string[] = [];
    const transport = processTransport(
      server,
      (value) => value as JSONRPCMessage,
      () => undefined,
    );
    transport.onmessage = () => void read++;
    transport.onclose = () => {
      closed = true;
    };
    transport.onerror = (error) => void told.push(error.message);
    await transport.start();
    const burst = '{"jsonrpc":"2.0","method":"notifications/message"}\n'.repeat(5_000);
    say(burst);
    await vi.waitFor(() => expect(read).toBe(5_000));
    for (let at = 0; at < 20; at++) say(burst);
    await vi.waitFor(() => expect(closed).toBe(true));
    expect(told).toEqual(["it sent more messages than can be read"]);
    expect(read).toBeLessThan(50_000);
  });
});

describe("results", () => {
  const spill = (text: string) => `/tmp/${text.length}`;

  test("everything becomes text or an image, labelled external", () => {
    const png = { type: "image" as const, mimeType: "image/png", data: "aGk=" };
    const result = toolResult(
      {
        content: [
          { type: "text", text: "plain\u0007\u202e" },
          png,
          { ...png, mimeType: "image/svg+xml" },
          { type: "audio", mimeType: "audio/wav", data: "aGk=" },
          { type: "resource_link", uri: "kit://a", name: "a\nb" },
          { type: "resource", resource: { uri: "kit://t", text: "body" } },
          { type: "resource", resource: { uri: "kit://b", blob: "aGk=", mimeType: "application/zip" } },
        ],
      },
      spill,
    );
    expect(result.label).toEqual({ integrity: "external", confidentiality: "public" });
    expect(result.parts).toEqual([
      {
        type: "text",
        text: [
          "plain",
          "[image image/svg+xml, 4 characters: not shown]",
          "[audio audio/wav, 4 characters: not played]",
          "[resource kit://a: a b]",
          "[resource kit://t]\nbody",
          "[resource kit://b: 4 characters of application/zip]",
        ].join("\n"),
      },
      { type: "image", mediaType: "image/png", data: "aGk=" },
    ]);
    expect(partsOf([{ ...png, data: "<script>" }])).toEqual([expect.objectContaining({ type: "text" })]);
    expect(toolResult({ content: [], structuredContent: { a: 1 } }, spill).parts).toEqual([
      { type: "text", text: '{"a":1}' },
    ]);
    expect(toolResult({ content: [], isError: true }, spill)).toMatchObject({ failed: true });
    expect(resourceResult({ contents: [] }, spill).parts).toEqual([{ type: "text", text: "(empty)" }]);
  });

  test("long texts are cut and kept whole elsewhere", () => {
    const { parts, details } = toolResult({ content: [{ type: "text", text: "z".repeat(90_000) }] }, spill);
    expect(details).toMatchObject({ bytes: 90_000, truncated: true, spill: "/tmp/90000" });
    expect(parts[0]).toMatchObject({ text: expect.stringContaining("[all 90000 bytes are in /tmp/90000]") as string });
  });
});

describe("a server's questions", () => {
  const person = (answers: readonly (string | undefined)[]): Human & { readonly asked: string[] } => {
    const left = [...answers];
    const asked: string[] = [];
    const ask = async (text: string) => {
      asked.push(text);
      return left.shift();
    };
    return { present: true, approve: async () => "no", ask, asked };
  };
  const requestedSchema = {
    type: "object" as const,
    properties: {
      age: { type: "integer" as const, minimum: 1 },
      nick: { type: "string" as const },
      ok: { type: "boolean" as const, default: true },
    },
    required: ["age"],
  };
  const form = { mode: "form" as const, message: "Who\u202e are you?", requestedSchema };

  test("a form is asked field by field until it fits", async () => {
    const human = person(["answer", "old", "41", "", ""]);
    expect(await elicit("kit", form, human, signal)).toEqual({ action: "accept", content: { age: 41, ok: true } });
    expect(human.asked[0]).toBe("MCP server kit asks: Who are you?");
    expect(human.asked[2]).toMatch(/^age\n/);
  });

  test("nothing in a form begins a line of its own, hides, or has no end", async () => {
    const hostile = "a\n? shell rm -rf / \u202e\nallow";
    const human = person(["answer", "x", "done"]);
    const properties = { [hostile]: { type: "string" as const, title: hostile, default: hostile } };
    await elicit("kit", { ...form, requestedSchema: { type: "object", properties } }, human, signal);
    await elicit("kit", { mode: "url", message: hostile, elicitationId: "1", url: hostile }, human, signal);
    expect(human.asked[1]).not.toMatch(/[\n\u202e]/);
    expect(human.asked[2]?.split("\n")).toHaveLength(2);
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`f${at}`, { type: "string" as const }]));
    const endless = { ...form, requestedSchema: { type: "object" as const, properties: many } };
    expect(await elicit("kit", endless, person(["answer"]), signal)).toEqual({ action: "decline" });
  });

  test("nobody there, no answer, no: nothing is given", async () => {
    expect(await elicit("kit", form, { ...person([]), present: false }, signal)).toEqual({ action: "decline" });
    expect(await elicit("kit", form, person([undefined]), signal)).toEqual({ action: "cancel" });
    expect(await elicit("kit", form, person(["decline"]), signal)).toEqual({ action: "decline" });
    expect(await elicit("kit", form, person(["answer", undefined]), signal)).toEqual({ action: "cancel" });
  });

  test("an address is shown, never opened", async () => {
    const url = { mode: "url" as const, message: "Log in", elicitationId: "1", url: "https://example.com/\u202ex" };
    const human = person(["done"]);
    expect(await elicit("kit", url, human, signal)).toEqual({ action: "accept" });
    expect(human.asked[0]).toContain("Open this address yourself, if you trust it: https://example.com/x");
    expect(await elicit("kit", url, person(["decline"]), signal)).toEqual({ action: "decline" });
    expect(await elicit("kit", url, person([undefined]), signal)).toEqual({ action: "cancel" });
  });
});

const entry: HttpEntry = {
  ...{ name: "far", origin: "f:1", scope: "user", enabled: true, transport: "http", url: "https://example.com/mcp" },
  ...{
    tools: { allow: [], deny: [] },
    approve: [],
    timeoutMs: 1_000,
    secrets: [],
    headers: {},
    oauth: {},
    sampling: "ask",
  },
};

describe("the model for servers", () => {
  const params = {
    messages: [{ role: "user" as const, content: { type: "text" as const, text: "hi" } }],
    maxTokens: 90_000,
    systemPrompt: "be kind",
  };
  const answers = (yes: boolean) => {
    const seen: unknown[] = [];
    const made: McpAnswers = {
      human: { present: true, approve: async () => "no", ask: async () => undefined },
      consent: async (what) => {
        seen.push(what.lines);
        return yes;
      },
      sample: async (order) => {
        seen.push(order);
        return { text: "hello", model: "p/m" };
      },
    };
    return { made, seen };
  };

  test("only with consent, which shows all that is asked; bounded", async () => {
    const { made, seen } = answers(true);
    expect(await sample(entry, params, made, signal)).toMatchObject({ content: { text: "hello" }, model: "p/m" });
    expect(seen).toEqual([
      ["system: be kind", "user: hi"],
      { system: "be kind", messages: [{ role: "user", text: "hi" }], maxTokens: 8_192 },
    ]);
    const lines = answers(true);
    await sample(entry, { ...params, systemPrompt: "be kind\nuser: and \u202esafe" }, lines.made, signal);
    expect(lines.seen[0]).toEqual(["system: be kind", "system: user: and safe", "user: hi"]);
    await expect(sample(entry, params, answers(false).made, signal)).rejects.toThrow("the person said no");
    await expect(sample({ ...entry, sampling: "deny" }, params, made, signal)).rejects.toThrow("not for servers");
    expect(await sample({ ...entry, sampling: "allow" }, params, answers(false).made, signal)).toMatchObject({
      role: "assistant",
    });
    const image = {
      ...params,
      messages: [{ role: "user" as const, content: { type: "image" as const, data: "a", mimeType: "image/png" } }],
    };
    await expect(sample(entry, image, made, signal)).rejects.toThrow("only text can be answered, not image");
    const long = {
      ...params,
      messages: [{ role: "user" as const, content: { type: "text" as const, text: "x".repeat(200_001) } }],
    };
    await expect(sample(entry, long, made, signal)).rejects.toThrow("more than 200000 characters");
  });
});

describe("logins", () => {
  const book = () => {
    let value: unknown;
    const write = (next: unknown) => {
      value = next;
    };
    return oauthBook({ read: () => value, write }, () => 5);
  };

  test("another address is another login; what was invalid goes", async () => {
    const kept = book();
    const provider = providerFor(entry, kept, {
      redirectUrl: "http://127.0.0.1:1/callback",
      redirect: () => undefined,
      state: freshState(),
    });
    await provider.saveTokens({ access_token: "t", token_type: "Bearer", issuer: "https://one" });
    await provider.saveClientInformation?.({ client_id: "c", issuer: "https://one" });
    expect(kept.get(entry)).toMatchObject({ at: 5, tokens: { access_token: "t" } });
    expect(await provider.tokens({ issuer: "https://other" })).toBeUndefined();
    expect(await provider.clientInformation({ issuer: "https://one" })).toMatchObject({ client_id: "c" });
    expect(kept.get({ ...entry, url: "https://evil.example/mcp" })).toBeUndefined();
    await provider.invalidateCredentials?.("tokens");
    expect(await provider.tokens()).toBeUndefined();
    await provider.invalidateCredentials?.("all");
    expect(await provider.clientInformation()).toBeUndefined();
    expect([kept.forget(entry), kept.forget(entry)]).toEqual([true, false]);
    const own = providerFor({ ...entry, oauth: { clientId: "mine", clientSecret: "s", scope: "a b" } }, kept, {
      redirectUrl: "x",
      redirect: () => undefined,
    });
    expect(await own.clientInformation()).toEqual({ client_id: "mine", client_secret: "s" });
    expect(own.clientMetadata.scope).toBe("a b");
  });

  test("in a session nobody is sent anywhere: what was wanted waits for the next login", () => {
    const kept = book();
    const provider = sessionProvider(entry, kept);
    expect(() => provider.redirectToAuthorization(new URL("https://as/authorize?scope=a+b"))).toThrow("wants a login");
    expect(kept.get(entry)?.wanted).toBe("a b");
    expect(provider.saveClientInformation).toBeUndefined();
  });
});
