import { compactRange } from "../src/merkle/compact-range.ts";
import { leafHash } from "../src/merkle/hashing.ts";
import type { LeafRange } from "../src/merkle/proofs.ts";

/** The hash of some leaves' subtree. */
export function subtreeOf(hashes: readonly Buffer[], [begin, end]: LeafRange): Buffer {
  const range = compactRange(begin);
  for (const hash of hashes.slice(begin, end)) range.append(hash);
  return range.root();
}

/** So many leaves, no two alike, and their hashes. */
export function someLeaves(count: number): { leaves: Buffer[]; hashes: Buffer[] } {
  const leaves = Array.from({ length: count }, (_, index) => Buffer.from(`leaf ${index}`));
  return { leaves, hashes: leaves.map(leafHash) };
}
