import type { DatabaseSync } from "node:sqlite";

/** Work on the file that happens whole or not at all, one after the other over all processes. */
export interface Transactions {
  /**
   * Now.
   *
   * @param lasting - Whether it has to survive that the power fails, and not only this process. Default true.
   * @throws what SQLite threw, such as that another process is at it.
   */
  now<T>(work: () => T, lasting?: boolean): T;
  /**
   * In a moment, with what else is asked for until then: one wait for the disk for all of it. While other
   * processes are at it, again for at most a second and a half. Rejects with what SQLite threw, and then
   * it has not happened, and never will.
   */
  soon<T>(work: () => T, lasting?: boolean): Promise<T>;
  /** Whether nothing waits. */
  readonly idle: boolean;
  /** Tries what waits once more, and refuses it then. */
  end(): void;
}

/** Below what a refused request may take, 2 s. */
const PATIENCE_MS = 1_500;
const LONGEST_PAUSE_MS = 20;
/** No more in one transaction, so that the loop of this process goes round. */
const AT_ONCE = 64;

/** Something that waits for its transaction. */
interface Waiting {
  readonly run: () => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
  readonly deadlineMs: number;
  readonly lasting: boolean;
}

/** @param database - Open with `synchronous = FULL`, and waiting for no other process. */
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

  const queue: Waiting[] = [];
  let isTurnDue = false;

  /** @returns What is left to be tried again. */
  const attempt = (batch: readonly Waiting[]): readonly Waiting[] => {
    try {
      now(
        () => {
          for (const { run } of batch) run();
        },
        batch.some(({ lasting }) => lasting),
      );
    } catch (error) {
      const nowMs = performance.now();
      const isOver = ({ deadlineMs }: Waiting): boolean => !isBusy(error) || nowMs >= deadlineMs;
      for (const { failed } of batch.filter(isOver)) failed(error);
      return batch.filter((one) => !isOver(one));
    }
    for (const { done } of batch) done();
    return [];
  };
  const turn = (): void => {
    isTurnDue = false;
    const left = attempt(queue.splice(0, AT_ONCE));
    queue.unshift(...left);
    if (left.length > 0) {
      // Not all processes at the same moment again.
      isTurnDue = true;
      setTimeout(turn, 1 + Math.random() * LONGEST_PAUSE_MS);
    } else if (queue.length > 0) {
      isTurnDue = true;
      setImmediate(turn);
    }
  };

  return {
    now,
    soon: <T>(work: () => T, lasting = true) =>
      new Promise<T>((resolve, reject) => {
        let result: { readonly value: T } | undefined;
        queue.push({
          run: () => {
            result = { value: work() };
          },
          done: () => {
            if (result !== undefined) resolve(result.value);
          },
          failed: reject,
          deadlineMs: performance.now() + PATIENCE_MS,
          lasting,
        });
        if (isTurnDue) return;
        isTurnDue = true;
        setImmediate(turn);
      }),
    get idle() {
      return queue.length === 0;
    },
    end() {
      const left = queue.length === 0 ? [] : attempt(queue.splice(0));
      for (const { failed } of left) failed(new Error("the store was closed"));
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
