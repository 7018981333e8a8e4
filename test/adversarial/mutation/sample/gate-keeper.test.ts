import { expect, test } from "vitest";
import { countdown, mayEnter } from "./gate-keeper.ts";

// Weak on purpose, for the runner to be tried on: nobody of exactly 18 asks.
test.each([
  [17, false, false],
  [19, false, true],
  [19, true, false],
])("at %d, banned: %s", (age, banned, expected) => {
  expect(mayEnter(age, banned)).toBe(expected);
});

test("a countdown ends", () => {
  expect(countdown(3)).toBe(3);
});
