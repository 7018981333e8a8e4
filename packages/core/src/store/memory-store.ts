import { type Clock, systemClock } from "../clock.ts";
import { isRevokedBy, type KeyFacts, type Revocation, sameSelector } from "../revocation.ts";
import type { Charge, KeyState, KeyView, ReserveRefusal, Store, UseCounter } from "./store.ts";

/** How long after a key's expiry its state is kept, so that no clock in leeway outlives it. */
const KEEP_AFTER_EXPIRY_MS = 5 * 60 * 1000;

/**
 * The default store: this process's memory. A restart forgets everything, so keys with a use limit
 * from before it are refused.
 *
 * @param options - `now`: milliseconds since the epoch; the steady system clock by default.
 */
export function memoryStore({ now = systemClock }: { now?: Clock } = {}): Store {
  return { keys: memoryKeyView(now), uses: memoryUseCounter(now) };
}

function memoryKeyView(now: Clock): KeyView {
  const closed = expiringMap<true>(now);
  let revocations: readonly Revocation[] = [];

  const wasClosed = ({ iss, ids }: KeyFacts): boolean =>
    ids.some((id) => closed.get(keyId(iss, id)) === true);

  return {
    close: ({ iss, id, expiresAtMs }) => closed.set(keyId(iss, id), true, expiresAtMs),
    revoke(revocation) {
      revocations = [
        ...revocations.filter((standing) => !isSame(standing, revocation)),
        revocation,
      ];
    },
    restore(selector, iss) {
      const before = revocations.length;
      revocations = revocations.filter(
        (standing) => standing.iss !== iss || !sameSelector(standing.selector, selector),
      );
      return before - revocations.length;
    },
    revocations: () => revocations,
    stateOf(facts): KeyState {
      if (revocations.some((revocation) => isRevokedBy(facts, revocation))) return "revoked";
      return wasClosed(facts) ? "closed" : "live";
    },
  };
}

function memoryUseCounter(now: Clock): UseCounter {
  // Whole milliseconds, as in `iat`.
  const epochMs = Math.floor(now());
  const spent = expiringMap<number>(now);

  const refusal = (charges: readonly Charge[]): ReserveRefusal | undefined => {
    if (charges.some((charge) => charge.mintedAtMs < epochMs)) return "unknown";
    const full = charges.some((charge) => (spent.get(charge.id) ?? 0) >= charge.limit);
    return full ? "used_up" : undefined;
  };
  const add = (charges: readonly Charge[], uses: number): void => {
    for (const { id, expiresAtMs } of charges) {
      spent.set(id, (spent.get(id) ?? 0) + uses, expiresAtMs);
    }
  };

  return {
    // No await between the check and the change: that is what makes it atomic here.
    async reserve(charges) {
      const refused = refusal(charges);
      if (refused !== undefined) return refused;
      add(charges, 1);
      let settled = false;
      const settle = (uses: number): void => {
        if (!settled && uses !== 0) add(charges, uses);
        settled = true;
      };
      return { commit: async () => settle(0), release: async () => settle(-1) };
    },
    peek: async (charges) => refusal(charges) ?? "available",
  };
}

function keyId(iss: string, id: string): string {
  return JSON.stringify([iss, id]);
}

function isSame(a: Revocation, b: Revocation): boolean {
  return a.iss === b.iss && sameSelector(a.selector, b.selector);
}

interface ExpiringMap<T> {
  get(key: string): T | undefined;
  set(key: string, value: T, expiresAtMs: number): void;
}

/**
 * A map that drops what has expired from its front whenever it is written to. What is written again
 * is kept for the longest that was ever asked for it.
 */
function expiringMap<T>(now: Clock): ExpiringMap<T> {
  const entries = new Map<string, { value: T; dropAtMs: number }>();
  return {
    get: (key) => entries.get(key)?.value,
    set(key, value, expiresAtMs) {
      // No key outlives the cap, so neither does what a longer life in front shields from this.
      for (const [oldest, { dropAtMs }] of entries) {
        if (dropAtMs > now()) break;
        entries.delete(oldest);
      }
      const keptUntilMs = entries.get(key)?.dropAtMs ?? -Infinity;
      const dropAtMs = Math.max(keptUntilMs, expiresAtMs + KEEP_AFTER_EXPIRY_MS);
      entries.set(key, { value, dropAtMs });
    },
  };
}
