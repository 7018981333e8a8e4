import { type BigIntStats, closeSync, lstatSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";

/** The store's file, open. */
export interface StoreFile {
  readonly database: DatabaseSync;
  /** Before this, in milliseconds since the epoch, the file knows nothing of any key. */
  readonly epochMs: number;
  /** Which file it is: whether another one has taken its place. */
  readonly identity: string;
}

/** How long one statement waits for another process, blocking this one: that is for whoever asks. */
const BUSY_MS = 0;

/** Whoever makes the tables is waited for. */
const OPEN_MS = 1_500;

/**
 * Opens the file, or makes it, 0600.
 *
 * @throws TypeError naming the file and what is wrong with it.
 */
export function openFile(path: string, nowMs: number): StoreFile {
  const identity = makePrivate(path);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: OPEN_MS });
    // Every commit reaches the disk: a use that was spent stays spent when the power fails.
    database.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF",
    );
    const epochMs = readEpoch(database, identity, nowMs);
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    return { database, epochMs, identity };
  } catch (cause) {
    database?.close();
    throw unusable(path, cause);
  }
}

/** Which file is at a path now; undefined where there is none. */
export function identityAt(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && identityOf(stats);
}

/**
 * Makes the file where there is none. One that is there is only looked at: closing a descriptor of it would
 * drop every lock that this process holds on it, SQLite's too (POSIX `fcntl`).
 */
function makePrivate(path: string): string {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw unusable(path, cause);
  }
  // Not what a link leads to: whoever made the link would choose which file is trusted.
  const stats = lstatSync(path, { bigint: true });
  if (!stats.isFile()) throw new TypeError(`sqliteStore: ${path} is not a file`);
  if (process.platform !== "win32" && (stats.mode & 0o077n) !== 0n) {
    throw new TypeError(`sqliteStore: ${path} is open to group or others; chmod 600 it first`);
  }
  return identityOf(stats);
}

function unusable(path: string, cause: unknown): TypeError {
  const why = cause instanceof Error ? cause.message : "it could not be opened";
  return new TypeError(`sqliteStore: ${path} cannot be used: ${why}`, { cause });
}

/** Also when it was made: a number of a file that is gone is given to the next one. */
function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}

/**
 * When the file began to remember. One that was put in the place of another, from a backup perhaps, may
 * have forgotten what was spent since: it begins anew.
 */
function readEpoch(database: DatabaseSync, identity: string, nowMs: number): number {
  database.exec("BEGIN IMMEDIATE");
  try {
    const { user_version: version } = { ...database.prepare("PRAGMA user_version").get() };
    if (version === 0) database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}`);
    else if (version !== SCHEMA_VERSION) throw new TypeError(`its version is ${String(version)}`);
    const read = database.prepare("SELECT value FROM facts WHERE name = ?");
    const write = database.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)");
    if (read.get("identity")?.["value"] !== identity) {
      write.run("identity", identity);
      // Whole milliseconds, as in `iat`.
      write.run("epochMs", String(Math.floor(nowMs)));
    }
    const epochMs = Number(read.get("epochMs")?.["value"]);
    if (!Number.isSafeInteger(epochMs)) throw new TypeError("it does not say since when it counts");
    database.exec("COMMIT");
    return epochMs;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
