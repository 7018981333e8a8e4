import { EMPTY_ROOT, HASH_BYTES, nodeHash } from "./hashing.ts";

/** A claim that a tree of `size` leaves and this root has this leaf at `index`. */
export interface InclusionClaim {
  /** Counts from 0. */
  readonly index: number;
  readonly size: number;
  /** The leaf's hash. */
  readonly leaf: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Whether an inclusion proof holds (RFC 9162 §2.1.3.2). Never throws. */
export function verifyInclusion({ index, size, leaf, root, proof }: InclusionClaim): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  if (![leaf, root, ...proof].every(isHash)) return false;
  let at = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && Buffer.compare(hash, root) === 0;
}

/** A claim that one tree is the beginning of another. */
export interface ConsistencyClaim {
  /** How many leaves the first tree has, and the second. */
  readonly first: number;
  readonly second: number;
  readonly firstRoot: Uint8Array;
  readonly secondRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Whether a consistency proof holds (RFC 9162 §2.1.4.2). Never throws. */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { first, second, firstRoot, secondRoot, proof } = claim;
  if (!isCount(first) || !isCount(second) || first > second) return false;
  if (![firstRoot, secondRoot, ...proof].every(isHash)) return false;
  if (first === second) return proof.length === 0 && Buffer.compare(firstRoot, secondRoot) === 0;
  if (first === 0) return proof.length === 0 && Buffer.compare(firstRoot, EMPTY_ROOT) === 0;
  const [start, ...path] = isPowerOfTwo(first) ? [firstRoot, ...proof] : proof;
  if (start === undefined) return false;
  let at = first - 1;
  let last = second - 1;
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  let one = start;
  let two = start;
  for (const hash of path) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      one = nodeHash(hash, one);
      two = nodeHash(hash, two);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      two = nodeHash(two, hash);
    }
    [at, last] = [half(at), half(last)];
  }
  return (
    last === 0 && Buffer.compare(one, firstRoot) === 0 && Buffer.compare(two, secondRoot) === 0
  );
}

// Arithmetic, because bitwise operators stop at 32 bits.
const half = (count: number): number => Math.floor(count / 2);
const isOdd = (count: number): boolean => count % 2 === 1;
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isHash = (value: Uint8Array): boolean => value.length === HASH_BYTES;
const isPowerOfTwo = (count: number): boolean => 2 ** Math.round(Math.log2(count)) === count;
