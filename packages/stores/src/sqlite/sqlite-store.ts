import type { Store } from "@agent-keys/core";
import { type Clock, requireKnown } from "@agent-keys/core/enforce";
import { sqliteKeyView } from "./key-view.ts";
import { identityAt, openFile } from "./open-file.ts";
import { pruner } from "./prune.ts";
import { transactionsOn } from "./transactions.ts";
import { sqliteUseCounter } from "./use-counter.ts";

/** What {@link sqliteStore} takes beside the path. */
export interface SqliteStoreOptions {
  /** Milliseconds since the epoch. Default: the system's clock, which is one for all processes. */
  readonly now?: Clock | undefined;
}

/** A store in a file. Close it last. */
export interface SqliteStore extends Store {
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Shared state in one SQLite file, for all processes of one machine. Synchronous: what one process
 * revokes or closes, the next call of any other refuses. A use that was spent stays spent after a crash
 * of a process and of the machine; a close may be forgotten when the power fails. Not for a file system
 * of the network.
 *
 * @param path - Made when it is not there, 0600. Beside it SQLite keeps `-wal` and `-shm`.
 * @throws TypeError naming the file, when it cannot be used: damaged, open to others, a link.
 */
export function sqliteStore(path: string, options: SqliteStoreOptions = {}): SqliteStore {
  if (typeof path !== "string" || path === "") throw new TypeError("sqliteStore: a path is needed");
  requireKnown("sqliteStore: ", options, ["now"]);
  const { now = Date.now } = options;
  const { database, epochMs, identity } = openFile(path, now());
  const transactions = transactionsOn(database);
  let lookedAtMs = -Infinity;
  const requireSameFile = (): void => {
    const nowMs = performance.now();
    if (nowMs - lookedAtMs < LOOK_AGAIN_MS) return;
    if (identityAt(path) !== identity) throw new Error("another file is in the place of the store");
    lookedAtMs = nowMs;
  };
  const prune = pruner(database, now);
  const shared = { database, transactions, now, requireSameFile, prune };
  const keys = sqliteKeyView(shared);
  const uses = sqliteUseCounter({ ...shared, epochMs });
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    try {
      keys.end();
      transactions.end();
    } finally {
      database.close();
    }
  };
  return { keys, uses, close, [Symbol.asyncDispose]: close };
}

/** A file that was taken away is found out after this. */
const LOOK_AGAIN_MS = 50;
