import type { Clock } from "@agent-keys/core/enforce";

const MINUTE_MS = 60_000;

/**
 * How much an issuer may tell of in a minute. Of closed keys, since nobody knows whether there ever were
 * such, and each is kept for minutes; of revocations that come and go, since each is written down. Says
 * whether there is room for so many more in this minute; they are counted then.
 */
export function minuteBudget(
  perMinute: number,
  monotonicMs: Clock = () => performance.now(),
): (iss: string, count: number) => boolean {
  const told = new Map<string, { fromMs: number; count: number }>();
  return (iss, count) => {
    if (count === 0) return true;
    const nowMs = monotonicMs();
    const known = told.get(iss);
    const minute =
      known !== undefined && nowMs - known.fromMs < MINUTE_MS ? known : { fromMs: nowMs, count: 0 };
    told.set(iss, minute);
    if (minute.count + count > perMinute) return false;
    minute.count += count;
    return true;
  };
}
