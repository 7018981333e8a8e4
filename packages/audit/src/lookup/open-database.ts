import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** A new form of the tables is a new version: an index of another one is made again. */
const VERSION = 1;

const SCHEMA = `
CREATE TABLE files (no INTEGER PRIMARY KEY, id TEXT UNIQUE, bytes INTEGER, tail TEXT, lines INTEGER);
CREATE TABLE ids (id TEXT, at INTEGER, PRIMARY KEY (id, at)) WITHOUT ROWID;
CREATE TABLE ends (id TEXT, at INTEGER, PRIMARY KEY (id, at)) WITHOUT ROWID;
CREATE TABLE blocks (at INTEGER PRIMARY KEY, bytes INTEGER, odd INTEGER);
CREATE TABLE facets (kind TEXT, value TEXT, at INTEGER, PRIMARY KEY (kind, value, at)) WITHOUT ROWID;
`;

/** Where the index of a record stands. It can be deleted: it holds nothing that the record does not. */
export function indexPath(record: string): string {
  return `${record}.index`;
}

/** A place in a record, as one number: the file's number in the index, and the byte in the file. */
export const FILE_STRIDE: number = 2 ** 40;

/** How much of an id is compared; the lines themselves say the rest. */
export const ID_CHARACTERS = 24;

/** Under this stand the lines that every search looks at: what is no whole event, and revocations. */
export const ALWAYS = "";

/** Opens an index to write it, made anew where it is missing, of another version or damaged. */
export function openToWrite(path: string, remove: () => void): DatabaseSync {
  for (let isLast = false; ; isLast = true) {
    // The mode is the record's: an index names agents, tools and users too.
    closeSync(openSync(path, "a", 0o600));
    const database = new DatabaseSync(path);
    try {
      database.exec(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -200000",
      );
      const version = versionOf(database);
      if (version === VERSION) return database;
      if (version !== 0) throw new Error("of another version");
      database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${VERSION}; COMMIT`);
      return database;
    } catch (error) {
      database.close();
      if (isLast) throw error;
      remove();
    }
  }
}

/** Opens an index to read it, or gives `undefined` where it is missing, of another version or damaged. */
export function openToRead(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    if (versionOf(database) === VERSION) return database;
  } catch {
    // Then it is as if there were none.
  }
  database?.close();
  return undefined;
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
}
