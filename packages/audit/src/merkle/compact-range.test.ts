import { expect, test } from "vitest";
import { someLeaves } from "../../test/trees.ts";
import { compactRange } from "./compact-range.ts";
import { EMPTY_ROOT, nodeHash } from "./hashing.ts";

const { hashes } = someLeaves(9);
const at = (index: number): Buffer => hashes[index]!;
const levels = ({ subtrees }: ReturnType<typeof compactRange>): readonly number[] =>
  subtrees.map(({ level }) => level);

test("leaves are put together as far as they are whole subtrees of the whole tree", () => {
  const whole = compactRange();
  const middle = compactRange(3);
  expect([whole.begin, whole.end, middle.begin, middle.end]).toEqual([0, 0, 3, 3]);
  const seen = hashes.slice(0, 6).map((hash, index) => {
    whole.append(hash);
    middle.append(hashes[index + 3]!);
    return [levels(whole), levels(middle)];
  });
  expect(seen).toEqual([
    [[0], [0]],
    [[1], [0, 0]],
    [
      [1, 0],
      [0, 1],
    ],
    [[2], [0, 1, 0]],
    [
      [2, 0],
      [0, 2],
    ],
    [
      [2, 1],
      [0, 2, 0],
    ],
  ]);
  expect([whole.end, middle.end]).toEqual([6, 9]);
});

test("a whole subtree is taken where one may begin, and counts as its leaves", () => {
  const range = compactRange();
  range.append(nodeHash(at(0), at(1)), 1);
  expect(() => range.append(at(2), 2)).toThrow(RangeError);
  range.append(nodeHash(at(2), at(3)), 1);
  expect([range.end, levels(range)]).toEqual([4, [2]]);
  const root = nodeHash(nodeHash(at(0), at(1)), nodeHash(at(2), at(3)));
  expect(range.root()).toEqual(root);
  range.append(at(4));
  expect(range.root()).toEqual(nodeHash(root, at(4)));
  expect(() => range.append(at(5), 1)).toThrow(RangeError);
  expect(range.end).toBe(5);
});

test("only what is a tree, or a subtree of one, has a root", () => {
  expect(compactRange().root()).toEqual(EMPTY_ROOT);
  const range = compactRange(2);
  range.append(at(2));
  expect(range.root()).toEqual(at(2));
  range.append(at(3));
  expect(range.root()).toEqual(nodeHash(at(2), at(3)));
  range.append(at(4));
  expect(() => range.root()).toThrow(RangeError);
  const odd = compactRange(3);
  odd.append(at(3));
  expect(odd.root()).toEqual(at(3));
  const ends = compactRange(4);
  for (const index of [4, 5, 6]) ends.append(at(index));
  expect(ends.root()).toEqual(nodeHash(nodeHash(at(4), at(5)), at(6)));
});
