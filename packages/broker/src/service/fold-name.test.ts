import { expect, test } from "vitest";
import { fold, readings } from "./fold-name.ts";

test.each<[name: string, ...taken: string[]]>([
  ["a", "a"],
  ["a_b", "ab"],
  ["aB", "ab"],
  ["Own-Name", "ownname"],
  ["own.name_", "ownname"],
  ["  a b\u00a0", "ab"],
  ["a.b+c", "abc"],
  ["a\u200bb\u0000", "ab"],
  ["\uff41\uff3b\uff42", "a", "ab"],
  ["a[]", "a"],
  ["a[b]", "a"],
  ["a[b][c]", "a"],
  ["a b [c]", "ab"],
  // To PHP the first bracket that is never closed is an underscore, and so is each after it.
  ["a[b", "a", "ab"],
  ["ab[", "ab", "ab"],
  ["a[b[c", "a", "abc"],
  ["a[b[c]", "a"],
  ["a]b[c", "a]b", "a]bc"],
  ["[x]", ""],
  ["[x", "", "x", "_x"],
  // Nothing in front of it makes it another name to some, and the same to others.
  ["_method", "method", "_method"],
  [" .Method", "method", "_method"],
  ["__a_b", "ab", "_ab"],
  ["_a[b", "a", "_a", "ab", "_ab"],
  ["a]b", "a]b"],
])("%j may be taken for these, and for no others", (name, ...taken) => {
  expect(readings(name)).toEqual(taken);
  expect(fold(name)).toBe(taken[0]);
});
