import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { makeFile } from "../record/make-file.ts";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";

/** How long a statement waits for another process, blocking this one. */
const BUSY_MS = 1_000;

/**
 * Opens the file to write to it, and makes it when missing, 0600; what SQLite puts beside it is as it is.
 *
 * @throws Error that says why not.
 */
export function openToWrite(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    makeFile(path);
    database = new DatabaseSync(path, { timeout: BUSY_MS });
    // NORMAL: what was written survives the process, as a file's line does. Not that the power fails.
    database.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;" +
        // Each line touches a dozen pages, and putting them into the file waits for the disk: seldomer, then.
        "PRAGMA wal_autocheckpoint = 4000",
    );
    database.exec("BEGIN IMMEDIATE");
    if (versionOf(database) === 0) {
      database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}`);
    }
    database.exec("COMMIT");
    requireVersion(database);
    return database;
  } catch (cause) {
    database?.close();
    throw unusable(cause);
  }
}

/**
 * Opens a file that is there, only to read it.
 *
 * @throws Error that says why not.
 */
export function openToRead(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (!statSync(path).isFile()) throw new Error("it is no regular file");
    database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
    database.exec("PRAGMA trusted_schema = OFF");
    requireVersion(database);
    return database;
  } catch (cause) {
    database?.close();
    throw unusable(cause);
  }
}

function versionOf(database: DatabaseSync): unknown {
  return database.prepare("PRAGMA user_version").get()?.["user_version"];
}

function requireVersion(database: DatabaseSync): void {
  const version = versionOf(database);
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'events'").get();
  if (version !== SCHEMA_VERSION || table === undefined) {
    throw new Error("it is no audit record of sqliteSink, or one of another version");
  }
}

function unusable(cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : "unknown";
  return new Error(`the SQLite record cannot be opened: ${why}`, { cause });
}
