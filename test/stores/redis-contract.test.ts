import { storeContract } from "@agent-keys/core/testing";
import { type RedisStore, redisStore } from "@agent-keys/stores/redis";
import { afterAll, beforeAll, describe, test } from "vitest";
import { isSaid } from "../servers/is-said.ts";
import { redisMissing, type RedisServer, startRedis } from "../servers/redis.ts";
import { onClock } from "./redis-at.ts";

describe.skipIf(isSaid(redisMissing))("a store in Redis keeps the contract of stores", () => {
  let server: RedisServer;
  const opened: RedisStore[] = [];
  let stores = 0;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(async () => {
    await Promise.all(opened.map((store) => store.close()));
    await server[Symbol.asyncDispose]();
  });

  storeContract({
    test,
    async open(now) {
      stores += 1;
      // Its epoch begins in the millisecond after it was first asked, before which nothing is counted.
      let opening = true;
      const connect = onClock(() => (opening ? now() - 1 : now()));
      const store = await redisStore({ url: server.url, prefix: `contract-${stores}`, connect });
      opening = false;
      opened.push(store);
      return store;
    },
  });
});
