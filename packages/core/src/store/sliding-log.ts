/** When the uses of a window were, in milliseconds, oldest first. */
export type SlidingLog = number[];

/** Drops what no longer counts: a use counts until exactly `windowMs` have passed since. */
export function dropPassed(log: SlidingLog, windowMs: number, nowMs: number): void {
  // Asked this way round so that a time which is not a number drops nothing.
  const first = log.findIndex((atMs) => !(nowMs - atMs >= windowMs));
  log.splice(0, first === -1 ? log.length : first);
}

/** How long until one more use fits, in milliseconds: 0 when it fits now. Nothing passed is in the log. */
export function untilRoomMs(
  log: readonly number[],
  { limit, windowMs }: { readonly limit: number; readonly windowMs: number },
  nowMs: number,
): number {
  // The one that has to pass before fewer than `limit` are left.
  const leaving = log[log.length - limit];
  return leaving === undefined ? 0 : leaving + windowMs - nowMs;
}
