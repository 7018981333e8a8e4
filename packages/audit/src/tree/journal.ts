import { hash } from "node:crypto";
import { type CompactRange, compactRange, type Subtree } from "../merkle/compact-range.ts";
import { HASH_BYTES } from "../merkle/hashing.ts";

/** Some leaves of a tree, and where their lines stand: one line of a journal. */
export interface Extent {
  /** The index of the first, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** The subtrees that cover them, from left to right. */
  readonly subtrees: readonly Subtree[];
  /** Which file they stand in: see `RecordFile.id`. */
  readonly file: string;
  /** Where in the file, in bytes. */
  readonly start: number;
  readonly end: number;
  /** When the file was begun, ISO 8601. */
  readonly begun: string;
}

/** An extent as a journal's line, without the newline. */
export function extentLine({ from, to, subtrees, file, start, end, begun }: Extent): string {
  const hashes = subtrees.map(({ hash }) => hash.toString("base64"));
  return JSON.stringify({ v: 1, from, to, file, start, end, begun, hashes });
}

/**
 * Reads a line of a journal.
 *
 * @returns `undefined` when it is none.
 */
function readExtent(line: string): Extent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { v, from, to, file, start, end, begun, hashes } = value as Record<string, unknown>;
  if (v !== 1 || !isCount(from) || !isCount(to) || !isCount(start) || !isCount(end))
    return undefined;
  if (from >= to || start >= end || to - from > end - start) return undefined;
  if (typeof file !== "string" || typeof begun !== "string" || !Array.isArray(hashes))
    return undefined;
  const levels = levelsOf(from, to);
  if (hashes.length !== levels.length) return undefined;
  const subtrees: Subtree[] = [];
  for (const [index, level] of levels.entries()) {
    const encoded: unknown = hashes[index];
    const hash = typeof encoded === "string" ? Buffer.from(encoded, "base64") : undefined;
    if (hash?.length !== HASH_BYTES) return undefined;
    subtrees.push({ level, hash });
  }
  return { from, to, subtrees, file, start, end, begun };
}

/** What a journal says, as far as it was read. */
export interface JournalState {
  /** The tree up to here. */
  readonly tree: CompactRange;
  /** How far each file was read. */
  readonly ends: ReadonlyMap<string, number>;
  /** Takes the next line, if it follows; a line that lost a race or was torn does not. */
  take(line: string): Extent | undefined;
  /**
   * What is signed so that nobody else can say where lines stood that are gone by now: the lines so
   * far, as a hash over hashes. `undefined` where no line ended at this size.
   */
  sealText(origin: string, size: number): string | undefined;
}

/** A seal as a journal's line, without the newline: a signed note of `sealText`. */
export function sealLine(note: string): string {
  return JSON.stringify({ v: 1, seal: note });
}

/** The note of a journal's line, if it is a seal. */
export function readSeal(line: string): string | undefined {
  if (!line.startsWith('{"v":1,"seal":')) return undefined;
  try {
    const { seal } = JSON.parse(line) as { readonly seal: unknown };
    return typeof seal === "string" ? seal : undefined;
  } catch {
    return undefined;
  }
}

/** A journal of which nothing was read. */
export function journalState(): JournalState {
  const tree = compactRange();
  const ends = new Map<string, number>();
  const hashes = new Map<number, string>();
  let chain = "";
  return {
    tree,
    ends,
    take(line) {
      const extent = readExtent(line);
      if (extent?.from !== tree.end || extent.start !== (ends.get(extent.file) ?? 0))
        return undefined;
      for (const subtree of extent.subtrees) tree.append(subtree.hash, subtree.level);
      ends.set(extent.file, extent.end);
      chain = hash("sha256", `${chain}\n${line}`, "base64");
      hashes.set(extent.to, chain);
      return extent;
    },
    sealText(origin, size) {
      const at = hashes.get(size);
      // Its first line is no origin, so that it can never be taken for a checkpoint.
      return at === undefined ? undefined : `agent-keys tree v1\n${origin}\n${size} ${at}\n`;
    },
  };
}

/** The levels of the subtrees that cover some leaves, from left to right. */
function levelsOf(from: number, to: number): readonly number[] {
  const levels: number[] = [];
  for (let at = from; at < to;) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level += 1;
    levels.push(level);
    at += 2 ** level;
  }
  return levels;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
