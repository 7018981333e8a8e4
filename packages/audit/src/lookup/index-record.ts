import { rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { readEvent } from "@agent-keys/core/audit";
import { leavesOf } from "../tree/leaves.ts";
import { openRecord, type RecordFile } from "../tree/record-files.ts";
import { ALWAYS, FILE_STRIDE, ID_CHARACTERS, indexPath, openToWrite } from "./open-database.ts";
import { facetsOf, objectOf } from "./facets.ts";
import { tailHash } from "./tail-hash.ts";

/** What {@link indexRecord} did. */
export interface IndexReport {
  /** How many lines the index has now that are whole events. */
  readonly events: number;
  /** How many lines are new in it, of any kind. */
  readonly added: number;
}

/** So many lines are one block, which a filter takes or leaves; and are written at once. */
const BLOCK_LINES = 1_000;
const BATCH_ROWS = 300_000;

/**
 * Makes `<path>.index`, or brings it up to date, so that the console finds ids and what a filter wants
 * without reading all. The index is a cache: what it does not have is read from the record, and
 * deleting it loses nothing.
 *
 * @throws the system's error.
 */
export function indexRecord(path: string): IndexReport {
  const remove = (): void => {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(indexPath(path) + suffix, { force: true });
  };
  try {
    return indexInto(path, remove);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SQLITE_ERROR") throw error;
    // Damaged somewhere in it: it is made again, from nothing.
    remove();
    return indexInto(path, remove);
  }
}

function indexInto(path: string, remove: () => void): IndexReport {
  using opened = openRecord(path);
  const database = openToWrite(indexPath(path), remove);
  try {
    const added = opened.files.reduce((sum, file) => sum + indexFile(database, file), 0);
    const events = Number(database.prepare("SELECT sum(lines) AS n FROM files").get()?.["n"] ?? 0);
    return { events, added };
  } finally {
    database.close();
  }
}

function indexFile(database: DatabaseSync, file: RecordFile): number {
  const known = database
    .prepare("SELECT no, bytes, tail, lines FROM files WHERE id = ?")
    .get(file.id);
  const isSame =
    known !== undefined &&
    Number(known["bytes"]) <= file.sizeBytes &&
    tailHash(file.fd, Number(known["bytes"])) === known["tail"];
  if (known !== undefined && !isSame) forget(database, Number(known["no"]));
  const highest = Number(database.prepare("SELECT max(no) AS n FROM files").get()?.["n"] ?? -1);
  const no = isSame ? Number(known["no"]) : highest + 1;
  const start = isSame ? Number(known["bytes"]) : 0;
  const rows = rowsFor(database, no, isSame ? Number(known["lines"]) : 0);
  for (const { bytes, start: at, next } of leavesOf(file.fd, start, file.sizeBytes)) {
    rows.add(bytes, at, next);
    if (rows.isFull()) rows.write(file);
  }
  rows.write(file);
  return rows.added;
}

/** What is known of a file that is another one now. */
function forget(database: DatabaseSync, no: number): void {
  const range = [no * FILE_STRIDE, (no + 1) * FILE_STRIDE];
  database.exec("BEGIN");
  for (const table of ["ids", "ends", "blocks", "facets"]) {
    database.prepare(`DELETE FROM ${table} WHERE at >= ? AND at < ?`).run(...range);
  }
  database.prepare("DELETE FROM files WHERE no = ?").run(no);
  database.exec("COMMIT");
}

type Row = readonly [id: string, at: number];

/** Gathers rows, and writes them sorted, which is much quicker than one by one. */
function rowsFor(
  database: DatabaseSync,
  no: number,
  eventsBefore: number,
): {
  readonly added: number;
  add(line: Buffer | undefined, start: number, next: number): void;
  isFull(): boolean;
  write(file: RecordFile): void;
} {
  const insertId = database.prepare("INSERT OR IGNORE INTO ids VALUES (?, ?)");
  const insertEnd = database.prepare("INSERT OR IGNORE INTO ends VALUES (?, ?)");
  const insertBlock = database.prepare("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)");
  const insertFacet = database.prepare("INSERT OR IGNORE INTO facets VALUES (?, ?, ?)");
  const insertFile = database.prepare("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)");
  let ids: Row[] = [];
  let ends: Row[] = [];
  let blocks: [at: number, bytes: number, odd: number][] = [];
  let facets: [kind: string, value: string, at: number][] = [];
  let block: { start: number; lines: number; odd: boolean; facets: Set<string> } | undefined;
  let end = 0;
  let added = 0;
  let events = 0;

  const closeBlock = (): void => {
    if (block === undefined) return;
    const at = no * FILE_STRIDE + block.start;
    blocks.push([at, end - block.start, block.odd ? 1 : 0]);
    for (const facet of block.facets) {
      const cut = facet.indexOf(" ");
      facets.push([facet.slice(0, cut), facet.slice(cut + 1), at]);
    }
    block = undefined;
  };

  return {
    get added() {
      return added;
    },
    add(line, start, next) {
      block ??= { start, lines: 0, odd: false, facets: new Set() };
      block.lines += 1;
      added += 1;
      end = next;
      const at = no * FILE_STRIDE + start;
      const found = line === undefined ? undefined : seen(line);
      if (found === undefined || found.isOdd) {
        ids.push([ALWAYS, at]);
        block.odd = true;
      } else {
        events += 1;
      }
      for (const id of found?.ids ?? []) ids.push([id.slice(0, ID_CHARACTERS), at]);
      for (const id of found?.ends ?? []) ends.push([reversed(id).slice(0, ID_CHARACTERS), at]);
      for (const facet of found?.facets ?? []) block.facets.add(facet);
      if (block.lines >= BLOCK_LINES) closeBlock();
    },
    isFull: () => ids.length >= BATCH_ROWS,
    write(file) {
      closeBlock();
      if (blocks.length === 0) return;
      database.exec("BEGIN");
      for (const [id, at] of sorted(ids)) insertId.run(id, at);
      for (const [id, at] of sorted(ends)) insertEnd.run(id, at);
      for (const row of blocks) insertBlock.run(...row);
      for (const row of facets) insertFacet.run(...row);
      // With the rows, so that what it says was indexed is there.
      insertFile.run(no, file.id, end, tailHash(file.fd, end), eventsBefore + events);
      database.exec("COMMIT");
      [ids, ends, blocks, facets] = [[], [], [], []];
    },
  };
}

function sorted(rows: readonly Row[]): readonly Row[] {
  return rows.toSorted(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i - j));
}

/** A text from its end, so that an end can be looked for as a beginning. */
export function reversed(text: string): string {
  return Array.from(text).toReversed().join("");
}

interface Seen {
  readonly ids: readonly string[];
  readonly ends: readonly string[];
  readonly facets: readonly string[];
  readonly isOdd: boolean;
}

/** What a line can be found by. Quick: whether it is an event in every respect is seen when it is read. */
function seen(line: Buffer): Seen | undefined {
  const text = line.toString("utf8");
  const whole = parsed(text);
  const event = whole ?? (readEvent(text)?.event as Record<string, unknown> | undefined);
  if (event === undefined) return undefined;
  const { id, type, keyId, parentId, tool } = event;
  const { callId } = objectOf(tool);
  const isRevocation = type === "key.revoked" || type === "key.restored";
  const isKeyEvent = type === "key.minted" || type === "key.denied" || type === "key.closed";
  // Of a request its key's id is enough: a call's name leads to the key's own events, and they to it.
  const names = [keyId, parentId, isKeyEvent ? callId : undefined].filter(isText);
  const isNameless = isKeyEvent && keyId === undefined && callId === undefined;
  return {
    ids: isNameless && isText(id) ? [...names, id] : names,
    ends: isKeyEvent ? [isNameless ? id : callId].filter(isText) : [],
    facets: facetsOf(event),
    isOdd: whole === undefined || isRevocation,
  };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
