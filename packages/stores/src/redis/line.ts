import { createHash } from "node:crypto";
import type { Addresses } from "./addresses.ts";
import { type Connect, errorWord, type RedisConnection } from "./connection.ts";

/** A connection that is made when it is needed, and made anew after it was lost. */
export interface Line {
  /** Rejects once the deadline has passed, and gives the connection up: it hangs. */
  send(words: readonly string[], deadlineMs?: number): Promise<unknown>;
  /** Runs a script by its digest, or sends it where the server does not have it. */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  close(): void;
}

/** A script and the digest that Redis knows it by. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function scriptOf(text: string): Script {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/** From asking to an answer, whatever has to be done for it: within two seconds it is refused. */
const DEADLINE_MS = 1_500;
/** After a failure nobody tries again before this: the failure is the answer. */
const PAUSE_MS = 50;

/**
 * What another server may answer better, and this one has not done: it may be asked there. The rest of
 * the errors are answers of the right one.
 */
const ELSEWHERE: ReadonlySet<string> = new Set([
  "READONLY",
  "MOVED",
  "ASK",
  "MASTERDOWN",
  "NOREPLICAS",
  "LOADING",
  "CLUSTERDOWN",
  "UNBLOCKED",
]);

/** @param holdsProcess - Whether a program waits for answers before it ends. */
export function openLine(connect: Connect, addresses: Addresses, holdsProcess: boolean): Line {
  let opened: RedisConnection | undefined;
  let opening: Promise<RedisConnection> | undefined;
  let failed: { readonly error: unknown; readonly atMs: number } | undefined;
  let over = false;

  const open = (): Promise<RedisConnection> => {
    if (over) throw new Error("the store was closed");
    if (opening !== undefined) return opening;
    if (failed !== undefined && performance.now() - failed.atMs < PAUSE_MS) throw failed.error;
    const attempt = connect(addresses.current());
    opening = attempt;
    attempt.then(
      (connection) => {
        // It was given up meanwhile.
        if (opening === attempt) opened = connection;
        else connection.close();
      },
      (error: unknown) => giveUp(attempt, error),
    );
    return attempt;
  };
  const giveUp = (attempt: Promise<RedisConnection> | undefined, error: unknown): void => {
    if (attempt === undefined || opening !== attempt) return;
    opened?.close();
    opened = undefined;
    opening = undefined;
    const other = addresses.failed(error);
    failed = other ? undefined : { error, atMs: performance.now() };
  };
  const within = <T>(ms: number, work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no answer in time")), ms);
      if (!holdsProcess) timer.unref();
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });

  const send = async (words: readonly string[], deadlineMs = DEADLINE_MS): Promise<unknown> => {
    const untilMs = performance.now() + deadlineMs;
    for (;;) {
      let sent = false;
      let attempt = opening;
      try {
        attempt = open();
        const connection = opened ?? (await within(untilMs - performance.now(), attempt));
        sent = true;
        return await within(untilMs - performance.now(), connection.send(words));
      } catch (error) {
        const word = errorWord(error);
        // Without such a word it is no answer of a server: the connection is of no use any more.
        if (word === "" || ELSEWHERE.has(word)) giveUp(attempt, error);
        // Another is asked only for what was not sent, or what this one has not done.
        if (sent && !ELSEWHERE.has(word)) throw error;
        if (failed !== undefined || over || performance.now() >= untilMs) throw error;
      }
    }
  };

  return {
    send,
    async run({ text, sha }, keys, args) {
      const rest = [`${keys.length}`, ...keys, ...args];
      try {
        return await send(["EVALSHA", sha, ...rest]);
      } catch (error) {
        // It did not run, so this is not a second time.
        if (errorWord(error) === "NOSCRIPT") return send(["EVAL", text, ...rest]);
        throw error;
      }
    },
    close() {
      over = true;
      opened?.close();
      opened = undefined;
      opening = undefined;
    },
  };
}
