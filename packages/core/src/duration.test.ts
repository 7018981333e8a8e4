import { expect, test } from "vitest";
import { DEFAULT_LIFE_SECONDS, durationSeconds, MAX_LIFE_SECONDS } from "./duration.ts";

test.each([
  [1, 1],
  [0.5, 0.5],
  [900, 900],
  ["1s", 1],
  ["10s", 10],
  ["0.5s", 0.5],
  ["1.25m", 75],
  ["5m", 300],
  ["15m", 900],
  ["900s", 900],
  ["007s", 7],
  ["0.001s", 0.001],
])("%j is %d seconds", (duration, seconds) => {
  expect(durationSeconds(duration)).toBe(seconds);
});

test.each([
  0,
  -0,
  -1,
  900.001,
  Number.NaN,
  Infinity,
  -Infinity,
  1n,
  "",
  "s",
  "0s",
  "0.0s",
  "-1s",
  "+1s",
  "1",
  "1h",
  "1ms",
  "1S",
  "1M",
  " 1s",
  "1s ",
  "1s\n",
  "1 s",
  "1.s",
  ".5s",
  "1e2s",
  "0x1s",
  "Infinitys",
  "１s",
  "1.2345s",
  "901s",
  "15.001m",
  "16m",
  "9999999s",
  "1".repeat(1_000_000),
  undefined,
  null,
  true,
  [],
  ["1s"],
  {},
  Object(1),
  { valueOf: () => 1 },
  new Date(1),
])("%.20j is no duration", (duration) => {
  expect(durationSeconds(duration)).toBeUndefined();
});

test("the default is within the cap", () => {
  expect(durationSeconds(DEFAULT_LIFE_SECONDS)).toBe(10);
  expect(durationSeconds(MAX_LIFE_SECONDS)).toBe(900);
});

test("text holds at most six digits, and three after the point", () => {
  expect(durationSeconds("999999s", Infinity)).toBe(999_999);
  expect(durationSeconds("1000000s", Infinity)).toBeUndefined();
  expect(durationSeconds("0.125s")).toBe(0.125);
  expect(durationSeconds("0.1250s")).toBeUndefined();
});
