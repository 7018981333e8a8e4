import { parseLine } from "@agent-keys/core/audit";
import { compactRange, type CompactRange } from "../merkle/compact-range.ts";
import { inclusionRanges, type LeafRange } from "../merkle/proofs.ts";
import { readCheckpoints, type SignedCheckpoint } from "../note/checkpoint.ts";
import type { InclusionProof } from "../proof.ts";
import { CheckpointError } from "./checkpoint-record.ts";
import { readIfThere, readJournal } from "./read-journal.ts";
import { openRecord } from "./record-files.ts";
import { checkpointsPath } from "./side-files.ts";
import { type Item, walkTree } from "./walk.ts";

/** How a proof is made. */
export interface ProveOptions {
  /** Checkpoints that were kept: the text. The proof leads to the newest. Default: the record's own. */
  readonly kept?: string | undefined;
}

/**
 * Proves that an event's line is in a record, under its newest checkpoint. Reads the record twice, in
 * bounded memory.
 *
 * @param id - The event's own id, as `getLogs()` and `agent-keys ls --json` have it.
 * @returns `undefined` when the record has no such event.
 * @throws CheckpointError when no checkpoint covers it, or the record is not what was signed.
 */
export function proveEvent(
  path: string,
  id: string,
  { kept = readIfThere(checkpointsPath(path)) }: ProveOptions = {},
): InclusionProof | undefined {
  using opened = openRecord(path);
  const { extents } = readJournal(path);
  const items = (): Iterable<Item> => walkTree(opened.files, extents);
  const found = findLine(items(), id);
  if (found === undefined) return undefined;
  const [newest] = readCheckpoints(kept).checkpoints.toSorted((a, b) => b.size - a.size);
  if (newest === undefined || newest.size <= found.index) {
    throw new CheckpointError(
      "no checkpoint covers the event yet; agent-keys checkpoint makes one",
    );
  }
  return { ...found, hashes: hashesFor(items(), found.index, newest), checkpoint: newest };
}

function findLine(
  items: Iterable<Item>,
  id: string,
): { readonly line: Buffer; readonly index: number } | undefined {
  const needle = Buffer.from(`"id":${JSON.stringify(id)}`);
  for (const { line, begin } of items) {
    if (line?.includes(needle) !== true) continue;
    if (parseLine(line.toString("utf8"))?.id === id)
      return { line: Buffer.from(line), index: begin };
  }
  return undefined;
}

function hashesFor(
  items: Iterable<Item>,
  index: number,
  { size, root }: SignedCheckpoint,
): readonly Buffer[] {
  const ranges = inclusionRanges(index, size);
  const parts = new Map<LeafRange, CompactRange>();
  const ordered = ranges.toSorted(([a], [b]) => a - b);
  const whole = compactRange();
  let next = 0;
  for (const { begin, level, hash } of items) {
    if (begin >= size) break;
    whole.append(hash, level);
    while ((ordered[next]?.[1] ?? Infinity) <= begin) next += 1;
    const range = ordered[next];
    if (range === undefined || begin < range[0]) continue;
    const part = parts.get(range) ?? compactRange(range[0]);
    part.append(hash, level);
    parts.set(range, part);
  }
  if (whole.end !== size || !whole.root().equals(root)) {
    throw new CheckpointError("the record is not what the checkpoint was signed over");
  }
  return ranges.flatMap((range) => parts.get(range)?.root() ?? []);
}
