import * as fc from "fast-check";
import { expect, test } from "vitest";
import { elapsedClock, steadyClock, systemClock } from "./clock.ts";

function setUp(wall: number): { wall: number; elapsed: number; now: () => number } {
  const time = { wall, elapsed: 0, now: () => 0 };
  time.now = steadyClock(
    () => time.wall,
    () => time.elapsed,
  );
  return time;
}

test("follows the wall clock forward", () => {
  const time = setUp(1_000);
  time.wall = 5_000;
  time.elapsed = 10;
  expect(time.now()).toBe(5_000);
});

test("a wall clock that is set back does not lengthen a key's life: time goes on at its own pace", () => {
  const time = setUp(1_000_000);
  time.wall = 0;
  expect(time.now()).toBe(1_000_000);
  time.elapsed = 700;
  expect(time.now()).toBe(1_000_700);
  time.wall = 500;
  time.elapsed = 1_200;
  expect(time.now()).toBe(1_001_200);
  time.wall = 2_000_000;
  expect(time.now()).toBe(2_000_000);
});

test("a clock that is set back before anybody asks is caught as well", () => {
  const time = setUp(1_000_000);
  time.wall = 10;
  time.elapsed = 3;
  expect(time.now()).toBe(1_000_003);
});

test("an elapsed clock that stands still or runs backwards takes nothing back", () => {
  const time = setUp(1_000);
  time.elapsed = 50;
  expect(time.now()).toBe(1_050);
  time.elapsed = 20;
  expect(time.now()).toBe(1_050);
  time.elapsed = 21;
  expect(time.now()).toBe(1_051);
});

test("never runs backwards, nor slower than time passes, whatever the wall clock does", () => {
  const step = fc.record({ wall: fc.integer({ min: -9_999, max: 9_999 }), elapsed: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const time = setUp(100_000);
      let last = time.now();
      for (const { wall, elapsed } of steps) {
        time.wall += wall;
        time.elapsed += elapsed;
        const now = time.now();
        expect(now).toBeGreaterThanOrEqual(last + elapsed);
        expect(now).toBeGreaterThanOrEqual(time.wall);
        last = now;
      }
    }),
    { numRuns: 500 },
  );
});

test("in a Worker, whose elapsed clock jumps from 0 to the date, tells the time and never runs backwards", () => {
  const worker = { wall: 1_800_000_000_000, elapsed: 0 };
  const now = steadyClock(
    () => worker.wall,
    elapsedClock({ timeOrigin: 0, now: () => worker.elapsed }),
  );
  worker.elapsed = worker.wall += 5;
  expect(now()).toBe(1_800_000_000_005);
  worker.elapsed = worker.wall -= 3;
  expect(now()).toBe(1_800_000_000_005);
});

test("the system's clock tells the time", () => {
  const before = Date.now();
  expect(systemClock()).toBeGreaterThanOrEqual(before);
  expect(systemClock() - before).toBeLessThan(60_000);
});
