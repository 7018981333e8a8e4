import { setTimeout as elapsed } from "node:timers/promises";
import { type Clock, systemClock } from "../clock.ts";
import type { KeyFacts } from "../revocation.ts";
import { LEEWAY_SECONDS } from "../token/claims.ts";
import { expiringMap } from "./expiring-map.ts";
import { revocationIndex } from "./revocation-index.ts";
import type { Charge, KeyState, KeyView, ReserveRefusal, Store, UseCounter } from "./store.ts";

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
    async reserve(charges) {
      // First what no waiting changes: a use that is spent stays spent.
      const already = refusal(charges);
      if (already !== undefined) return already;
      if (!(await reached(charges, now))) return "unknown";
      // No await between the check and the change: that is what makes it atomic here.
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

/**
 * Whether this clock has come to when the keys were minted; by one that is ahead, that may take as long
 * as the leeway. A use before then would be lost in a restart: the key would be from after it.
 */
export async function reached(
  charges: readonly Charge[],
  now: Clock,
  wait: (ms: number) => Promise<unknown> = elapsed,
): Promise<boolean> {
  const mintedAtMs = charges.reduce((latest, charge) => Math.max(latest, charge.mintedAtMs), 0);
  const aheadMs = mintedAtMs - now();
  if (aheadMs > 0 && aheadMs <= LEEWAY_SECONDS * 1000) await wait(Math.ceil(aheadMs) + 1);
  return mintedAtMs <= now();
}

function keyId(iss: string, id: string): string {
  return JSON.stringify([iss, id]);
}
