import { readSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { MAX_LINE_BYTES } from "@agent-keys/core/audit";
import { leavesOf } from "../tree/leaves.ts";
import { openRecord, type RecordFile } from "../tree/record-files.ts";
import type { Wanted } from "./facets.ts";
import { reversed } from "./index-record.ts";
import { linesBackward } from "./lines-backward.ts";
import { ALWAYS, FILE_STRIDE, ID_CHARACTERS, indexPath, openToRead } from "./open-database.ts";
import { tailHash } from "./tail-hash.ts";

/** A record with its index: what the index does not have, or has of another file, is read. */
export interface RecordIndex extends Disposable {
  /** How many events the index has that are in the record. */
  readonly events: number;
  /**
   * The lines that may have an id that begins, or in `ends` a name that ends, with one of some texts, in
   * the record's order; and every line that the index does not know. Good until the next is asked for.
   *
   * @param ids - Looked at again before each line: what it gains is found from there on.
   * @returns `undefined` when so many do that reading all is quicker.
   * @throws Error, also while it is read, when the index is damaged.
   */
  linesWith(ids: Iterable<string>, ends?: readonly string[]): Iterable<Buffer> | undefined;
  /** The lines, from the last to the first, of all blocks that have something of what is wanted. */
  linesBackward(wanted: Wanted): Iterable<string>;
}

/** More places than this, and the record is read from its start to its end. */
const MOST_PLACES = 20_000;

/** Opens the index of a record; `undefined` where there is none that can be used. */
export function openIndex(path: string): RecordIndex | undefined {
  const database = openToRead(indexPath(path));
  if (database === undefined) return undefined;
  try {
    return recordIndex(path, database);
  } catch {
    database.close();
    return undefined;
  }
}

interface Indexed {
  readonly file: RecordFile;
  /** Its number in the index, and how far that goes; 0 where it has nothing of it. */
  readonly no: number;
  readonly bytes: number;
}

function recordIndex(path: string, database: DatabaseSync): RecordIndex {
  const opened = openRecord(path);
  const select = database.prepare("SELECT no, bytes, tail, lines FROM files WHERE id = ?");
  let events = 0;
  const files = opened.files.map((file): Indexed => {
    const known = select.get(file.id);
    const bytes = Number(known?.["bytes"] ?? 0);
    const isSame =
      bytes > 0 && bytes <= file.sizeBytes && tailHash(file.fd, bytes) === known?.["tail"];
    if (!isSame) return { file, no: -1, bytes: 0 };
    events += Number(known["lines"]);
    return { file, no: Number(known["no"]), bytes };
  });
  const places = placesIn(database);
  return {
    events,
    linesWith(ids, ends = []) {
      const count = places.count([...ids], ends);
      return count > MOST_PLACES ? undefined : linesOfFiles(files, { places, ids, ends });
    },
    *linesBackward(wanted) {
      const blocks = blocksFor(database, wanted);
      for (const { file, no, bytes } of files.toReversed()) {
        yield* linesBackward(file.fd, bytes, file.sizeBytes);
        if (no < 0) continue;
        for (const [start, length] of blocks(no)) {
          yield* linesBackward(file.fd, start, start + length);
        }
      }
    },
    [Symbol.dispose]() {
      opened[Symbol.dispose]();
      database.close();
    },
  };
}

interface Places {
  count(ids: readonly string[], ends: readonly string[]): number;
  /** Where in a file lines with an id, or an end of one, begin. */
  of(no: number, id: string, isEnd: boolean): readonly number[];
}

function placesIn(database: DatabaseSync): Places {
  const select = (table: string, what: string, more: string) =>
    database.prepare(`SELECT ${what} FROM ${table} WHERE id >= ? AND id < ? ${more}`);
  const within = "AND at >= ? AND at < ?";
  const found = { ids: select("ids", "at", within), ends: select("ends", "at", within) };
  const limit = `LIMIT ${MOST_PLACES + 1}`;
  const counted = { ids: select("ids", "1", limit), ends: select("ends", "1", limit) };
  const odd = database.prepare(`SELECT at FROM ids WHERE id = ? ${within}`);
  return {
    count: (ids, ends) =>
      ids.reduce((sum, id) => sum + counted.ids.all(...span(id)).length, 0) +
      ends.reduce((sum, id) => sum + counted.ends.all(...span(reversed(id))).length, 0),
    of(no, id, isEnd) {
      const file = [no * FILE_STRIDE, (no + 1) * FILE_STRIDE] as const;
      const rows =
        id === ALWAYS
          ? odd.all(ALWAYS, ...file)
          : isEnd
            ? found.ends.all(...span(reversed(id)), ...file)
            : found.ids.all(...span(id), ...file);
      return rows.map((row) => Number(row["at"]) - file[0]);
    },
  };
}

/** All texts that begin with one, of which only so much is in the index. */
function span(text: string): readonly [string, string] {
  const start = text.slice(0, ID_CHARACTERS);
  return [start, `${start}\u{10ffff}`];
}

function* linesOfFiles(
  files: readonly Indexed[],
  { places, ids, ends }: { places: Places; ids: Iterable<string>; ends: readonly string[] },
): Generator<Buffer, void, undefined> {
  for (const { file, no, bytes } of files) {
    for (const start of no < 0 ? [] : placesInOrder(places, no, ids, ends)) {
      yield lineAt(file, start, bytes);
    }
    let next = bytes;
    for (const line of leavesOf(file.fd, bytes, file.sizeBytes)) {
      yield line.bytes ?? TOO_LONG;
      ({ next } = line);
    }
    if (next < file.sizeBytes) yield unended(file, next);
  }
}

/** Stands for a line that is longer than any writer makes one: no event. */
const TOO_LONG = Buffer.from("?");

/** @throws Error when no line begins there, so that the index is wrong. */
function lineAt({ fd }: RecordFile, start: number, end: number): Buffer {
  const before = Buffer.of(NEWLINE);
  if (start > 0) readSync(fd, before, 0, 1, start - 1);
  if (start >= end || before[0] !== NEWLINE) throw new Error("the index names a place in a line");
  for (const size of [LINE_BYTES, undefined]) {
    for (const { bytes } of leavesOf(fd, start, end, size)) {
      if (bytes !== undefined) return bytes;
      break;
    }
  }
  return TOO_LONG;
}

const NEWLINE = 0x0a;
/** Most lines are shorter: what is read for one of them. */
const LINE_BYTES = 4_096;

/** The places in a file, in order, of ids that may become more meanwhile. */
function* placesInOrder(
  places: Places,
  no: number,
  ids: Iterable<string>,
  ends: readonly string[],
): Generator<number, void, undefined> {
  const asked = new Set<string>();
  let last = -1;
  let waiting = [
    ...places.of(no, ALWAYS, false),
    ...ends.flatMap((end) => places.of(no, end, true)),
  ];
  for (;;) {
    const fresh = Array.from(ids).filter((id) => id !== ALWAYS && !asked.has(id));
    for (const id of fresh) {
      asked.add(id);
      waiting.push(...places.of(no, id, false));
    }
    if (fresh.length > 0 || last < 0) {
      waiting = [...new Set(waiting)].filter((at) => at > last).toSorted((a, b) => b - a);
    }
    const next = waiting.pop();
    if (next === undefined) return;
    last = next;
    yield next;
  }
}

/** What stands behind a file's last newline. */
function unended({ fd, sizeBytes }: RecordFile, start: number): Buffer {
  const bytes = Buffer.alloc(Math.min(sizeBytes - start, MAX_LINE_BYTES));
  readSync(fd, bytes, 0, bytes.length, sizeBytes - bytes.length);
  return bytes;
}

/** Which blocks of a file a filter takes, the last first. Those with an odd line are always among them. */
function blocksFor(
  database: DatabaseSync,
  wanted: Wanted,
): (no: number) => readonly (readonly [start: number, bytes: number])[] {
  const values = database.prepare("SELECT DISTINCT value FROM facets WHERE kind = ?");
  const blocksWith = database.prepare("SELECT at FROM facets WHERE kind = ? AND value = ?");
  const sets = Object.entries(wanted).map(([kind, want]) => {
    const named =
      typeof want === "function"
        ? values.all(kind).flatMap(({ value }) => (want(String(value)) ? [String(value)] : []))
        : want;
    return new Set(
      named.flatMap((value) => blocksWith.all(kind, value).map((row) => Number(row["at"]))),
    );
  });
  const all = database.prepare(
    "SELECT at, bytes, odd FROM blocks WHERE at >= ? AND at < ? ORDER BY at DESC",
  );
  return (no) =>
    all.all(no * FILE_STRIDE, (no + 1) * FILE_STRIDE).flatMap((row) => {
      const at = Number(row["at"]);
      const isTaken = row["odd"] === 1 || sets.every((blocks) => blocks.has(at));
      return isTaken ? [[at - no * FILE_STRIDE, Number(row["bytes"])] as const] : [];
    });
}
