import type { Clock } from "../clock.ts";
import { MAX_LIFE_SECONDS } from "../duration.ts";
import type { KeyFacts, Revocation, RevocationSelector } from "../revocation.ts";
import { LEEWAY_SECONDS } from "../token/claims.ts";
import { expiringMap } from "./expiring-map.ts";

/** The revocations that stand, so kept that a check costs the same however many there are. */
export interface RevocationIndex {
  add(revocation: Revocation): void;
  /** Whether one stood. */
  remove(selector: RevocationSelector, iss: string | undefined): boolean;
  all(): readonly Revocation[];
  /** Whether one of them stops a key: what `isRevokedBy` says of each. */
  stops(facts: KeyFacts): boolean;
}

const LONGEST_LIFE_MS = (MAX_LIFE_SECONDS + LEEWAY_SECONDS) * 1000;

/** All are kept until removed, but for those by `id`: until no key of that id can live any more. */
export function revocationIndex(now: Clock): RevocationIndex {
  const byId = expiringMap<Revocation>(now);
  const byName = new Map<string, Revocation>();
  // Patterns are looked up too, by the few names of all that could cover a scope: tried one by one, those
  // of one issuer would hold up the keys of every other.
  let scopes = 0;

  const isScope = (selector: RevocationSelector): number => ("scope" in selector ? 1 : 0);

  return {
    add(revocation) {
      const { selector, iss, atMs } = revocation;
      const entry = entryOf(iss, selector);
      if ("id" in selector) {
        byId.set(entry, revocation, Math.max(atMs, now()) + LONGEST_LIFE_MS);
      } else {
        if (!byName.has(entry)) scopes += isScope(selector);
        byName.set(entry, revocation);
      }
    },
    remove(selector, iss) {
      const removed = ("id" in selector ? byId : byName).delete(entryOf(iss, selector));
      if (removed) scopes -= isScope(selector);
      return removed;
    },
    all: () => [...byId.values(), ...byName.values()],
    stops(facts) {
      // Nearly always: every mint and every verify asks, and making the names below is not free.
      if (byId.size + byName.size === 0) return false;
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
        (scopes > 0 &&
          facts.scopes.some((one) => patternsOver(one).some((scope) => either({ scope }))))
      );
    },
  };
}

/** Every pattern that covers a scope: itself, and each that ends at one of its separators. */
function patternsOver(scope: string): readonly string[] {
  const patterns = [scope];
  for (let at = 0; at < scope.length - 1; at += 1) {
    if (scope[at] === ":" || scope[at] === ".") patterns.push(`${scope.slice(0, at + 1)}*`);
  }
  return patterns;
}

function entryOf(iss: string | undefined, selector: RevocationSelector): string {
  return JSON.stringify([iss ?? null, Object.entries(selector)]);
}
