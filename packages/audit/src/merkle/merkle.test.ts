import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  sigstoreIncludes,
  transmuteConsistent,
  transmuteIncludes,
  transmuteRoot,
} from "../../test/not-ours.ts";
import { someLeaves, subtreeOf } from "../../test/trees.ts";
import { compactRange } from "./compact-range.ts";
import { EMPTY_ROOT, leafHash, nodeHash } from "./hashing.ts";
import { consistencyRanges, inclusionRanges } from "./proofs.ts";
import { verifyConsistency, verifyInclusion } from "./verify-proofs.ts";

const { leaves, hashes } = someLeaves(300);

/** RFC 9162 §2.1.1, word for word. */
function treeHead(entries: readonly Buffer[]): Buffer {
  const [first] = entries;
  if (first === undefined) return EMPTY_ROOT;
  if (entries.length === 1) return leafHash(first);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return nodeHash(treeHead(entries.slice(0, k)), treeHead(entries.slice(k)));
}

const roots = Array.from({ length: 301 }, (_, size) => subtreeOf(hashes, [0, size]));
const inclusion = (index: number, size: number): Buffer[] =>
  inclusionRanges(index, size).map((range) => subtreeOf(hashes, range));
const consistency = (first: number, second: number): Buffer[] =>
  consistencyRanges(first, second).map((range) => subtreeOf(hashes, range));
const root = (size: number): Buffer => roots[size]!;

describe("a compact range", () => {
  test("has the root of RFC 9162 at every size, and of another implementation", async () => {
    for (let size = 0; size <= 300; size += 1) {
      expect(root(size)).toEqual(treeHead(leaves.slice(0, size)));
    }
    for (const size of [1, 2, 3, 7, 8, 9, 100, 255, 256, 257]) {
      expect(root(size)).toEqual(await transmuteRoot(leaves.slice(0, size)));
    }
  });

  test("keeps no more than a subtree for each bit of its size", () => {
    const range = compactRange();
    for (const hash of hashes) {
      range.append(hash);
      const ones = range.end.toString(2).replaceAll("0", "").length;
      expect(range.subtrees).toHaveLength(ones);
    }
  });

  test("is the same however it is cut and put together again", () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 12 });
    fc.assert(
      fc.property(cuts, (some) => {
        const whole = compactRange();
        let begin = 0;
        for (const end of [...some.toSorted((a, b) => a - b), 300]) {
          const part = compactRange(begin);
          for (const hash of hashes.slice(begin, end)) part.append(hash);
          expect(part.subtrees.length).toBeLessThanOrEqual(
            2 * Math.ceil(Math.log2(end - begin + 1)),
          );
          for (const { hash, level } of part.subtrees) whole.append(hash, level);
          begin = end;
        }
        expect([whole.end, whole.root()]).toEqual([300, root(300)]);
      }),
    );
  });

  test("is refused a subtree that cannot begin where it ends, and has no root of what is none", () => {
    const range = compactRange(3);
    expect([range.begin, range.end]).toEqual([3, 3]);
    expect(() => range.append(root(2), 1)).toThrow(RangeError);
    range.append(leafHash(leaves[3]!));
    range.append(leafHash(leaves[4]!));
    expect(() => range.root()).toThrow(RangeError);
  });
});

describe("an inclusion proof", () => {
  test("holds for every leaf of every tree, by two implementations that are not ours", async () => {
    for (const size of [...Array.from({ length: 66 }, (_, i) => i + 1), 100, 128, 129, 300]) {
      for (let index = 0; index < size; index += 1) {
        const proof = inclusion(index, size);
        const claim = { index, size, root: root(size), proof };
        const leaf = leaves[index]!;
        const hash = hashes[index]!;
        expect(verifyInclusion({ ...claim, leaf: hash }), `${index} of ${size}`).toBe(true);
        expect(sigstoreIncludes({ ...claim, leaf }), `${index} of ${size}`).toBe(true);
        const isFew = size <= 34;
        expect(isFew ? await transmuteIncludes({ ...claim, leafHash: hash }) : true).toBe(true);
      }
    }
  });

  test("holds for nothing else, and sigstore says the same", () => {
    fc.assert(
      fc.property(
        fc.record({
          size: fc.integer({ min: 1, max: 300 }),
          at: fc.double({ min: 0, max: 0.999, noNaN: true }),
          claimed: fc.integer({ min: 0, max: 310 }),
          claimedSize: fc.integer({ min: 0, max: 310 }),
          change: fc.constantFrom("index", "size", "leaf", "root", "bit", "drop", "add", "swap"),
          bit: fc.nat(),
        }),
        ({ size, at, claimed, claimedSize, change, bit }) => {
          const index = Math.floor(at * size);
          const proof = inclusion(index, size);
          const right = { index, size, leaf: leaves[index]!, root: root(size), proof };
          const wrong = changed(right, change, { claimed, claimedSize, bit });
          const holds = verifyInclusion({ ...wrong, leaf: leafHash(wrong.leaf) });
          expect(sigstoreIncludes(wrong)).toBe(holds);
          // A path of an index can be one of another size too: the root is that of the right one only.
          expect(holds && change !== "size" && isDifferent(right, wrong)).toBe(false);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("of numbers that count nothing does not hold, and cannot be made", () => {
    const claim = { index: 0, size: 1, leaf: hashes[0]!, root: root(1), proof: [] };
    expect(verifyInclusion(claim)).toBe(true);
    for (const index of [-1, 0.5, NaN, 1, 2 ** 53]) {
      expect(verifyInclusion({ ...claim, index })).toBe(false);
      expect(() => inclusionRanges(index, 1)).toThrow(RangeError);
    }
    for (const size of [-1, 0, 1.5, NaN, 2 ** 53]) {
      expect(verifyInclusion({ ...claim, size })).toBe(false);
      expect(() => inclusionRanges(0, size)).toThrow(RangeError);
    }
    expect(verifyInclusion({ ...claim, root: Buffer.alloc(0) })).toBe(false);
  });
});

function isDifferent(right: Claim, wrong: Claim): boolean {
  const flat = ({ index, size, leaf, root: of, proof }: Claim): string =>
    [
      index,
      size,
      leaf.toString("hex"),
      of.toString("hex"),
      Buffer.concat(proof).toString("hex"),
    ].join();
  return flat(right) !== flat(wrong);
}

interface Claim {
  readonly index: number;
  readonly size: number;
  readonly leaf: Buffer;
  readonly root: Buffer;
  readonly proof: readonly Buffer[];
}

function changed(
  claim: Claim,
  change: string,
  { claimed, claimedSize, bit }: { claimed: number; claimedSize: number; bit: number },
): Claim {
  const { proof } = claim;
  switch (change) {
    case "index":
      return { ...claim, index: claimed };
    case "size":
      return { ...claim, size: claimedSize };
    case "leaf":
      return { ...claim, leaf: flipped(claim.leaf, bit) };
    case "root":
      return { ...claim, root: flipped(claim.root, bit) };
    case "bit": {
      const at = bit % Math.max(1, proof.length);
      const all = Buffer.concat(proof);
      if (all.length === 0) return { ...claim, root: flipped(claim.root, bit) };
      return { ...claim, proof: proof.with(at, flipped(proof[at]!, bit)) };
    }
    case "drop":
      return proof.length === 0
        ? changed(claim, "add", { claimed, claimedSize, bit })
        : { ...claim, proof: proof.slice(1) };
    case "add":
      return { ...claim, proof: [...proof, claim.root] };
    default:
      return {
        ...claim,
        proof: proof.toReversed(),
        leaf: proof.length < 2 ? flipped(claim.leaf, bit) : claim.leaf,
      };
  }
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = bit % (copy.length * 8);
  copy[at >> 3]! ^= 1 << (at & 7);
  return copy;
}

describe("a consistency proof", () => {
  test("holds between every two trees, by an implementation that is not ours", async () => {
    for (let second = 0; second <= 70; second += 1) {
      for (let first = 0; first <= second; first += 1) {
        const proof = consistency(first, second);
        const claim = { first, second, firstRoot: root(first), secondRoot: root(second), proof };
        expect(verifyConsistency(claim), `${first} to ${second}`).toBe(true);
        // It has none for the empty tree, and a tree is consistent with itself.
        const isTold = first > 0 && first < second;
        expect(isTold ? await transmuteConsistent(claim) : true, `${first} to ${second}`).toBe(
          true,
        );
      }
    }
  });

  test("does not hold from another tree, to another, or when it is changed", async () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 299 }), fc.integer({ min: 1, max: 300 }));
    const ordered = sizes.filter(([first, second]) => first < second);
    const change = fc.constantFrom("firstRoot", "secondRoot", "bit", "drop", "add");
    await fc.assert(
      fc.asyncProperty(ordered, change, fc.nat(), async ([first, second], what, bit) => {
        const proof = consistency(first, second);
        const right = { first, second, firstRoot: root(first), secondRoot: root(second), proof };
        const at = bit % proof.length;
        const wrong =
          what === "firstRoot" || what === "secondRoot"
            ? { ...right, [what]: flipped(right[what], bit) }
            : {
                ...right,
                proof: {
                  bit: proof.with(at, flipped(proof[at]!, bit)),
                  drop: proof.toSpliced(at, 1),
                  add: [...proof, root(first)],
                }[what],
              };
        expect(verifyConsistency(right)).toBe(true);
        expect(verifyConsistency(wrong)).toBe(false);
        expect(await transmuteConsistent(wrong)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test("cannot be made from more leaves to fewer", () => {
    expect(() => consistencyRanges(3, 2)).toThrow(RangeError);
    for (const size of [-1, 0.5, NaN, 2 ** 53]) {
      expect(() => consistencyRanges(size, 2)).toThrow(RangeError);
      expect(() => consistencyRanges(0, size)).toThrow(RangeError);
    }
    const claim = { first: 3, second: 2, firstRoot: root(3), secondRoot: root(2), proof: [] };
    expect(verifyConsistency(claim)).toBe(false);
  });
});
