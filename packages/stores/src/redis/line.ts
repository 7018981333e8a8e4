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
  let current: Promise<RedisConnection> | undefined;
  let failed: { readonly error: unknown; readonly atMs: number } | undefined;
  let over = false;

  const open = (): Promise<RedisConnection> => {
    const opening = connect(addresses.current());
    current = opening;
    opening.catch((error: unknown) => fail(opening, error));
    return opening;
  };
  const fail = (connection: Promise<RedisConnection>, error: unknown): void => {
    if (current !== connection) return;
    current = undefined;
    const other = addresses.failed(error);
    failed = other ? undefined : { error, atMs: performance.now() };
    connection.then(
      (opened) => opened.close(),
      () => undefined,
    );
  };
  const get = (): Promise<RedisConnection> => {
    if (over) throw new Error("the store was closed");
    if (current !== undefined) return current;
    if (failed !== undefined && performance.now() - failed.atMs < PAUSE_MS) throw failed.error;
    return open();
  };

  const attempt = async (
    words: readonly string[],
    late: Promise<never>,
  ): Promise<{ readonly answer: unknown } | { readonly notDone: unknown }> => {
    const connection = get();
    let sent = false;
    let givenUp = false;
    const asking = async (): Promise<unknown> => {
      const opened = await connection;
      // Another was asked in the meantime, or nobody waits any more.
      if (givenUp) throw new Error("given up");
      sent = true;
      return opened.send(words);
    };
    try {
      return { answer: await Promise.race([asking(), late]) };
    } catch (error) {
      givenUp = true;
      const word = errorWord(error);
      // Without such a word it is no answer of a server: the connection is of no use any more.
      if (word === "" || ELSEWHERE.has(word)) fail(connection, error);
      if (!sent || ELSEWHERE.has(word)) return { notDone: error };
      throw error;
    }
  };

  const send = async (words: readonly string[], deadlineMs = DEADLINE_MS): Promise<unknown> => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    late.catch(() => undefined);
    const timer = setTimeout(() => reject(new Error("no answer in time")), deadlineMs);
    if (!holdsProcess) timer.unref();
    try {
      for (;;) {
        const outcome = await attempt(words, late);
        if ("answer" in outcome) return outcome.answer;
        // Not sent, or sent to one that has not done it: so another may be asked.
        if (failed !== undefined || over) throw outcome.notDone;
      }
    } finally {
      clearTimeout(timer);
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
      void current?.then(
        (opened) => opened.close(),
        () => undefined,
      );
      current = undefined;
    },
  };
}
