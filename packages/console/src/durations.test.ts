import * as fc from "fast-check";
import { expect, test } from "vitest";
import { durations } from "./durations.ts";

test("none have no percentile, and one is every one", () => {
  const all = durations();
  expect(all.percentile(50)).toBeNull();
  all.add(7.5);
  expect([1, 50, 100].map((percent) => all.percentile(percent))).toEqual([7.5, 7.5, 7.5]);
});

test("a percentile is one that occurred, and within 1% of the exact one", () => {
  const ms = fc.oneof(fc.nat(900_000), fc.double({ min: 0, max: 900_000, noNaN: true }));
  const list = fc.array(ms, { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(list, fc.integer({ min: 1, max: 100 }), (values, percent) => {
      const all = durations();
      for (const value of values) all.add(value);
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN;
      const told = all.percentile(percent) ?? Number.NaN;
      expect(values).toContain(told);
      expect(told).toBeGreaterThanOrEqual(exact);
      expect(told).toBeLessThanOrEqual(exact * 1.0101);
    }),
    { numRuns: 2_000 },
  );
});

test("whole numbers up to a hundred are told exactly", () => {
  const all = durations();
  for (let ms = 100; ms >= 0; ms -= 1) all.add(ms);
  expect([50, 95, 100].map((percent) => all.percentile(percent))).toEqual([50, 95, 100]);
});
