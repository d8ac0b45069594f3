/** One language server: started, asked, and believed only about text that it was given. */
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import type { MessageConnection } from "vscode-jsonrpc/node";
import { abortable } from "../base/async.ts";
import { CrucibleError } from "../base/error.ts";
import type { Problem, SourceFile, SourcePlace } from "../core/ports/languages.ts";
import type { ServerProcess } from "../core/ports/mcp.ts";
import { boundedReader, messageReader } from "./reader.ts";

/** Longest start of a server, reading the project included (milliseconds). */
const START_MS = 60_000;
/** Problems of one file that are kept. */
const MOST_PROBLEMS = 50;
const ERROR = 1;

interface Range {
  readonly start: { readonly line: number; readonly character: number };
}
interface Diagnostic {
  readonly range: Range;
  readonly severity?: number;
  readonly message: string | { readonly value: string };
}
interface Location {
  readonly uri?: string;
  readonly range?: Range;
  readonly targetUri?: string;
  readonly targetSelectionRange?: Range;
}

export interface Connection {
  readonly alive: boolean;
  /** Errors of this text; resolves when the server has looked at it. */
  problems(file: SourceFile, signal: AbortSignal): Promise<readonly Problem[]>;
  places(
    method: "textDocument/definition" | "textDocument/references",
    file: SourceFile,
    asked: { readonly place: SourcePlace; readonly signal: AbortSignal },
  ): Promise<readonly SourcePlace[]>;
  close(): void;
}

export interface ConnectionOptions {
  readonly root: string;
  readonly languageOf: (path: string) => string;
  readonly settings: Readonly<Record<string, unknown>>;
}

interface Opened {
  version: number;
  text: string;
  /** The version that the problems are of. */
  seen: number;
  problems: readonly Problem[];
  waiting: Set<() => void>;
}

/** Throws `tool-failed` when it does not begin to speak. */
export async function connect(child: ServerProcess, options: ConnectionOptions): Promise<Connection> {
  const { createMessageConnection, StreamMessageWriter } = await import("vscode-jsonrpc/node");
  const output = boundedReader(() => child.kill());
  const input = new Writable({
    write: (chunk: Buffer, _encoding, done) => void child.write(chunk.toString("utf8")).then(() => done(), done),
  });
  const rpc = createMessageConnection(messageReader(output), new StreamMessageWriter(input));
  const state = { alive: true };
  const end = () => {
    state.alive = false;
    rpc.dispose();
  };
  rpc.onError(() => undefined);
  input.on("error", () => undefined);
  child.onOutput(output.take);
  const gone = child.ended.then(end, end);
  const leave = () => {
    end();
    child.kill();
  };
  const files = new Map<string, Opened>();
  listen(rpc, files);
  rpc.listen();
  const pull = await begin(rpc, options, gone).catch((error: unknown) => {
    child.kill();
    const words = child.lastWords().trim().split("\n").at(-1) ?? "";
    throw new CrucibleError("tool-failed", `the language server did not start${words === "" ? "" : `: ${words}`}`, {
      cause: error,
    });
  });
  return connectionOver({ rpc, files, pull, options, state, end: leave });
}

/** Says who we are; true when problems are asked for rather than told. */
async function begin(
  rpc: MessageConnection,
  { root, settings }: ConnectionOptions,
  gone: Promise<void>,
): Promise<boolean> {
  const rootUri = pathToFileURL(root).href;
  const timer = Promise.withResolvers<never>();
  const limit = setTimeout(() => timer.reject(new Error("no answer")), START_MS);
  try {
    const answer = await Promise.race([
      rpc.sendRequest<{ capabilities?: { diagnosticProvider?: unknown } }>("initialize", {
        processId: null,
        rootUri,
        workspaceFolders: [{ uri: rootUri, name: "workspace" }],
        initializationOptions: settings,
        capabilities: {
          general: { positionEncodings: ["utf-16"] },
          workspace: { configuration: true, workspaceFolders: true },
          textDocument: {
            publishDiagnostics: { versionSupport: true },
            diagnostic: {},
            definition: { linkSupport: true },
            references: {},
            synchronization: { didSave: true },
          },
        },
      }),
      timer.promise,
      gone.then(() => {
        throw new Error("it ended");
      }),
    ]);
    await rpc.sendNotification("initialized", {});
    return answer.capabilities?.diagnosticProvider !== undefined;
  } finally {
    clearTimeout(limit);
  }
}

/** What servers tell and ask by themselves. Nothing is ever applied for them. */
function listen(rpc: MessageConnection, files: Map<string, Opened>): void {
  rpc.onNotification(
    "textDocument/publishDiagnostics",
    (told: { uri: string; version?: number; diagnostics: Diagnostic[] }) => {
      const file = files.get(told.uri);
      if (!file || (told.version !== undefined && told.version < file.version)) return;
      file.seen = told.version ?? file.version;
      file.problems = errorsOf(told.diagnostics);
      for (const wake of [...file.waiting]) wake();
    },
  );
  rpc.onRequest("workspace/configuration", ({ items }: { items: unknown[] }) => items.map(() => ({})));
  rpc.onRequest("workspace/workspaceFolders", () => null);
  rpc.onRequest("client/registerCapability", () => null);
  rpc.onRequest("client/unregisterCapability", () => null);
  rpc.onRequest("window/workDoneProgress/create", () => null);
  rpc.onRequest("workspace/applyEdit", () => ({ applied: false, failureReason: "nothing is applied for a server" }));
  rpc.onRequest("workspace/diagnostic/refresh", () => null);
}

interface Parts {
  readonly rpc: MessageConnection;
  readonly files: Map<string, Opened>;
  readonly pull: boolean;
  readonly options: ConnectionOptions;
  readonly state: { readonly alive: boolean };
  readonly end: () => void;
}

function connectionOver({ rpc, files, pull, options, state, end }: Parts): Connection {
  const give = async ({ path, text }: SourceFile): Promise<{ uri: string; file: Opened }> => {
    const uri = pathToFileURL(path).href;
    const known = files.get(uri);
    if (known?.text === text) return { uri, file: known };
    const file: Opened = known ?? { version: 0, text, seen: 0, problems: [], waiting: new Set() };
    file.version++;
    file.text = text;
    files.set(uri, file);
    if (known)
      await rpc.sendNotification("textDocument/didChange", {
        textDocument: { uri, version: file.version },
        contentChanges: [{ text }],
      });
    else
      await rpc.sendNotification("textDocument/didOpen", {
        textDocument: { uri, languageId: options.languageOf(path), version: file.version, text },
      });
    await rpc.sendNotification("textDocument/didSave", { textDocument: { uri } });
    return { uri, file };
  };
  return {
    get alive() {
      return state.alive;
    },
    async problems(source, signal) {
      const { uri, file } = await give(source);
      if (!pull) return told(file, signal);
      const { items = [] } = await abortable(
        rpc.sendRequest<{ items?: Diagnostic[] }>("textDocument/diagnostic", { textDocument: { uri } }),
        signal,
      );
      return errorsOf(items);
    },
    async places(method, source, { place, signal }) {
      const { uri } = await give(source);
      const position = { line: place.line - 1, character: place.column - 1 };
      const extra = method === "textDocument/references" ? { context: { includeDeclaration: false } } : {};
      const answer = await abortable(
        rpc.sendRequest<Location | Location[] | null>(method, { textDocument: { uri }, position, ...extra }),
        signal,
      );
      return (Array.isArray(answer) ? answer : answer ? [answer] : []).flatMap(placeOf);
    },
    close: end,
  };
}

/** Waits until the server has told of the present version. */
function told(file: Opened, signal: AbortSignal): Promise<readonly Problem[]> {
  if (file.seen >= file.version) return Promise.resolve(file.problems);
  const { promise, resolve } = Promise.withResolvers<readonly Problem[]>();
  const wake = () => resolve(file.problems);
  file.waiting.add(wake);
  return abortable(promise, signal).finally(() => file.waiting.delete(wake));
}

function errorsOf(diagnostics: readonly Diagnostic[]): readonly Problem[] {
  return diagnostics
    .filter(({ severity = ERROR }) => severity === ERROR)
    .slice(0, MOST_PROBLEMS)
    .map(({ range, message }) => ({
      line: range.start.line + 1,
      message: (typeof message === "string" ? message : message.value).replaceAll(/\s+/g, " ").slice(0, 300),
    }));
}

function placeOf({ uri, range, targetUri, targetSelectionRange }: Location): SourcePlace[] {
  const [where, at] = [targetUri ?? uri, targetSelectionRange ?? range];
  if (!where?.startsWith("file:") || !at) return [];
  const path = decodeURIComponent(new URL(where).pathname);
  return [{ path, line: at.start.line + 1, column: at.start.character + 1 }];
}
