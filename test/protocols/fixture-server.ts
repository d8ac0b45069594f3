/** What the conformance suite expects of a server, behind our own HTTP plumbing: `node fixture-server.ts` prints its address. */
import {
  completable,
  fromJsonSchema,
  McpServer,
  type McpServerFactory,
  ResourceTemplate,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import { serveHttp } from "../../src/mcp/server/http.ts";

/** One red pixel, and a wave file without sound. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==";

const ABOUT = "what the suite asks for";

const said = (text: string) => ({ content: [{ type: "text" as const, text }] });
const image = { type: "image" as const, data: PNG, mimeType: "image/png" };
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

function contentTools(server: McpServer): void {
  server.registerTool("test_simple_text", { description: ABOUT }, () =>
    said("This is a simple text response for testing."),
  );
  server.registerTool("test_image_content", { description: ABOUT }, () => ({ content: [image] }));
  server.registerTool("test_audio_content", { description: ABOUT }, () => ({
    content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }],
  }));
  const resource = (uri: string, mimeType: string, text: string) => ({
    type: "resource" as const,
    resource: { uri, mimeType, text },
  });
  server.registerTool("test_embedded_resource", { description: ABOUT }, () => ({
    content: [resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")],
  }));
  server.registerTool("test_multiple_content_types", { description: ABOUT }, () => ({
    content: [
      { type: "text", text: "Multiple content types test:" },
      image,
      resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
  }));
  server.registerTool("test_error_handling", { description: ABOUT }, () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    $defs: {
      address: { type: "object", properties: { street: { type: "string" }, city: { type: "string" } } },
    },
    properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
    additionalProperties: false,
  } as const;
  server.registerTool("json_schema_2020_12_tool", { description: ABOUT, inputSchema: fromJsonSchema(schema) }, () =>
    said("ok"),
  );
}

function talkingTools(server: McpServer): void {
  server.registerTool("test_tool_with_logging", { description: ABOUT }, async ({ mcpReq }) => {
    for (const text of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
      await mcpReq.log("info", text);
      await pause();
    }
    return said("done");
  });
  server.registerTool("test_tool_with_progress", { description: ABOUT }, async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
      await mcpReq.notify({
        method: "notifications/progress",
        params: { progressToken, progress, total: 100, message: `${progress} of 100` },
      });
      await pause();
    }
    return said("done");
  });
  const prompted = { description: ABOUT, inputSchema: z.object({ prompt: z.string() }) };
  server.registerTool("test_sampling", prompted, async ({ prompt }, { mcpReq }) => {
    const messages = [{ role: "user" as const, content: { type: "text" as const, text: prompt } }];
    const { content } = await mcpReq.requestSampling({ messages, maxTokens: 100 });
    return said(`LLM response: ${JSON.stringify(content)}`);
  });
  server.registerTool("test_reconnection", { description: ABOUT }, async ({ http }) => {
    await pause();
    http?.closeSSE?.();
    await pause();
    return said("the stream was closed on the way");
  });
}

async function elicited({ mcpReq }: ServerContext, message: string, properties: object, required: string[] = []) {
  const requestedSchema = { type: "object" as const, properties: properties as never, required };
  const { action, content } = await mcpReq.elicitInput({ message, requestedSchema });
  return said(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
}

function askingTools(server: McpServer): void {
  const text = (description: string) => ({ type: "string", description });
  server.registerTool(
    "test_elicitation",
    { description: ABOUT, inputSchema: z.object({ message: z.string() }) },
    ({ message }, context) =>
      elicited(context, message, { username: text("User's response"), email: text("User's email address") }, [
        "username",
        "email",
      ]),
  );
  server.registerTool("test_elicitation_sep1034_defaults", { description: ABOUT }, (context) =>
    elicited(context, "defaults", {
      name: { type: "string", default: "John Doe" },
      age: { type: "integer", default: 30 },
      score: { type: "number", default: 95.5 },
      status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
      verified: { type: "boolean", default: true },
    }),
  );
  const titled = (names: readonly string[]) =>
    names.map((title, index) => ({ const: `value${index + 1}`, title: `${title} Option` }));
  const plain = ["option1", "option2", "option3"];
  server.registerTool("test_elicitation_sep1330_enums", { description: ABOUT }, (context) =>
    elicited(context, "enums", {
      untitledSingle: { type: "string", enum: plain },
      titledSingle: { type: "string", oneOf: titled(["First", "Second", "Third"]) },
      legacyEnum: {
        type: "string",
        enum: ["opt1", "opt2", "opt3"],
        enumNames: ["Option One", "Option Two", "Option Three"],
      },
      untitledMulti: { type: "array", items: { type: "string", enum: plain } },
      titledMulti: { type: "array", items: { anyOf: titled(["First", "Second", "Third"]) } },
    }),
  );
}

function resources(server: McpServer): void {
  const text = (uri: string, words: string) => ({ contents: [{ uri, mimeType: "text/plain", text: words }] });
  server.registerResource("static-text", "test://static-text", { mimeType: "text/plain" }, ({ href }) =>
    text(href, "This is the content of the static text resource."),
  );
  server.registerResource("static-binary", "test://static-binary", { mimeType: "image/png" }, ({ href }) => ({
    contents: [{ uri: href, mimeType: "image/png", blob: PNG }],
  }));
  server.registerResource("watched", "test://watched-resource", { mimeType: "text/plain" }, ({ href }) =>
    text(href, "watched"),
  );
  const template = new ResourceTemplate("test://template/{id}/data", { list: undefined });
  server.registerResource("template", template, { mimeType: "application/json" }, ({ href }, { id }) => ({
    contents: [
      {
        uri: href,
        mimeType: "application/json",
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
      },
    ],
  }));
  for (const method of ["resources/subscribe", "resources/unsubscribe"] as const)
    server.server.setRequestHandler(method, () => ({}));
}

function prompts(server: McpServer): void {
  const user = (text: string) => ({ role: "user" as const, content: { type: "text" as const, text } });
  server.registerPrompt("test_simple_prompt", { description: ABOUT }, () => ({
    messages: [user("This is a simple prompt for testing.")],
  }));
  const argsSchema = z.object({
    arg1: completable(z.string(), (value) => ["paris", "park", "party"].filter((word) => word.startsWith(value))),
    arg2: z.string(),
  });
  server.registerPrompt("test_prompt_with_arguments", { description: ABOUT, argsSchema }, ({ arg1, arg2 }) => ({
    messages: [user(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  }));
  const uriSchema = z.object({ resourceUri: z.string() });
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: ABOUT, argsSchema: uriSchema },
    ({ resourceUri: uri }) => {
      const resource = { uri, mimeType: "text/plain", text: "Embedded resource content for testing." };
      return { messages: [{ role: "user", content: { type: "resource", resource } }, user("Please process it.")] };
    },
  );
  server.registerPrompt("test_prompt_with_image", { description: ABOUT }, () => ({
    messages: [{ role: "user", content: image }, user("Please analyze the image above.")],
  }));
}

const factory: McpServerFactory = () => {
  const server = new McpServer(
    { name: "fixture", version: "1" },
    { capabilities: { logging: {}, resources: { subscribe: true } } },
  );
  for (const part of [contentTools, talkingTools, askingTools, resources, prompts]) part(server);
  return server;
};

const server = await serveHttp(factory, { port: 0, onError: () => undefined });
process.stdout.write(`${server.url}\n`);
