import * as fc from "fast-check";
import { expect, test } from "vitest";
import { dropPassed, type SlidingLog, untilRoomMs } from "./sliding-log.ts";

const schedule = fc.record({
  limit: fc.integer({ min: 1, max: 5 }),
  windowMs: fc.integer({ min: 1, max: 50 }),
  gapsMs: fc.array(fc.nat({ max: 20 }), { maxLength: 100 }),
});

test("no span of the window's length ever holds more than the limit, and no room is refused", () => {
  fc.assert(
    fc.property(schedule, ({ limit, windowMs, gapsMs }) => {
      const log: SlidingLog = [];
      const admitted: number[] = [];
      let nowMs = 0;
      for (const gapMs of gapsMs) {
        nowMs += gapMs;
        const inWindow = admitted.filter((atMs) => atMs > nowMs - windowMs);
        dropPassed(log, windowMs, nowMs);
        expect(log).toEqual(inWindow);
        const waitMs = untilRoomMs(log, { limit, windowMs }, nowMs);
        expect(waitMs > 0).toBe(inWindow.length >= limit);
        // Who waits as long as told finds room; one millisecond less, none.
        const fits = (atMs: number) => admitted.filter((at) => at > atMs - windowMs).length < limit;
        expect(waitMs === 0 || (fits(nowMs + waitMs) && !fits(nowMs + waitMs - 1))).toBe(true);
        if (waitMs > 0) continue;
        log.push(nowMs);
        admitted.push(nowMs);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a time that is not a number drops nothing, and a lower limit than before waits for all above it", () => {
  const log = [0, 10, 20];
  dropPassed(log, 5, NaN);
  expect(log).toEqual([0, 10, 20]);
  expect(untilRoomMs(log, { limit: 2, windowMs: 100 }, 30)).toBe(80);
  expect(untilRoomMs(log, { limit: 3, windowMs: 100 }, 30)).toBe(70);
  expect(untilRoomMs(log, { limit: 4, windowMs: 100 }, 30)).toBe(0);
});
