/** Milliseconds since the epoch. */
export type Clock = () => number;

/**
 * The system's clock, but for one thing: it never runs backwards inside this process. When the
 * wall clock is set back, time goes on at its true pace from where it was, so that no key lives
 * longer than it was given.
 */
export function steadyClock(
  wallMs: Clock = Date.now,
  elapsedMs: Clock = () => performance.now(),
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

/** One clock for the whole process, so that no two parts of it disagree. */
export const systemClock: Clock = steadyClock();
