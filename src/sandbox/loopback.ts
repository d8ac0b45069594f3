/** The address of this machine that a browser comes back to after a login: one answer, by its `state`, then it is gone. */
import type { AddressInfo } from "node:net";
import { CrucibleError } from "../base/error.ts";

const PATH = "/callback";

export interface Loopback {
  /** `http://127.0.0.1:port/callback` (RFC 8252, 7.3). */
  readonly url: string;
  /** What the browser that was sent out with `state` brings back; any other request is nobody's. Rejects when `signal` aborts. */
  answer(state: string): Promise<URLSearchParams>;
  close(): void;
}

/** `port` 0 takes a free one. Throws `tool-failed` when the port is taken. */
export async function openLoopback(port: number, signal: AbortSignal): Promise<Loopback> {
  const { createServer } = process.getBuiltinModule("node:http");
  const answer = Promise.withResolvers<URLSearchParams>();
  let expected: string | undefined;
  answer.promise.catch(() => undefined);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const fits =
      request.method === "GET" &&
      url.pathname === PATH &&
      expected !== undefined &&
      url.searchParams.get("state") === expected &&
      (url.searchParams.has("code") || url.searchParams.has("error"));
    response.writeHead(fits ? 200 : 404, { "content-type": "text/plain; charset=utf-8", connection: "close" });
    response.end(fits ? "You can close this page and go back to the terminal.\n" : "not here\n");
    if (fits) answer.resolve(url.searchParams);
  });
  const listening = Promise.withResolvers<void>();
  server.once("listening", () => listening.resolve());
  server.once("error", (error) =>
    listening.reject(
      new CrucibleError("tool-failed", `127.0.0.1:${port}: ${error.message}`, {
        hint: "take another callbackPort",
        cause: error,
      }),
    ),
  );
  server.listen(port, "127.0.0.1");
  await listening.promise;
  const stop = () => answer.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`,
    answer: (state) => {
      expected = state;
      return answer.promise;
    },
    close: () => {
      signal.removeEventListener("abort", stop);
      server.close();
      server.closeAllConnections();
    },
  };
}
