import { type Clock, systemClock } from "../clock.ts";
import type { KeyFacts } from "../revocation.ts";
import { expiringMap } from "./expiring-map.ts";
import { memoryUseCounter } from "./memory-use-counter.ts";
import { revocationIndex } from "./revocation-index.ts";
import type { KeyState, KeyView, Store } from "./store.ts";

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
  const revocations = revocationIndex(now);

  const wasClosed = ({ iss, ids }: KeyFacts): boolean =>
    ids.some((id) => closed.get(keyId(iss, id)) === true);

  return {
    close: ({ iss, id, expiresAtMs }) => closed.set(keyId(iss, id), true, expiresAtMs),
    revoke: (revocation) => revocations.add(revocation),
    restore: (selector, iss) => (revocations.remove(selector, iss) ? 1 : 0),
    revocations: () => revocations.all(),
    stateOf(facts): KeyState {
      if (revocations.stops(facts)) return "revoked";
      return wasClosed(facts) ? "closed" : "live";
    },
  };
}

function keyId(iss: string, id: string): string {
  return JSON.stringify([iss, id]);
}
