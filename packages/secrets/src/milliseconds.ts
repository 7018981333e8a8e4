import type { Duration } from "@agent-keys/core";

const TEXT = /^(\d{1,6}(?:\.\d{1,3})?)(s|m)$/;
const DAY_SECONDS = 86_400;

/**
 * The milliseconds that a duration stands for.
 *
 * @throws TypeError naming the option, when it is no duration, not positive, or longer than a day.
 */
export function milliseconds(option: string, duration: Duration): number {
  const seconds = typeof duration === "string" ? parseText(duration) : duration;
  if (typeof seconds !== "number" || !(seconds > 0) || seconds > DAY_SECONDS) {
    throw new TypeError(`${option}: must be seconds, "30s" or "5m", at most a day`);
  }
  return seconds * 1000;
}

function parseText(text: string): number | undefined {
  const match = TEXT.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (match[2] === "m" ? 60 : 1);
}
