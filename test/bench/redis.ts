import { type AgentKey, isReserved } from "@agent-keys/core";
import { redisStore } from "@agent-keys/stores/redis";
import { createClient } from "redis";
import { redisMissing, startRedis } from "../servers/redis.ts";
import { atMost, type Benchmark, compare } from "./result.ts";
import { costOf, costOfAwaited, interleave, threadClock, wallClock } from "./rounds.ts";
import { openSubject, type Subject, withoutAudit } from "./subject.ts";

const CALLS = 500;
const AT_ONCE = 50;
const BATCHES = 20;
const MINTS = 500;
const LIFE_MS = 12_000;

/** (i) What Redis as a store costs. */
export const redis: Benchmark = {
  id: "i",
  title: "One use set aside in Redis; a mint with a view of Redis",
  means: [
    "ours: store.uses.reserve of one use of a new key",
    "floor: the same client, one script on the same keys that decides nothing but this: HMGET of the",
    "  epoch, SCARD, SADD and PEXPIRE of the count; and the same as MULTI, without a script",
    "mint: as in (a), beside the same with memoryStore()",
  ],
  async run(bench) {
    if (redisMissing !== undefined) {
      console.error(`agent-keys: ${redisMissing}`);
      return [];
    }
    await using server = await startRedis();
    await using store = await redisStore({ url: server.url, prefix: "ours" });
    const client = createClient({ RESP: 2, url: server.url, disableOfflineQueue: true });
    await client.connect();
    const sha = await client.scriptLoad(BARE);
    let calls = 0;
    const id = (): string => JSON.stringify(["https://desk.example", `key-${(calls += 1)}`, 0]);
    const ours = async (): Promise<void> => {
      const nowMs = Date.now();
      const dates = { mintedAtMs: nowMs - 5, expiresAtMs: nowMs + LIFE_MS };
      const outcome = await store.uses.reserve([{ kind: "uses", id: id(), limit: 1, ...dates }]);
      if (!isReserved(outcome)) throw new Error("not reserved");
    };
    const script = async (): Promise<void> => {
      const keys = ["{floor}:epoch", `{floor}:uses:${id()}`];
      const use = `use-${calls}`;
      const answer = await client.sendCommand(["EVALSHA", sha, "2", ...keys, "1", use, "60000"]);
      if (Number(answer) !== 1) throw new Error("not counted");
    };
    const multi = async (): Promise<void> => {
      const key = `{floor}:uses:${id()}`;
      await client
        .multi()
        .hmGet("{floor}:epoch", ["id", "of"])
        .incr(key)
        .pExpire(key, 60_000)
        .exec();
    };
    const many = (one: () => Promise<void>) => async (): Promise<void> => {
      await Promise.all(Array.from({ length: AT_ONCE }, one));
    };
    const mints = (subject: Subject) => async (): Promise<number> => {
      // A view that is not let hear of Redis for a second and a half is stale.
      await store.uses.peek([]);
      const minted: AgentKey[] = [];
      const grant = { scope: "tickets:read", where: { ticketId: "t-1042" }, uses: 1 };
      const cost = costOf(threadClock, MINTS, () => minted.push(subject.keys.mint(grant)));
      for (const key of minted) key.close();
      return cost;
    };
    const viewed = withoutAudit(openSubject(() => undefined, undefined, store));
    const inMemory = withoutAudit(openSubject(() => undefined));
    // Or the first keys are from before it.
    await new Promise((resolve) => setTimeout(resolve, 10));
    const samples = await interleave(
      {
        ours: () => costOfAwaited(wallClock, CALLS, ours),
        script: () => costOfAwaited(wallClock, CALLS, script),
        multi: () => costOfAwaited(wallClock, CALLS, multi),
        oursAtOnce: async () => (await costOfAwaited(wallClock, BATCHES, many(ours))) / AT_ONCE,
        scriptAtOnce: async () => (await costOfAwaited(wallClock, BATCHES, many(script))) / AT_ONCE,
        viewed: mints(viewed),
        inMemory: mints(inMemory),
      },
      bench,
    );
    client.destroy();
    return [
      compare("one after the other", { target: atMost(1.3) }, samples.ours, samples.script),
      compare("the same, beside MULTI", {}, samples.ours, samples.multi),
      compare(`${AT_ONCE} at once`, {}, samples.oursAtOnce, samples.scriptAtOnce),
      compare("mint", { target: atMost(1.1) }, samples.viewed, samples.inMemory),
    ];
  },
};

const BARE = `#!lua
redis.call('HMGET', KEYS[1], 'id', 'of', 'from', 'high', 'evicts')
if redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[1]) then return 0 end
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
`;
