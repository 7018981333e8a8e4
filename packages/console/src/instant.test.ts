import { expect, test } from "vitest";
import { parseInstant } from "./instant.ts";

const NOW = Date.UTC(2026, 10, 23, 20, 0, 0);

test.each([
  ["30s", "2026-11-23T19:59:30.000Z"],
  ["10m", "2026-11-23T19:50:00.000Z"],
  ["1.5h", "2026-11-23T18:30:00.000Z"],
  ["1d", "2026-11-22T20:00:00.000Z"],
  ["2w", "2026-11-09T20:00:00.000Z"],
  ["2026-11-23", "2026-11-23T00:00:00.000Z"],
  ["2026-11-23T10:20", "2026-11-23T10:20:00.000Z"],
  ["2026-11-23 10:20:30", "2026-11-23T10:20:30.000Z"],
  ["2026-11-23T10:20:30.123Z", "2026-11-23T10:20:30.123Z"],
  ["2026-11-23t10:20:30z", "2026-11-23T10:20:30.000Z"],
  ["2026-11-23T10:20+02:00", "2026-11-23T08:20:00.000Z"],
  ["2026-11-23T10:20-0330", "2026-11-23T13:50:00.000Z"],
])("%s", (text, instant) => {
  expect(new Date(parseInstant(text, NOW)!).toISOString()).toBe(instant);
});

test.each([
  "",
  "10",
  "10 m",
  "-5m",
  "5y",
  "1e3s",
  "9".repeat(400),
  "yesterday",
  "2026-11",
  "2026-02-30T99:00",
  "2026-13-01",
  "10:20",
  "2026-11-23T10:20 and more",
])("%j is no moment", (text) => {
  expect(parseInstant(text, NOW)).toBeUndefined();
});

test("a time without a zone is UTC, wherever one is", () => {
  expect(parseInstant("2026-07-01T12:00", NOW)).toBe(Date.UTC(2026, 6, 1, 12));
});
