/** The program of a worker thread: takes one job at a time and posts its value or its problem. */
import { parentPort } from "node:worker_threads";
import type { JobKind, Jobs } from "../core/ports/workers.ts";
import { jobs } from "./jobs.ts";

type AnyJob = { [Kind in JobKind]: { readonly kind: Kind; readonly input: Jobs[Kind]["input"] } }[JobKind];

parentPort?.on("message", ({ kind, input }: AnyJob) => {
  const run = jobs[kind] as (input: unknown) => unknown;
  Promise.resolve(input)
    .then(run)
    .then((value) => parentPort?.postMessage({ value }))
    .catch((error: unknown) =>
      parentPort?.postMessage({ problem: error instanceof Error ? error.message : `${error}` }),
    );
});
