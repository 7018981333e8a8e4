import { setTimeout as elapsed } from "node:timers/promises";
import type { Store } from "@agent-keys/core";
import { storeError, systemClock } from "@agent-keys/core/enforce";
import { addressesOf } from "./addresses.ts";
import { openHorizon } from "./horizon.ts";
import { openJournal } from "./journal.ts";
import { redisKeyView } from "./key-view.ts";
import { openLine } from "./line.ts";
import { parseOptions, type RedisStoreOptions } from "./options.ts";
import { redisUseCounter } from "./use-counter.ts";

/** A store in Redis. Close it last. */
export interface RedisStore extends Store {
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Shared state in Redis 7 or Valkey, for processes of many machines. Each decision is one script there, by
 * the server's clock. What one process revokes reaches the others in milliseconds; what a process has not
 * heard for a second and a half it takes for stale, and refuses. After a failover, a restart, or anything
 * else that may have forgotten something, keys with a use limit from before are refused, and revocations
 * are handed over again.
 *
 * @throws AgentKeyError (as a rejection) `store_unavailable` when it is out of reach for 5 seconds.
 * @throws TypeError (as a rejection) naming the option that is wrong, or the journal that is damaged.
 */
export async function redisStore(options: RedisStoreOptions): Promise<RedisStore> {
  const { addresses, prefix, journal: path, connect } = parseOptions(options);
  const journal = path === undefined ? undefined : openJournal(path);
  const horizon = openHorizon();
  const line = openLine(connect, addressesOf(addresses), true);
  // A connection of its own: nothing is answered on one that waits for news.
  const news = openLine(connect, addressesOf(addresses), false);
  const keys = redisKeyView({ line, news, horizon, prefix, journal, now: systemClock });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await keys.end();
    line.close();
    news.close();
    journal?.close();
  };
  const closeOnce = (): Promise<void> => (closing ??= close());
  try {
    await keys.ready(OPEN_MS);
    // An epoch begins in the millisecond after it was made: what is minted from here on is not before it.
    await elapsed(BEGIN_MS);
  } catch (cause) {
    await closeOnce();
    throw storeError(cause);
  }
  return {
    keys,
    uses: redisUseCounter({ line, horizon, prefix }),
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

/** Long enough to load the client on a busy machine, and to ask several servers which is the master. */
const OPEN_MS = 5_000;
const BEGIN_MS = 2;
