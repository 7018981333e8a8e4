/** Some leaves: from the first to the one behind the last. */
export type LeafRange = readonly [begin: number, end: number];

/**
 * Whose hashes an inclusion proof is made of, from the leaf's sibling up to the root's child
 * (RFC 9162 §2.1.3.1).
 *
 * @throws RangeError when the tree has no such leaf.
 */
export function inclusionRanges(index: number, size: number): readonly LeafRange[] {
  requireCount(index, "index");
  requireCount(size, "size");
  if (index >= size) throw new RangeError("index: the tree has no such leaf");
  const ranges: LeafRange[] = [];
  let begin = 0;
  let end = size;
  while (end - begin > 1) {
    const middle = begin + largestPowerBelow(end - begin);
    if (index < middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([begin, middle]);
      begin = middle;
    }
  }
  return ranges.toReversed();
}

/**
 * Whose hashes a proof is made of that the tree of `first` leaves is the beginning of the tree of
 * `second` (RFC 9162 §2.1.4.1). Empty where it needs none: `first` is 0 or `second`.
 *
 * @throws RangeError when `first` is more than `second`.
 */
export function consistencyRanges(first: number, second: number): readonly LeafRange[] {
  requireCount(first, "first");
  requireCount(second, "second");
  if (first > second) throw new RangeError("first: must not be more than second");
  if (first === 0 || first === second) return [];
  const ranges: LeafRange[] = [];
  let begin = 0;
  let end = second;
  while (end !== first) {
    const middle = begin + largestPowerBelow(end - begin);
    if (first <= middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([begin, middle]);
      begin = middle;
    }
  }
  // Where the first tree is a subtree of the second, whoever checks knows its hash already.
  if (begin > 0) ranges.push([begin, end]);
  return ranges.toReversed();
}

/** The largest power of two that is less than a count of 2 or more. */
function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

function requireCount(value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name}: must be a whole number, 0 or more`);
  }
}
