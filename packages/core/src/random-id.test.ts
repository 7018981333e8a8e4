import { expect, test } from "vitest";
import { randomId } from "./random-id.ts";

test("ids are 128 bits as base64url, unlike each other, and never begin as a flag does", () => {
  const ids = Array.from({ length: 5_000 }, () => randomId());
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{20}[AQgw]$/);
  expect(new Set(ids).size).toBe(ids.length);
});

test("every bit but those of the first character is as often set as not", () => {
  const ones = Array.from({ length: 128 }, () => 0);
  const draws = 4_000;
  for (let draw = 0; draw < draws; draw += 1) {
    const bytes = Buffer.from(randomId(), "base64url");
    for (let bit = 0; bit < 128; bit += 1) {
      ones[bit]! += (bytes[bit >> 3]! >> (7 - (bit & 7))) & 1;
    }
  }
  // Ten standard deviations: it fails when a bit is stuck, and not by chance.
  for (const count of ones.slice(6)) expect(Math.abs(count - draws / 2)).toBeLessThan(320);
});
