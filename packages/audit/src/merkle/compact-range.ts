import { EMPTY_ROOT, nodeHash } from "./hashing.ts";

/** The root of a whole subtree: of `2 ** level` leaves, the first of which is a multiple of that. */
export interface Subtree {
  readonly level: number;
  readonly hash: Buffer;
}

/**
 * The leaves from `begin` to `end` of a tree, as the fewest whole subtrees that cover them: at most
 * two for each level, whatever the number of leaves.
 */
export interface CompactRange {
  readonly begin: number;
  /** Behind the last leaf. */
  readonly end: number;
  /** From left to right. */
  readonly subtrees: readonly Subtree[];
  /** Adds a leaf, or a whole subtree that begins where the range ends. */
  append(hash: Buffer, level?: number): void;
  /**
   * The root of the tree that has these leaves, or the hash of the subtree that they are.
   *
   * @throws RangeError when they are neither.
   */
  root(): Buffer;
}

/**
 * A range of leaves that grows at its end.
 *
 * @param begin - The index of its first leaf. Default 0, the whole tree.
 */
export function compactRange(begin = 0): CompactRange {
  const subtrees: Subtree[] = [];
  let end = begin;

  return {
    begin,
    get end() {
      return end;
    },
    subtrees,
    append(hash, level = 0) {
      const width = 2 ** level;
      if (end % width !== 0) throw new RangeError("a subtree begins at a multiple of its width");
      end += width;
      let top: Subtree = { level, hash };
      // Two neighbours of one level are one of the next, where their parent begins at the left one.
      for (let left = subtrees.at(-1); left?.level === top.level; left = subtrees.at(-1)) {
        if (end % 2 ** (top.level + 1) !== 0) break;
        subtrees.pop();
        top = { level: top.level + 1, hash: nodeHash(left.hash, top.hash) };
      }
      subtrees.push(top);
    },
    root() {
      let width = 1;
      while (width < end - begin) width *= 2;
      if (begin % width !== 0) throw new RangeError("these leaves are no subtree");
      const [last, ...before] = subtrees.toReversed();
      if (last === undefined) return EMPTY_ROOT;
      return before.reduce((right, { hash }) => nodeHash(hash, right), last.hash);
    },
  };
}
