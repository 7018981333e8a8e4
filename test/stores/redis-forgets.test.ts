import { type RedisStore, redisStore } from "@agent-keys/stores/redis";
import { describe, expect, test } from "vitest";
import { isSaid } from "../servers/is-said.ts";
import { redisMissing, startRedis } from "../servers/redis.ts";
import { asked, stateOf, useOf } from "./asked.ts";
import { until } from "./until.ts";

const REVOKED = { selector: { agent: "bot" }, iss: "urn:desk", atMs: 1 } as const;

/** Until keys minted now may be used: servers' clocks may differ by two seconds. */
async function newKeysCount(store: RedisStore): Promise<void> {
  let number = 0;
  await until("a new key is counted", async () => {
    number += 1;
    return (await asked(store, useOf(`new-${number}`))) === "reserved";
  });
}

describe.skipIf(isSaid(redisMissing))("a Redis that may have forgotten", () => {
  test.each([
    ["everything, in a restart", []],
    ["nothing that it says, in a restart", ["--appendonly", "yes", "--appendfsync", "always"]],
  ])("%s: keys from before are refused, and revocations handed over again", async (_, args) => {
    await using server = await startRedis(args);
    await using store = await redisStore({ url: server.url });
    await using other = await redisStore({ url: server.url });
    const [spent, unused] = [useOf("spent"), useOf("unused")];
    expect(await asked(store, spent)).toBe("reserved");
    await store.keys.revoke(REVOKED);
    await server.crash();
    expect(await asked(store, unused)).toBe("store_unavailable");
    expect(await asked(other, spent)).toBe("store_unavailable");
    await server.start();
    for (const one of [store, other]) {
      await until("it is back", async () => (await asked(one, unused)) !== "store_unavailable");
      expect(await asked(one, spent)).toBe("unknown");
      expect(await asked(one, unused)).toBe("unknown");
    }
    await newKeysCount(other);
    await until("it stands in Redis", async () =>
      (await server.command("HLEN", "{agent-keys}:revoked")).includes(":1"),
    );
    expect([stateOf(store), stateOf(other)]).toEqual(["revoked", "revoked"]);
    await using late = await redisStore({ url: server.url });
    expect(stateOf(late)).toBe("revoked");
    expect(stateOf(late, { agents: ["cat"] })).toBe("live");
    // Everybody agrees again which epoch it is.
    expect(await asked(store, useOf("at-last"))).toBe("reserved");
    expect(await asked(other, useOf("and-here"))).toBe("reserved");
  });

  test("everything, while it runs: the same", async () => {
    await using server = await startRedis();
    await using store = await redisStore({ url: server.url });
    await using other = await redisStore({ url: server.url });
    const spent = useOf("spent");
    expect(await asked(store, spent)).toBe("reserved");
    await other.keys.revoke(REVOKED);
    await until("all know", () => stateOf(store) === "revoked");
    await server.command("FLUSHALL");
    expect(await asked(other, spent)).toBe("unknown");
    expect(await asked(store, spent)).toBe("unknown");
    await until("it stands in Redis", async () =>
      (await server.command("HLEN", "{agent-keys}:revoked")).includes(":1"),
    );
    expect(stateOf(store)).toBe("revoked");
    await newKeysCount(store);
  });

  test("one count, for want of memory: no key from before passes", async () => {
    await using server = await startRedis(["--maxmemory-policy", "allkeys-random"]);
    await using store = await redisStore({ url: server.url });
    const spent = useOf("spent");
    expect(await asked(store, spent)).toBe("reserved");
    await store.keys.revoke(REVOKED);
    // As an operator would: it is found out by the next heartbeat.
    await server.command("CONFIG", "SET", "maxmemory", "3mb");
    await until("it is known to evict", async () =>
      (await server.command("HGET", "{agent-keys}:epoch", "evicts")).includes("yes"),
    );
    // At most two seconds before keys that are minted now count again.
    await newKeysCount(store);
    const later = useOf("later");
    expect(await asked(store, later)).toBe("reserved");
    for (let n = 0; n < 300; n += 1) {
      await server.command("SET", `other-${n}`, "x".repeat(10_000));
    }
    expect(await server.command("INFO", "stats")).not.toContain("evicted_keys:0\r");
    expect(["unknown", "store_unavailable"]).toContain(await asked(store, spent));
    expect(["unknown", "store_unavailable"]).toContain(await asked(store, later));
    expect(stateOf(store)).toBe("revoked");
  });

  test("revocations while nobody ran: they stand in a process's journal", async () => {
    await using server = await startRedis();
    const journal = `${server.directory}/journal`;
    const first = await redisStore({ url: server.url, journal });
    await first.keys.revoke(REVOKED);
    await first.keys.revoke({ ...REVOKED, selector: { user: "ada" } });
    await first.keys.restore({ user: "ada" }, "urn:desk");
    await first.close();
    await server.crash();
    await server.start();
    await using again = await redisStore({ url: server.url, journal });
    expect(stateOf(again)).toBe("revoked");
    expect(again.keys.revocations()).toHaveLength(1);
    await using other = await redisStore({ url: server.url });
    await until("others hear of it", () => stateOf(other) === "revoked");
    expect(await other.keys.restore({ agent: "bot" }, "urn:desk")).toBe(1);
    await until("it is lifted", () => stateOf(again) === "live");
    await again.close();
    // Nobody forgot anything since: what was lifted stays so.
    await using third = await redisStore({ url: server.url, journal });
    expect(stateOf(third)).toBe("live");
  });
});
