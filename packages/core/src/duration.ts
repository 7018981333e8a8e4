/** Seconds as a number, or text such as `"10s"` or `"5m"`. */
export type Duration = number | `${number}s` | `${number}m`;

/** How long a key lives when nothing says otherwise, in seconds. */
export const DEFAULT_LIFE_SECONDS: number = 10;
/** The longest life any key may have, in seconds. */
export const MAX_LIFE_SECONDS: number = 15 * 60;

const TEXT = /^(\d{1,6}(?:\.\d{1,3})?)(s|m)$/;

/**
 * The seconds a duration stands for, or `undefined` when it is not a duration, not positive, or
 * longer than `maxSeconds`, {@link MAX_LIFE_SECONDS} by default.
 */
export function durationSeconds(
  duration: unknown,
  maxSeconds: number = MAX_LIFE_SECONDS,
): number | undefined {
  const seconds = typeof duration === "string" ? parseText(duration) : duration;
  if (typeof seconds !== "number" || !(seconds > 0) || seconds > maxSeconds) return undefined;
  return seconds;
}

function parseText(text: string): number | undefined {
  const match = TEXT.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (match[2] === "m" ? 60 : 1);
}
