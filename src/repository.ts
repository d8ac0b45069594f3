/** Wires what is known of a repository: its cache and the workers that parse, both loaded by the first question. */
import { availableParallelism } from "node:os";
import { systemClock } from "./base/clock.ts";
import { sha256 } from "./base/hash.ts";
import type { Repository } from "./cache/repository.ts";
import type { RepositoryHands, TreeHands } from "./core/ports/hands.ts";
import type { Workers } from "./core/ports/workers.ts";
import { grammarsInMemory } from "./grammars.ts";
import type { House } from "./house.ts";

export interface SessionRepository {
  hands(tree: TreeHands): RepositoryHands;
  close(): Promise<void>;
}

/** One cache for each workspace; with `persist` it lies in the data folder. */
export function repositoryOf({ config, workspace }: House, persist: boolean): SessionRepository {
  let pool: Promise<Workers> | undefined;
  let repository: Promise<Repository> | undefined;
  const startPool = async () => {
    const { createPool } = await import("./workers/pool.ts");
    return createPool({ size: poolSize(availableParallelism()) });
  };
  const open = async () => {
    const { createRepository } = await import("./cache/repository.ts");
    return createRepository({
      folder: persist ? `${config.places.data}/repositories/${sha256(workspace).slice(0, 16)}` : undefined,
      workers: () => {
        pool ??= startPool();
        return pool;
      },
      grammars: grammarsInMemory(),
      now: () => systemClock.now(),
    });
  };
  return {
    hands: (tree) => ({
      map: async (query, signal) => {
        repository ??= open();
        return (await repository).hands(tree).map(query, signal);
      },
    }),
    async close() {
      await (await pool)?.close();
      (await repository)?.close();
    },
  };
}

/** One core is left to the rest of the machine, unless there are only two: then parsing would take twice as long. */
export function poolSize(cores: number): number {
  return cores <= 2 ? cores : cores - 1;
}
