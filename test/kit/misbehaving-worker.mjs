/** A worker that does what its input says: answers, falls silent, throws where nobody catches, or ends its thread. */
import { parentPort, threadId } from "node:worker_threads";

parentPort.on("message", ({ input }) => {
  const what = new TextDecoder().decode(input);
  if (what === "exit") process.exit(3);
  if (what === "throw") throw new Error("out of its mind");
  if (what === "problem") parentPort.postMessage({ problem: "cannot do that" });
  if (what === "thread") parentPort.postMessage({ value: [["thread", threadId]] });
});
