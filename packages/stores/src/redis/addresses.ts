import { errorWord, type RedisAddress } from "./connection.ts";

/** Which of several addresses to try next. */
export interface Addresses {
  current(): RedisAddress;
  /** Goes on to another after this failure. Says whether to try that one at once. */
  failed(error: unknown): boolean;
}

/**
 * Goes round the addresses until one answers as the master. A cluster says which of its nodes has our
 * keys, which all lie in one slot: that one is asked until it fails.
 */
export function addressesOf(given: readonly [RedisAddress, ...RedisAddress[]]): Addresses {
  let next = 0;
  let moved: RedisAddress | undefined;
  return {
    current: () => moved ?? given[next] ?? given[0],
    failed(error) {
      const before = moved;
      moved = errorWord(error) === "MOVED" ? movedTo(error, before ?? given[next]) : undefined;
      if (before !== undefined) return false;
      if (moved !== undefined) return true;
      next = (next + 1) % given.length;
      // Round again: they have all failed.
      return next !== 0;
    },
  };
}

/** `MOVED 3999 127.0.0.1:6381`; without a host it is the one that was asked. */
function movedTo(error: unknown, asked: RedisAddress | undefined): RedisAddress | undefined {
  const [, , place = ""] = error instanceof Error ? error.message.split(" ") : [];
  const colon = place.lastIndexOf(":");
  const host = place.slice(0, colon) || asked?.host;
  const port = Number(place.slice(colon + 1));
  if (colon === -1 || host === undefined || !Number.isInteger(port)) return undefined;
  return { host, port };
}
