import { randomUUID } from "node:crypto";
import { type RedisStore, redisStore } from "@agent-keys/stores/redis";
import { describe, expect, test } from "vitest";
import { isSaid } from "../servers/is-said.ts";
import { redisMissing, type RedisServer, startRedis } from "../servers/redis.ts";
import { asked, stateOf, useOf } from "./asked.ts";
import { startProxy } from "./proxy.ts";
import { until } from "./until.ts";

const REVOKED = { selector: { agent: "bot" }, iss: "urn:desk", atMs: 1 } as const;

/** Makes one follow the other, from its start: it has all that the other has. */
async function follow(replica: RedisServer, master: { readonly port: number }): Promise<void> {
  await replica.command("REPLICAOF", "127.0.0.1", `${master.port}`);
  await until("it follows", async () =>
    (await replica.command("INFO", "replication")).includes("master_link_status:up"),
  );
}

const promote = (server: RedisServer): Promise<string> => server.command("REPLICAOF", "NO", "ONE");

/** Until keys minted now count: after what may be a failover, two seconds later. The first replica is one. */
async function newKeysCount(store: RedisStore): Promise<void> {
  await until("new keys count", async () => {
    return (await asked(store, useOf(randomUUID()))) === "reserved";
  });
}

/** How many keys' uses it counts. */
async function counted(server: RedisServer): Promise<number> {
  const answer = await server.command("KEYS", "{agent-keys}:uses:*");
  return Number(/^\*(\d+)/.exec(answer)?.[1]);
}

/** One that takes a replica at once, not after five seconds in which more might come. */
const start = (...args: readonly string[]): Promise<RedisServer> =>
  startRedis(["--repl-diskless-sync-delay", "0", ...args]);

describe.skipIf(isSaid(redisMissing))("a replica that is promoted", () => {
  test("what it lacks is not used twice, and revocations are handed over", async () => {
    await using a = await start();
    await using b = await start();
    const url = [a.url, b.url];
    await using store = await redisStore({ url });
    await using other = await redisStore({ url });
    await using link = await startProxy(a.port);
    await follow(b, link);
    await newKeysCount(store);
    await until("it is there", async () => (await counted(b)) === 1);
    // From here on the replica hears of nothing: its link is up and silent.
    link.hold();
    const [spent, unused] = [useOf("spent"), useOf("unused")];
    expect(await asked(store, spent)).toBe("reserved");
    await store.keys.revoke(REVOKED);
    expect([await counted(a), await counted(b)]).toEqual([2, 1]);
    await a.crash();
    await promote(b);
    for (const one of [store, other]) {
      await until("it is back", async () => (await asked(one, unused)) === "unknown");
      expect(await asked(one, spent)).toBe("unknown");
    }
    await until("it stands there", async () =>
      (await b.command("HLEN", "{agent-keys}:revoked")).includes(":1"),
    );
    await newKeysCount(store);
    expect([stateOf(store), stateOf(other)]).toEqual(["revoked", "revoked"]);
    await using late = await redisStore({ url });
    expect(stateOf(late)).toBe("revoked");
  });

  test("a master that is made a replica while connections stay answers nothing any more", async () => {
    await using a = await start();
    await using b = await start();
    await using store = await redisStore({ url: a.url });
    await follow(b, a);
    await promote(b);
    await follow(a, b);
    await until("the view is stale", () => stateOf(store) === "store_unavailable", 2_000);
    expect(await asked(store, useOf("a"))).toBe("store_unavailable");
    await promote(a);
    await until("it is back", () => stateOf(store) === "live");
  });

  test.each([
    ["which followed the other meanwhile", true],
    ["which was cut off and never knew", false],
  ])("back to the first, %s: what was used at the other is not used again", async (_, followed) => {
    await using a = await start();
    await using b = await start();
    await using way = await startProxy(a.port);
    const url = `redis://127.0.0.1:${way.port}`;
    await using store = await redisStore({ url });
    await using other = await redisStore({ url });
    await follow(b, a);
    await newKeysCount(store);
    await promote(b);
    way.to(b.port);
    await newKeysCount(store);
    const spent = useOf("at-b");
    expect(await asked(store, spent)).toBe("reserved");
    await using link = await startProxy(b.port);
    if (followed) await follow(a, link);
    // Of what comes now the first hears nothing in either case.
    link.hold();
    const unheard = useOf("unheard");
    expect(await asked(store, unheard)).toBe("reserved");
    await promote(a);
    way.to(a.port);
    await until("it is back", async () => (await asked(store, unheard)) === "unknown");
    await until("it is back", async () => (await asked(store, spent)) === "unknown");
    expect(await asked(other, spent)).toBe("unknown");
    await newKeysCount(other);
    await until("they are of one epoch", async () => {
      const one = useOf(randomUUID());
      return (await asked(store, one)) === "reserved" && (await asked(other, one)) === "used_up";
    });
  });

  test("a master that too few replicas follow counts nothing, where it is told so", async () => {
    await using a = await startRedis([
      "--min-replicas-to-write",
      "1",
      "--min-replicas-max-lag",
      "1",
    ]);
    await using b = await start();
    await follow(b, a);
    await until("it counts the replica", async () =>
      (await a.command("SET", "x", "1")).includes("OK"),
    );
    await using store = await redisStore({ url: a.url });
    await newKeysCount(store);
    await b.crash();
    await until("it has noticed", async () => (await a.command("SET", "x", "1")).includes("NOREP"));
    expect(await asked(store, useOf("b"))).toBe("store_unavailable");
    expect(await counted(a)).toBe(1);
    await until("the view is stale", () => stateOf(store) === "store_unavailable", 2_000);
  });
});
