import { type BigIntStats, closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
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

/** How long one statement waits for another process, blocking this one. */
const BUSY_MS = 5;

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
    const why = cause instanceof Error ? cause.message : "it could not be read";
    throw new TypeError(`sqliteStore: ${path} cannot be used: ${why}`, { cause });
  }
}

/** Which file is at a path now; undefined where there is none. */
export function identityAt(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && identityOf(stats);
}

const NOFOLLOW = constants.O_NOFOLLOW ?? 0;

function makePrivate(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | NOFOLLOW, 0o600);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "it could not be opened";
    throw new TypeError(`sqliteStore: ${path} cannot be used: ${why}`, { cause });
  }
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (process.platform !== "win32" && (stats.mode & 0o077n) !== 0n) {
      throw new TypeError(`sqliteStore: ${path} is open to group or others; chmod 600 it first`);
    }
    return identityOf(stats);
  } finally {
    closeSync(fd);
  }
}

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
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
