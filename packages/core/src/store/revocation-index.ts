import type { Clock } from "../clock.ts";
import { MAX_LIFE_SECONDS } from "../duration.ts";
import {
  isRevokedBy,
  type KeyFacts,
  type Revocation,
  type RevocationSelector,
} from "../revocation.ts";
import { LEEWAY_SECONDS } from "../token/claims.ts";
import { expiringMap } from "./expiring-map.ts";

/** The revocations that stand, so kept that a check costs the same however many there are. */
export interface RevocationIndex {
  add(revocation: Revocation): void;
  /** Whether one stood. */
  remove(selector: RevocationSelector, iss: string | undefined): boolean;
  all(): readonly Revocation[];
  /** Whether one of them stops a key: what {@link isRevokedBy} says of each. */
  stops(facts: KeyFacts): boolean;
}

const LONGEST_LIFE_MS = (MAX_LIFE_SECONDS + LEEWAY_SECONDS) * 1000;

/** All are kept until removed, but for those by `id`: until no key of that id can live any more. */
export function revocationIndex(now: Clock): RevocationIndex {
  const byId = expiringMap<Revocation>(now);
  const byName = new Map<string, Revocation>();
  // Each has to be tried, but only so many patterns are ever written.
  const byScope = new Map<string, Revocation>();

  const mapOf = (selector: RevocationSelector): Pick<typeof byScope, "delete"> => {
    if ("id" in selector) return byId;
    return "scope" in selector ? byScope : byName;
  };

  return {
    add(revocation) {
      const { selector, iss, atMs } = revocation;
      const entry = entryOf(iss, selector);
      if ("id" in selector) byId.set(entry, revocation, Math.max(atMs, now()) + LONGEST_LIFE_MS);
      else if ("scope" in selector) byScope.set(entry, revocation);
      else byName.set(entry, revocation);
    },
    remove: (selector, iss) => mapOf(selector).delete(entryOf(iss, selector)),
    all: () => [...byId.values(), ...byName.values(), ...byScope.values()],
    stops(facts) {
      // Nearly always: every mint and every verify asks, and making the names below is not free.
      if (byId.size + byName.size + byScope.size === 0) return false;
      const either = (
        selector: RevocationSelector,
        has: (entry: string) => boolean = (entry) => byName.has(entry),
      ): boolean => has(entryOf(facts.iss, selector)) || has(entryOf(undefined, selector));
      const { iss, user, txn } = facts;
      return (
        facts.ids.some((id) => either({ id }, (entry) => byId.get(entry) !== undefined)) ||
        facts.agents.some((agent) => either({ agent })) ||
        facts.kids.some((kid) => either({ kid })) ||
        (user !== undefined && either({ user })) ||
        (txn !== undefined && either({ txn })) ||
        either({ issuer: iss }) ||
        either({ all: true }) ||
        [...byScope.values()].some((revocation) => isRevokedBy(facts, revocation))
      );
    },
  };
}

function entryOf(iss: string | undefined, selector: RevocationSelector): string {
  return JSON.stringify([iss ?? null, Object.entries(selector)]);
}
