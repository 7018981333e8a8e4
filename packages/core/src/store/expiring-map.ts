import type { Clock } from "../clock.ts";

/** How long after a key's expiry its state is kept, so that no clock in leeway outlives it. */
const KEEP_AFTER_EXPIRY_MS = 5 * 60 * 1000;

/** What is kept of keys, for as long as they may live. */
export interface ExpiringMap<T> {
  get(name: string): T | undefined;
  /** Written again, it is kept for the longest that was ever asked for it. */
  set(name: string, value: T, expiresAtMs: number): void;
  delete(name: string): boolean;
  values(): readonly T[];
  /** How many are kept, expired or not. */
  readonly size: number;
}

/** A map that drops what has expired from its front whenever it is written to. */
export function expiringMap<T>(now: Clock): ExpiringMap<T> {
  const entries = new Map<string, { value: T; dropAtMs: number }>();
  return {
    get: (name) => entries.get(name)?.value,
    set(name, value, expiresAtMs) {
      // No key outlives the cap, so neither does what a longer life in front shields from this.
      for (const [oldest, { dropAtMs }] of entries) {
        if (dropAtMs > now()) break;
        entries.delete(oldest);
      }
      const keptUntilMs = entries.get(name)?.dropAtMs ?? -Infinity;
      const dropAtMs = Math.max(keptUntilMs, expiresAtMs + KEEP_AFTER_EXPIRY_MS);
      entries.set(name, { value, dropAtMs });
    },
    delete: (name) => entries.delete(name),
    values: () => [...entries.values()].map(({ value }) => value),
    get size() {
      return entries.size;
    },
  };
}
