import { readCheckpoints, type SignedCheckpoint } from "../note/checkpoint.ts";
import { isSignedBy, type NoteVerifier } from "../note/note.ts";
import type { Extent } from "./journal.ts";
import { readIfThere, readJournal } from "./read-journal.ts";
import { openRecord, type RecordFile } from "./record-files.ts";
import { checkpointsPath } from "./side-files.ts";
import { follow, type Followed } from "./follow-tree.ts";

/** What is wrong with a record, held against checkpoints. */
export type TreeFindingCode =
  /** A text or part of it is no checkpoint, of another log, or not signed by the key. */
  | "checkpoint_invalid"
  /** A checkpoint that was kept is not among the record's own. */
  | "checkpoint_missing"
  /** Fewer lines than were signed. */
  | "cut"
  /** The lines are not the ones that were signed, or in another order. */
  | "changed"
  /** A file is gone, or another one now, and no line that was signed says that it was removed. */
  | "file_missing"
  /** The files stand in another order than they were written in. */
  | "reordered";

/** One finding, and a sentence for people. */
export interface TreeFinding {
  readonly code: TreeFindingCode;
  readonly what: string;
}

/** What {@link verifyRecord} found. */
export interface TreeReport {
  /** How many lines the record has, with those of files that were removed. */
  readonly lines: number;
  /** How many of them, from the first, are proven to be what was signed. */
  readonly proven: number;
  /** How many of those were in files that were removed as the record says. */
  readonly removed: number;
  /** Empty: all checkpoints hold. */
  readonly findings: readonly TreeFinding[];
}

/** What a record is held against. */
export interface VerifyRecordOptions {
  /**
   * Checkpoints that were kept where the record's writers could not change them: the text. Default:
   * the record's own, which do not show that it and they were set back to an earlier state.
   */
  readonly kept?: string | undefined;
  /** Whose signature they must have. Without it, `kept` is believed as it was kept. */
  readonly key?: NoteVerifier | undefined;
}

/**
 * Holds a record against checkpoints that somebody kept: that nothing which they cover was edited,
 * taken out, put in, moved or cut off. Its own checkpoints are checked too. Streams: memory grows
 * with the number of checkpoints, not of lines.
 *
 * @throws TypeError when there is neither a kept checkpoint nor a key, and the system's error.
 */
export function verifyRecord(path: string, { kept, key }: VerifyRecordOptions): TreeReport {
  if (kept === undefined && key === undefined) {
    throw new TypeError("a record is held against a checkpoint that was kept, or against a key");
  }
  using opened = openRecord(path);
  const { files } = opened;
  const findings: TreeFinding[] = [];
  const add = (code: TreeFindingCode, what: string): void => void findings.push({ code, what });
  const ownText = readIfThere(checkpointsPath(path));
  const own = sound(checkpointsPath(path), ownText, key, add);
  const held = kept === undefined ? own : sound("what was kept", kept, key, add);
  if (held.length === 0 && findings.length === 0) {
    add(
      "checkpoint_invalid",
      `${kept === undefined ? checkpointsPath(path) : "what was kept"} has no checkpoint`,
    );
  }
  for (const { size, root, envelope } of held) {
    const isThere = own.some((one) =>
      key === undefined ? one.envelope === envelope : one.size === size && one.root.equals(root),
    );
    if (ownText !== "" && !isThere) {
      add(
        "checkpoint_missing",
        `the kept checkpoint of ${size} lines is not among the record's own`,
      );
    }
  }
  const { extents: journal, sealed } = readJournal(path, key);
  const all = [...new Set([...held, ...own])];
  let order: readonly Extent[] = journal;
  let followed = follow(files, order, all);
  // A journal that was lost or is wrong proves nothing against the lines themselves.
  if (journal.length > 0 && !isMet(followed, held)) {
    const without = follow(files, [], all);
    if (isMet(without, held)) [order, followed] = [[], without];
  }
  report(followed, { held, own }, add);
  const isTrusted = (one: SignedCheckpoint): boolean => held.includes(one) || key !== undefined;
  const proven = Math.max(0, ...followed.met.filter(isTrusted).map(({ size }) => size));
  const removed = reportFiles(files, order, { followed, proven, sealed }, add);
  return { lines: followed.lines, proven, removed, findings };
}

type Add = (code: TreeFindingCode, what: string) => void;

/** The checkpoints of a text that are what they should be. */
function sound(
  where: string,
  text: string,
  key: NoteVerifier | undefined,
  add: Add,
): readonly SignedCheckpoint[] {
  const { checkpoints, other } = readCheckpoints(text);
  if (other > 0) add("checkpoint_invalid", `${where}: ${other} characters are no checkpoint`);
  if (key === undefined) return checkpoints;
  return checkpoints.filter(({ origin, size, note }) => {
    const isSound = origin === key.name && isSignedBy(note, key);
    if (!isSound) {
      add(
        "checkpoint_invalid",
        `${where}: the checkpoint of ${size} lines is not signed by the key`,
      );
    }
    return isSound;
  });
}

function isMet({ met }: Followed, wanted: readonly SignedCheckpoint[]): boolean {
  return wanted.every((one) => met.includes(one));
}

function report(
  { met, lines, firstChange }: Followed,
  { held, own }: { held: readonly SignedCheckpoint[]; own: readonly SignedCheckpoint[] },
  add: Add,
): void {
  const unmet = [...held, ...own].filter((one) => !met.includes(one));
  const cut = unmet.filter(({ size }) => size > lines);
  const changed = unmet.filter(({ size }) => size <= lines);
  const [most] = cut.toSorted((a, b) => b.size - a.size);
  if (most !== undefined) {
    add("cut", `${most.size} lines were signed, and there are ${lines}`);
  }
  const [first] = changed.toSorted((a, b) => a.size - b.size);
  if (first === undefined) return;
  const before = Math.max(
    0,
    ...met.filter(({ size }) => size < first.size).map(({ size }) => size),
  );
  const between = `lines ${before + 1} to ${first.size} are not the ones that were signed`;
  add(
    "changed",
    firstChange === undefined ? between : `${between}; the first other one is in ${firstChange}`,
  );
}

/** Says which files are gone or in another order, and counts the lines that were removed rightly. */
function reportFiles(
  files: readonly RecordFile[],
  journal: readonly Extent[],
  { followed, proven, sealed }: { followed: Followed; proven: number; sealed: number },
  add: Add,
): number {
  const removedUntil = followed.removals
    .filter(({ index }) => index < proven)
    .reduce((latest, { until }) => (until > latest ? until : latest), "");
  const gone = journal.filter(({ file }) => files.every(({ id }) => id !== file));
  // When a file was begun, only the journal says of one that is gone: so it must be sealed.
  const wrongly = gone.filter(({ begun, to }) => begun > removedUntil || to > sealed);
  for (const { file, from } of onceEach(wrongly)) {
    const begins = `the file that began with line ${from + 1} is gone, or its first line is another now`;
    add("file_missing", `${begins} (${file.slice(0, 12)})`);
  }
  const written = onceEach(journal).map(({ file }) => file);
  const now = files.map(({ id }) => id).filter((id) => written.includes(id));
  const expected = written.filter((id) => now.includes(id));
  if (now.some((id, index) => id !== expected[index])) {
    add("reordered", "the files are named in another order than they were written in");
  }
  return gone
    .filter((extent) => !wrongly.includes(extent))
    .reduce((sum, { from, to }) => sum + to - from, 0);
}

function onceEach(extents: readonly Extent[]): readonly Extent[] {
  return [
    ...new Map(extents.toReversed().map((extent) => [extent.file, extent])).values(),
  ].toReversed();
}
