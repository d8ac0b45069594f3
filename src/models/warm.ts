/** Makes a server ready for a request that will follow: through the lane, so that it waits behind what a person asked. */
import { toFault } from "../base/error.ts";
import type { ModelRequest } from "../core/model.ts";
import type { Link } from "./exchange.ts";
import type { Lane } from "./lane.ts";
import { order } from "./probe.ts";

/** False where the server has no way to. Throws `CrucibleError`. */
export async function warm(
  { link, lane }: { readonly link: Link; readonly lane: Lane },
  request: ModelRequest,
  signal: AbortSignal,
): Promise<boolean> {
  const { wire, target, info, http, timeouts } = link;
  const body = wire.warm?.(request, link.quirks.get(), link.sentWindow);
  if (body === undefined) return false;
  const pass = await lane.enter("council", signal, () => undefined);
  try {
    await order({ http, timeouts, signal }, target, wire.url, { body: JSON.parse(body), model: info.ref.model });
    pass.end();
    return true;
  } catch (error) {
    pass.end(signal.aborted ? "aborted" : toFault(error).code);
    throw error;
  }
}
