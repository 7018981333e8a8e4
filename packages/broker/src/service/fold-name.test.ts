import { expect, test } from "vitest";
import { fold, readings } from "./fold-name.ts";

test.each<[name: string, ...taken: string[]]>([
  ["a", "a"],
  ["Own-Name", "own_name"],
  ["  a b\u00a0", "a_b"],
  ["a.b+c", "a_b_c"],
  ["a\u200bb\u0000", "ab"],
  ["\uff41\uff3b\uff42", "a", "a_b"],
  ["a[]", "a"],
  ["a[b]", "a"],
  ["a[b][c]", "a"],
  ["a b [c]", "a_b"],
  // To PHP the first bracket that is never closed is an underscore, and so is each after it.
  ["a[b", "a", "a_b"],
  ["ab[", "ab", "ab_"],
  ["a[b[c", "a", "a_b_c"],
  ["a[b[c]", "a"],
  ["a]b[c", "a]b", "a]b_c"],
  ["[x]", ""],
  ["[x", "", "_x"],
  ["a]b", "a]b"],
])("%j may be taken for these, and for no others", (name, ...taken) => {
  expect(readings(name)).toEqual(taken);
  expect(fold(name)).toBe(taken[0]);
});
