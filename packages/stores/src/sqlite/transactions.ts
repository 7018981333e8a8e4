import type { DatabaseSync } from "node:sqlite";
import { setTimeout as elapsed } from "node:timers/promises";

/** Work on the file that happens whole or not at all, one after the other over all processes. */
export interface Transactions {
  /**
   * Now.
   *
   * @param lasting - Whether it has to survive that the power fails, and not only this process. Default true.
   * @throws what SQLite threw, such as that another process is at it.
   */
  now<T>(work: () => T, lasting?: boolean): T;
  /** Once the others are done, for at most a second and a half. Rejects with what SQLite threw. */
  soon<T>(work: () => T): Promise<T>;
}

/** Below what a refused request may take, 2 s. */
const PATIENCE_MS = 1_500;
const LONGEST_PAUSE_MS = 20;

/** @param database - Open with `synchronous = FULL`. */
export function transactionsOn(database: DatabaseSync): Transactions {
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  let synced = true;
  const now = <T>(work: () => T, lasting = true): T => {
    if (lasting !== synced) {
      database.exec(`PRAGMA synchronous = ${lasting ? "FULL" : "NORMAL"}`);
      synced = lasting;
    }
    begin.run();
    try {
      const done = work();
      commit.run();
      return done;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  };
  const patiently = async <T>(work: () => T, deadlineMs: number): Promise<T> => {
    for (;;) {
      try {
        return now(work);
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadlineMs) throw error;
      }
      // Not all processes at the same moment again.
      await elapsed(1 + Math.random() * LONGEST_PAUSE_MS);
    }
  };
  // Of this process one waits for the others; the rest wait for it, and block nothing.
  let before: Promise<unknown> = Promise.resolve();
  return {
    now,
    soon(work) {
      const deadlineMs = performance.now() + PATIENCE_MS;
      const mine = before.then(() => patiently(work, deadlineMs));
      before = mine.catch(() => undefined);
      return mine;
    },
  };
}

const SQLITE_BUSY = 5;
const PRIMARY_CODE = 0xff;

/** Whether it failed only because another process is at it. */
function isBusy(error: unknown): boolean {
  if (!(error instanceof Error && "errcode" in error)) return false;
  return typeof error.errcode === "number" && (error.errcode & PRIMARY_CODE) === SQLITE_BUSY;
}
