import { describe, expect, test } from "vitest";
import { someLeaves, subtreeOf } from "../../test/trees.ts";
import { EMPTY_ROOT, nodeHash } from "./hashing.ts";
import { consistencyRanges, inclusionRanges } from "./proofs.ts";
import { verifyConsistency, verifyInclusion } from "./verify-proofs.ts";

// Small trees, all of them; `merkle.test.ts` compares with other implementations.

const MOST = 20;
const { hashes } = someLeaves(MOST + 1);
const root = (size: number): Buffer => subtreeOf(hashes, [0, size]);
const other = Buffer.alloc(32, 7);

describe("inclusion", () => {
  const claimOf = (index: number, size: number) => ({
    index,
    size,
    leaf: hashes[index]!,
    root: root(size),
    proof: inclusionRanges(index, size).map((range) => subtreeOf(hashes, range)),
  });

  test("of each leaf of each tree, and of no other leaf", () => {
    for (let size = 1; size <= MOST; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const claim = claimOf(index, size);

        expect(verifyInclusion(claim), `${index} of ${size}`).toBe(true);
        expect(verifyInclusion({ ...claim, leaf: other }), `${index} of ${size}`).toBe(false);
        expect(verifyInclusion({ ...claim, root: other }), `${index} of ${size}`).toBe(false);
        expect(
          verifyInclusion({ ...claim, proof: [...claim.proof, other] }),
          `${index} of ${size}`,
        ).toBe(false);
        expect(
          verifyInclusion({ ...claim, proof: claim.proof.slice(1) }),
          `${index} of ${size}`,
        ).toBe(size === 1);
        for (let at = 0; at < claim.proof.length; at += 1) {
          const proof = claim.proof.with(at, other);
          expect(verifyInclusion({ ...claim, proof }), `${index} of ${size}`).toBe(false);
        }
        const everywhere = Array.from({ length: MOST + 1 }, (_, moved) => moved);
        expect(everywhere.filter((moved) => verifyInclusion({ ...claim, index: moved }))).toEqual([
          index,
        ]);
      }
    }
  });

  test("by what RFC 9162 gives as its example, a tree of seven", () => {
    expect(inclusionRanges(0, 7)).toEqual([
      [1, 2],
      [2, 4],
      [4, 7],
    ]);
    expect(inclusionRanges(3, 7)).toEqual([
      [2, 3],
      [0, 2],
      [4, 7],
    ]);
    expect(inclusionRanges(4, 7)).toEqual([
      [5, 6],
      [6, 7],
      [0, 4],
    ]);
    expect(inclusionRanges(6, 7)).toEqual([
      [4, 6],
      [0, 4],
    ]);
    expect(inclusionRanges(0, 1)).toEqual([]);
  });

  test("of counts that 32 bits do not hold", () => {
    const size = 2 ** 40;
    const proof = Array.from({ length: 40 }, (_, at) => Buffer.alloc(32, at));
    const whole = proof.reduce<Buffer>((hash, sibling) => nodeHash(sibling, hash), other);
    const claim = { index: size - 1, size, leaf: other, root: whole, proof };
    expect(verifyInclusion(claim)).toBe(true);
    expect(verifyInclusion({ ...claim, index: size - 2 })).toBe(false);
    expect(inclusionRanges(size - 1, size)).toHaveLength(40);
  });

  test("is of counts and hashes only", () => {
    const claim = claimOf(0, 2);
    for (const bad of [-1, 0.5, 1.5, NaN, 2 ** 53]) {
      expect(verifyInclusion({ ...claim, index: bad })).toBe(false);
      expect(verifyInclusion({ ...claim, size: bad })).toBe(false);
      expect(() => inclusionRanges(bad, 2)).toThrow(RangeError);
      expect(() => inclusionRanges(0, bad)).toThrow(RangeError);
    }
    expect(verifyInclusion({ ...claim, index: 2 })).toBe(false);
    expect(verifyInclusion({ ...claim, index: 0, size: 0 })).toBe(false);
    expect(() => inclusionRanges(2, 2)).toThrow(RangeError);
    expect(() => inclusionRanges(0, 0)).toThrow(RangeError);
    for (const bytes of [Buffer.alloc(31), Buffer.alloc(33), Buffer.alloc(70)]) {
      for (const wrong of [{ leaf: bytes }, { root: bytes }, { proof: [bytes] }]) {
        expect(verifyInclusion({ ...claim, ...wrong })).toBe(false);
      }
    }
  });

  test("does not end below the root, nor go on above it", () => {
    expect(verifyInclusion({ ...claimOf(1, 4), size: 8 })).toBe(false);
    const leaf = hashes[0]!;
    const above = { index: 0, size: 1, leaf, root: nodeHash(other, leaf), proof: [other] };
    expect(verifyInclusion(above)).toBe(false);
    const claim = claimOf(2, 3);
    const higher = { root: nodeHash(other, claim.root), proof: [...claim.proof, other] };
    expect(verifyInclusion({ ...claim, ...higher })).toBe(false);
  });
});

describe("consistency", () => {
  const claimOf = (first: number, second: number) => ({
    first,
    second,
    firstRoot: root(first),
    secondRoot: root(second),
    proof: consistencyRanges(first, second).map((range) => subtreeOf(hashes, range)),
  });

  test("of each two trees, and of no other two", () => {
    for (let second = 0; second <= MOST; second += 1) {
      for (let first = 0; first <= second; first += 1) {
        const claim = claimOf(first, second);

        expect(verifyConsistency(claim), `${first} to ${second}`).toBe(true);
        expect(verifyConsistency({ ...claim, firstRoot: other }), `${first} to ${second}`).toBe(
          false,
        );
        // Every tree goes on from the empty one.
        expect(verifyConsistency({ ...claim, secondRoot: other }), `${first} to ${second}`).toBe(
          first === 0 && second > 0,
        );
        expect(
          verifyConsistency({ ...claim, proof: [...claim.proof, other] }),
          `${first} to ${second}`,
        ).toBe(false);
        const needsNone = first === 0 || first === second;
        expect(verifyConsistency({ ...claim, proof: [] }), `${first} to ${second}`).toBe(needsNone);
        for (let at = 0; at < claim.proof.length; at += 1) {
          const changed = claim.proof.with(at, other);
          expect(verifyConsistency({ ...claim, proof: changed }), `${first} to ${second}`).toBe(
            false,
          );
          const dropped = claim.proof.toSpliced(at, 1);
          expect(verifyConsistency({ ...claim, proof: dropped }), `${first} to ${second}`).toBe(
            false,
          );
        }
      }
    }
  });

  test("by what RFC 9162 gives as its example, to a tree of seven", () => {
    expect(consistencyRanges(3, 7)).toEqual([
      [2, 3],
      [3, 4],
      [0, 2],
      [4, 7],
    ]);
    expect(consistencyRanges(4, 7)).toEqual([[4, 7]]);
    expect(consistencyRanges(6, 7)).toEqual([
      [4, 6],
      [6, 7],
      [0, 4],
    ]);
    expect([consistencyRanges(0, 7), consistencyRanges(7, 7)]).toEqual([[], []]);
  });

  test("is of counts and hashes only, and never of fewer leaves", () => {
    const claim = claimOf(1, 2);
    for (const bad of [-1, 0.5, 1.5, NaN, 2 ** 53]) {
      expect(verifyConsistency({ ...claim, first: bad })).toBe(false);
      expect(verifyConsistency({ ...claim, second: bad })).toBe(false);
      expect(() => consistencyRanges(bad, 2)).toThrow(RangeError);
      expect(() => consistencyRanges(0, bad)).toThrow(RangeError);
    }
    const short = Buffer.alloc(31);
    const same = { first: 2, second: 2, firstRoot: short, secondRoot: short, proof: [] };
    expect(verifyConsistency(same)).toBe(false);
    const empty = { ...same, first: 0, firstRoot: EMPTY_ROOT };
    expect(verifyConsistency(empty)).toBe(false);
    for (const bytes of [short, Buffer.alloc(33), Buffer.alloc(70)]) {
      for (const wrong of [{ firstRoot: bytes }, { secondRoot: bytes }, { proof: [bytes] }]) {
        expect(verifyConsistency({ ...claim, ...wrong })).toBe(false);
      }
    }
    expect(verifyConsistency({ ...claim, first: 2, second: 1 })).toBe(false);
    const shrunk = { first: 2, second: 1, firstRoot: other, secondRoot: other, proof: [] };
    expect(verifyConsistency(shrunk)).toBe(false);
    expect(() => consistencyRanges(2, 1)).toThrow(RangeError);
  });

  test("does not end below the root, nor go on above the roots", () => {
    const claim = claimOf(3, 4);
    expect(verifyConsistency({ ...claim, second: 8 })).toBe(false);
    expect(verifyConsistency({ ...claim, second: 5 })).toBe(false);
    const above = {
      firstRoot: nodeHash(other, claim.firstRoot),
      secondRoot: nodeHash(other, claim.secondRoot),
      proof: [...claim.proof, other],
    };
    expect(verifyConsistency({ ...claim, ...above })).toBe(false);
  });
});
