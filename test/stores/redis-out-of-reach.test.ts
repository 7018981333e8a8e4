import { isReserved } from "@agent-keys/core";
import { redisStore } from "@agent-keys/stores/redis";
import { describe, expect, test } from "vitest";
import { isSaid } from "../servers/is-said.ts";
import { redisMissing, startRedis } from "../servers/redis.ts";
import { asked, codeOf, stateOf, useOf } from "./asked.ts";
import { startProxy } from "./proxy.ts";
import { until } from "./until.ts";

const REVOKED = { selector: { agent: "bot" }, iss: "urn:desk", atMs: 1 } as const;
/** Whatever is wrong, within this there is an answer. */
const BOUND_MS = 2_000;

async function tookMs(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

describe.skipIf(isSaid(redisMissing))("a Redis out of reach", () => {
  const ways = {
    "is dead": async () => {
      const server = await startRedis(["--appendonly", "yes", "--appendfsync", "always"]);
      const parts = { server, url: server.url };
      return { ...parts, cut: () => server.crash(), mend: () => server.start(), end: [server] };
    },
    hangs: async () => {
      const server = await startRedis();
      const send = (signal: NodeJS.Signals) => async () => server.process.send(signal);
      const parts = { server, url: server.url };
      return { ...parts, cut: send("SIGSTOP"), mend: send("SIGCONT"), end: [server] };
    },
    "is behind connections that are half open": async () => {
      const server = await startRedis();
      const proxy = await startProxy(server.port);
      const parts = { server, url: `redis://127.0.0.1:${proxy.port}` };
      const cut = async (): Promise<void> => proxy.hold();
      const mend = async (): Promise<void> => proxy.heal();
      return { ...parts, cut, mend, end: [proxy, server] };
    },
  };

  test.each(Object.entries(ways))(
    "that %s: refused within two seconds, and back by itself",
    async (_, open) => {
      const { server, url, cut, mend, end } = await open();
      const store = await redisStore({ url });
      const other = await redisStore({ url });
      expect(stateOf(store)).toBe("live");
      await cut();
      const cutAtMs = performance.now();
      await until("the view is stale", () => stateOf(store) === "store_unavailable", BOUND_MS);
      expect(() => store.keys.revocations()).toThrow("out of reach");
      const used = useOf("a");
      const took = await tookMs(async () => {
        expect(await asked(store, used)).toBe("store_unavailable");
      });
      expect(took).toBeLessThan(BOUND_MS);
      expect(performance.now() - cutAtMs).toBeLessThan(2 * BOUND_MS);

      // It stands here at once, whoever waits is told, and Redis gets it when it is back.
      const revoking = store.keys.revoke(REVOKED);
      expect(stateOf(store)).toBe("revoked");
      const failing = tookMs(async () => {
        await expect(revoking).rejects.toMatchObject({ code: "store_unavailable" });
      });
      expect(await failing).toBeLessThan(BOUND_MS);

      await mend();
      await until("the other hears of it", () => stateOf(other) === "revoked");
      expect(await server.command("HLEN", "{agent-keys}:revoked")).toContain(":1");
      await until("others live again", () => stateOf(store, { agents: ["cat"] }) === "live");
      await until("uses count again", async () => (await asked(store, useOf("b"))) === "reserved");
      await Promise.all([store.close(), other.close()]);
      for (const one of end) await one[Symbol.asyncDispose]();
    },
  );

  test("one that is not there when it is opened is an error, which says why", async () => {
    const server = await startRedis();
    await server[Symbol.asyncDispose]();
    const error: unknown = await redisStore({ url: server.url }).catch((why: unknown) => why);
    expect(codeOf(error)).toBe("store_unavailable");
    expect(String((error as Error).cause)).toContain("ECONNREFUSED");
  });

  test("a use whose answer was lost stays spent, and was not sent twice", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy(server.port);
    await using store = await redisStore({ url: `redis://127.0.0.1:${proxy.port}` });
    const [one, two] = [useOf("one", 2), useOf("two")];
    expect(await asked(store, one)).toBe("reserved");
    proxy.loseAnswer("reserved");
    expect(await asked(store, one, two)).toBe("store_unavailable");
    await until("it is back", async () => (await asked(store, useOf("three"))) === "reserved");
    expect(await asked(store, one)).toBe("used_up");
    expect(await asked(store, two)).toBe("used_up");
    const counters = await server.command("KEYS", "{agent-keys}:uses:*");
    expect(counters).toContain("*3\r\n");
  });

  test("a release whose answer was lost gives one use back, however often it is tried", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy(server.port);
    await using store = await redisStore({ url: `redis://127.0.0.1:${proxy.port}` });
    const [kept, given] = [await store.uses.reserve([useOf("a", 3)]), useOf("a", 3)];
    const back = await store.uses.reserve([given]);
    if (!isReserved(kept) || !isReserved(back)) throw new Error("not reserved");
    proxy.loseAnswer("settled");
    expect(await back.release().catch(codeOf)).toBe("store_unavailable");
    await until("it is back", async () => (await asked(store, useOf("b"))) === "reserved");
    await back.release();
    await back.release();
    await back.commit();
    expect(await server.command("KEYS", "{agent-keys}:uses:*")).toContain("*2\r\n");
    expect(await asked(store, given)).toBe("reserved");
    expect(await asked(store, given)).toBe("reserved");
    expect(await asked(store, given)).toBe("used_up");
  });

  test("connections that are dropped again and again are made again, and none is left over", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy(server.port);
    await using store = await redisStore({ url: `redis://127.0.0.1:${proxy.port}` });
    for (let round = 0; round < 10; round += 1) {
      proxy.drop();
      await until("it is back", async () => (await asked(store, useOf(`${round}`))) === "reserved");
    }
    await until("the view is back", () => stateOf(store) === "live");
    expect(proxy.open).toBeLessThanOrEqual(2);
  });
});
