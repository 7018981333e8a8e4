/**
 * One connection to one server. It is not connected again by itself: what was under way when it was
 * lost has failed, and is never sent a second time.
 */
export interface RedisConnection {
  /**
   * Sends one command, and resolves with its answer as RESP2 has it: strings, integers, null, lists.
   * Rejects with the server's error, its words unchanged, or when the connection is lost.
   */
  send(words: readonly string[]): Promise<unknown>;
  /** At once. */
  close(): void;
}

/** Where a connection is to be made to. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Opens one, to this address. Rejects when there is none within a second. */
export type Connect = (address: RedisAddress) => Promise<RedisConnection>;

/** The first word of a server's error: `READONLY`, `MOVED`. */
export function errorWord(error: unknown): string {
  return error instanceof Error ? (/^[A-Z]+(?= |$)/.exec(error.message)?.[0] ?? "") : "";
}
