/** Milliseconds since the epoch. */
export type Clock = () => number;

/**
 * The system's clock, but for one thing: it never runs backwards inside this process. When the
 * wall clock is set back, time goes on at its true pace from where it was, so that no key lives
 * longer than it was given.
 */
export function steadyClock(
  wallMs: Clock = Date.now,
  elapsedMs: Clock = elapsedClock(performance),
): Clock {
  let latest = wallMs();
  let latestElapsed = elapsedMs();
  return () => {
    const elapsed = elapsedMs();
    latest = Math.max(wallMs(), latest + Math.max(0, elapsed - latestElapsed));
    latestElapsed = elapsed;
    return latest;
  };
}

/**
 * The time since a moment that the wall clock does not move. Cloudflare Workers have none: there
 * `performance.now()` is the date once more (its origin is 1970), and 0 while modules load, so that
 * adding what it gained since would date every key to 2083.
 */
export function elapsedClock(performance: { now(): number; readonly timeOrigin: number }): Clock {
  return performance.timeOrigin === 0 ? () => 0 : () => performance.now();
}

/** One clock for the whole process, so that no two parts of it disagree. */
export const systemClock: Clock = steadyClock();
