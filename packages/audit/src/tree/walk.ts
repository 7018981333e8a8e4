import { EMPTY_ROOT } from "../merkle/hashing.ts";
import type { Extent } from "./journal.ts";
import { leavesOf } from "./leaves.ts";
import type { RecordFile } from "./record-files.ts";

/** One leaf of a record, or a subtree of leaves whose file is gone. */
export interface Item {
  readonly begin: number;
  /** 0 for a leaf. */
  readonly level: number;
  readonly hash: Buffer;
  /** The leaf's line, good until the next item is asked for. */
  readonly line?: Buffer | undefined;
  /** Where the line stands. */
  readonly file?: RecordFile | undefined;
  readonly byte?: number | undefined;
  /** The extent it belongs to, where a journal has it. */
  readonly extent?: Extent | undefined;
}

/**
 * The leaves of a record in the order of its tree: as the journal has them, and then what it does not
 * have, the oldest file first. Of files that are gone, the journal's hashes stand for them.
 *
 * What cannot be read as the journal says is passed over; then no root behind it is right.
 */
export function* walkTree(
  files: readonly RecordFile[],
  journal: Iterable<Extent>,
): Generator<Item, void, undefined> {
  const ends = new Map<string, number>();
  let begin = 0;
  for (const extent of journal) {
    const file = files.find(({ id }) => id === extent.file);
    ends.set(extent.file, extent.end);
    if (file === undefined) {
      for (const { hash, level } of extent.subtrees) {
        yield { begin, level, hash, extent };
        begin += 2 ** level;
      }
      continue;
    }
    let read = extent.start;
    for (const { hash, bytes, start, next } of leavesOf(file.fd, extent.start, extent.end)) {
      yield { begin, level: 0, hash, line: bytes, file, byte: start, extent };
      begin += 1;
      read = next;
    }
    // It ends within a line, of which the beginning would belong to no leaf: whoever can write the
    // journal too could put anything there. In its place stands what is the hash of no line.
    if (read < extent.end && extent.end <= file.sizeBytes) {
      yield { begin, level: 0, hash: EMPTY_ROOT, file, byte: read, extent };
      begin += 1;
    }
  }
  for (const file of files) {
    const from = ends.get(file.id) ?? 0;
    for (const { hash, bytes, start } of leavesOf(file.fd, from, file.sizeBytes)) {
      yield { begin, level: 0, hash, line: bytes, file, byte: start };
      begin += 1;
    }
    // A copy of a file that stands beside it is no other file.
    ends.set(file.id, file.sizeBytes);
  }
}
