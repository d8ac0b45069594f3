/** Grants and leases: minted by the gate, known to the sandbox by one predicate, good for one use. */
import type { Grant, Lease } from "../core/grant.ts";

export interface Mint {
  grant(grant: Grant): Grant;
  lease(lease: Lease): Lease;
  /** True once for every object minted here that has not expired; a copy is never true. */
  verify(candidate: Grant | Lease): boolean;
}

/** `now` is wall time in milliseconds. */
export function createMint(now: () => number): Mint {
  const unused = new WeakSet<Grant>();
  const mint = <T extends Grant>(entry: T): T => {
    const frozen = Object.freeze({ ...entry });
    unused.add(frozen);
    return frozen;
  };
  return {
    grant: mint,
    lease: mint,
    verify: (candidate) => unused.delete(candidate) && candidate.expiresAt >= now(),
  };
}
