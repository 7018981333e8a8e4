import { setTimeout as elapsed } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import { LEEWAY_SECONDS } from "../token/claims.ts";
import { expiringMap } from "./expiring-map.ts";
import { dropPassed, type SlidingLog, untilRoomMs } from "./sliding-log.ts";
import type {
  Charge,
  IntentCharge,
  ReserveRefusal,
  UseCounter,
  UsesCharge,
  WindowCharge,
} from "./store.ts";

/** Counts in this process's memory. Its epoch is when it is made. */
export function memoryUseCounter(now: Clock): UseCounter {
  // Whole milliseconds, as in `iat`.
  const epochMs = Math.floor(now());
  const spent = expiringMap<number>(now);
  const windows = expiringMap<SlidingLog>(now);
  // Each with who set it, so that one that expired is never settled for its successor.
  const intents = expiringMap<{ readonly expiresAtMs: number; readonly by: object }>(now);

  let latestMs = -Infinity;
  // What was dropped from a window must not fit in again because the clock was set back.
  const storeNow = (): number => (latestMs = Math.max(latestMs, now()));

  const isOutstanding = ({ id }: IntentCharge, nowMs: number): boolean =>
    nowMs < (intents.get(id)?.expiresAtMs ?? -Infinity);
  const roomAfterMs = (charge: WindowCharge, nowMs: number): number => {
    const log = windows.get(charge.id) ?? [];
    dropPassed(log, charge.windowMs, nowMs);
    return untilRoomMs(log, charge, nowMs);
  };
  const isSpent = ({ id, limit }: UsesCharge): boolean => (spent.get(id) ?? 0) >= limit;

  const refusal = (charges: readonly Charge[], nowMs: number): ReserveRefusal | undefined => {
    if (charges.some((one) => one.kind === "intent" && isOutstanding(one, nowMs))) return "unknown";
    if (charges.some((one) => one.kind === "uses" && one.mintedAtMs < epochMs)) return "unknown";
    if (charges.some((one) => one.kind === "uses" && isSpent(one))) return "used_up";
    const waitsMs = charges.map((one) => (one.kind === "window" ? roomAfterMs(one, nowMs) : 0));
    const retryAfterMs = Math.max(0, ...waitsMs);
    return retryAfterMs > 0 ? { refusal: "too_many", retryAfterMs } : undefined;
  };

  const take = (charge: Charge, by: object, nowMs: number): void => {
    const { id } = charge;
    if (charge.kind === "uses") spent.set(id, (spent.get(id) ?? 0) + 1, charge.expiresAtMs);
    else if (charge.kind === "intent") {
      intents.set(id, { expiresAtMs: charge.expiresAtMs, by }, charge.expiresAtMs);
    } else {
      const log = windows.get(id) ?? [];
      log.push(nowMs);
      // Anew: one that is used all the time must not shield from being dropped what came after it.
      windows.delete(id);
      windows.set(id, log, nowMs + charge.windowMs);
    }
  };

  const giveBack = (charge: Charge, takenAtMs: number): void => {
    const { id } = charge;
    if (charge.kind === "uses") {
      const count = spent.get(id);
      if (count !== undefined) spent.set(id, count - 1, charge.expiresAtMs);
    } else if (charge.kind === "window") {
      const log = windows.get(id) ?? [];
      const at = log.indexOf(takenAtMs);
      // Not there any more: it has passed.
      if (at !== -1) log.splice(at, 1);
    }
  };

  return {
    async reserve(charges) {
      // First what no waiting changes: a use that is spent stays spent.
      const already = refusal(charges, storeNow());
      if (already !== undefined) return already;
      if (!(await reached(charges, now))) return "unknown";
      // No await between the check and the change: that is what makes it atomic here.
      const nowMs = storeNow();
      const refused = refusal(charges, nowMs);
      if (refused !== undefined) return refused;
      const by = {};
      for (const charge of charges) take(charge, by, nowMs);
      let settled = false;
      const settle = (happened: boolean): void => {
        if (settled) return;
        settled = true;
        for (const charge of charges) {
          if (!happened) giveBack(charge, nowMs);
          if (intents.get(charge.id)?.by === by) intents.delete(charge.id);
        }
      };
      return { commit: async () => settle(true), release: async () => settle(false) };
    },
    peek: async (charges) => refusal(charges, storeNow()) ?? "available",
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
  const mintedAtMs = charges.reduce(
    (latest, one) => (one.kind === "uses" ? Math.max(latest, one.mintedAtMs) : latest),
    0,
  );
  const aheadMs = mintedAtMs - now();
  if (aheadMs > 0 && aheadMs <= LEEWAY_SECONDS * 1000) await wait(Math.ceil(aheadMs) + 1);
  return mintedAtMs <= now();
}
