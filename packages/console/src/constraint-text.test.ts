import type { RecordedConstraint } from "@agent-keys/core/audit";
import { expect, test } from "vitest";
import { constraintText, grantText } from "./constraint-text.ts";

test.each<[RecordedConstraint, string]>([
  ["C123", 'x = "C123"'],
  [7, "x = 7"],
  [false, "x = false"],
  [{ in: ["a", 2] }, 'x in "a", 2'],
  [{ in: [], optional: true }, "x no value or absent"],
  [{ min: 1, max: 5 }, "x 1 to 5"],
  [{ min: 1 }, "x at least 1"],
  [{ max: 5, optional: true }, "x at most 5 or absent"],
  [{ prefix: "docs/" }, 'x starts with "docs/"'],
  [{ suffix: ".md", maxLength: 20 }, 'x ends with ".md", at most 20 characters'],
  [{ any: true }, "x any value"],
  [{ redacted: "abc" }, "x redacted"],
])("%j", (constraint, text) => {
  expect(constraintText("x", constraint)).toBe(text);
});

test.each([
  [{ scope: "a:b" }, "a:b"],
  [{ scope: "a:b", uses: 1, expiresIn: 30 }, "a:b once; for 30s"],
  [
    { scope: "a:b", where: { x: 1, y: 2 }, only: true, uses: 3, expiresIn: "5m" },
    "a:b where x = 1 and y = 2; no other value; 3 times; for 5m",
  ],
  [{ scope: "a:b", only: true }, "a:b no value at all"],
])("%j", (grant, text) => {
  expect(grantText(grant)).toBe(text);
});
