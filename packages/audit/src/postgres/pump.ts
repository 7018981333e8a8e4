import type { Spool } from "./spool.ts";

/** What sends a spool's lines, one batch after the other. */
export interface Pump {
  /** Something was added. */
  wake(): void;
  /** Why nothing could be sent the last time; undefined when it could. */
  readonly failure: Error | undefined;
  /** Resolves when nothing waits. @throws Error when that is not so in time. */
  flush(patienceMs: number): Promise<void>;
  /** Resolves when it has stopped; what is being sent is sent. */
  stop(): Promise<void>;
}

const BATCH_BYTES = 512 * 1024;
/** So that calls which come one after the other share a transaction. */
const LINGER_MS = 10;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** @param send - Resolves when the lines are where they belong; what it rejects with can be shown. */
export function startPump(
  spool: Spool,
  send: (lines: readonly string[]) => Promise<void>,
  { onFailure }: { readonly onFailure: (failure: Error) => void },
): Pump {
  let stopped = false;
  let failure: Error | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  const waiting = new Set<() => void>();

  const drain = async (): Promise<void> => {
    for (let batch = spool.next(BATCH_BYTES); batch !== undefined;) {
      try {
        await send(batch.lines);
        batch.sent();
        failure = undefined;
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        const isNew = failure === undefined;
        failure = error instanceof Error ? error : new Error(String(error));
        if (isNew) onFailure(failure);
        return;
      }
      if (stopped) return;
      batch = spool.next(BATCH_BYTES);
    }
    for (const tell of waiting) tell();
    waiting.clear();
  };
  const start = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (stopped || running !== undefined) return;
    running = drain().finally(() => {
      running = undefined;
      if (stopped || spool.waitingBytes === 0) return;
      if (failure === undefined) return schedule(LINGER_MS);
      schedule(pauseMs * (0.5 + Math.random() / 2));
      // A process whose work is done does not wait for a database that is not there.
      timer?.unref();
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    });
  };
  const schedule = (ms: number): void => {
    timer = setTimeout(start, ms);
  };
  if (spool.waitingBytes > 0) schedule(0);

  return {
    wake() {
      if (timer === undefined && running === undefined && !stopped) schedule(LINGER_MS);
    },
    get failure() {
      return failure;
    },
    async flush(patienceMs) {
      if (spool.waitingBytes === 0) return;
      const empty = new Promise<void>((resolve) => waiting.add(resolve));
      let deadline: NodeJS.Timeout | undefined;
      const late = new Promise<"late">((resolve) => {
        deadline = setTimeout(() => resolve("late"), patienceMs);
      });
      start();
      const ended = await Promise.race([empty, late]);
      clearTimeout(deadline);
      if (ended !== "late") return;
      const why = failure === undefined ? "" : `: ${failure.message}`;
      throw new Error(`${spool.waitingBytes} bytes wait in the spool${why}`);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
