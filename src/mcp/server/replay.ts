/** What was sent on the streams of one client, so that a stream that broke goes on where it was. */
import type { EventStore, JSONRPCMessage } from "@modelcontextprotocol/server";

/** Messages that are kept; a client that stays away longer asks again. */
const MOST_KEPT = 1_000;

export function createReplay(): EventStore {
  const kept: { readonly id: string; readonly stream: string; readonly message: JSONRPCMessage }[] = [];
  let count = 0;
  return {
    async storeEvent(stream, message) {
      const id = `${++count}`;
      kept.push({ id, stream, message });
      if (kept.length > MOST_KEPT) kept.shift();
      return id;
    },
    getStreamIdForEventId: async (id) => kept.find((event) => event.id === id)?.stream,
    async replayEventsAfter(last, { send }) {
      const at = kept.findIndex(({ id }) => id === last);
      const stream = kept[at]?.stream ?? "";
      // A message without a body only marked the place.
      for (const { id, message, ...event } of at < 0 ? [] : kept.slice(at + 1))
        if (event.stream === stream && Object.keys(message).length > 0) await send(id, message);
      return stream;
    },
  };
}
