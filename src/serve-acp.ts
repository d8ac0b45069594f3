/** Wires `crucible acp`. */
import type { Serving } from "./core/ports/serving.ts";
export async function serveAcp(_serving: Serving): Promise<void> {}
