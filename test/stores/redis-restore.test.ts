import { redisStore } from "@agent-keys/stores/redis";
import { describe, expect, test } from "vitest";
import { isSaid } from "../servers/is-said.ts";
import { redisMissing, startRedis } from "../servers/redis.ts";
import { stateOf } from "./asked.ts";
import { startProxy } from "./proxy.ts";
import { until } from "./until.ts";

const SELECTOR = { agent: "bot" } as const;
const ISS = "urn:desk";
const REVOKED = { selector: SELECTOR, iss: ISS, atMs: 1 } as const;
/** Told last: what was owed before it was told with it. */
const LAST = { selector: { user: "last" }, iss: ISS, atMs: 1 } as const;
const UNREACHED = { code: "store_unavailable" };

describe.skipIf(isSaid(redisMissing))("a restoration that Redis could not be told", () => {
  test.each([
    ["by this process", false],
    ["by the next, from its journal", true],
  ])("is not carried out later %s: what was revoked since stands", async (_, restarts) => {
    await using server = await startRedis();
    await using proxy = await startProxy(server.port);
    const journal = `${server.directory}/journal`;
    const options = { url: `redis://127.0.0.1:${proxy.port}`, journal };
    let store = await redisStore(options);
    await using other = await redisStore({ url: server.url });
    await other.keys.revoke(REVOKED);
    await until("it hears of it", () => stateOf(store) === "revoked");
    proxy.hold();
    await expect(store.keys.restore(SELECTOR, ISS)).rejects.toMatchObject(UNREACHED);
    // Lifted nowhere, so not here either.
    expect([stateOf(store), stateOf(other)]).toEqual(["revoked", "revoked"]);
    expect(await other.keys.restore(SELECTOR, ISS)).toBe(1);
    await other.keys.revoke(REVOKED);
    if (restarts) await store.close();
    proxy.heal();
    if (restarts) store = await redisStore(options);
    await until("it is up to date", () => stateOf(store, { agents: ["cat"] }) === "live");
    await store.keys.revoke(LAST);
    await until("all is heard", () => stateOf(other, { user: "last", agents: [] }) === "revoked");
    expect([stateOf(store), stateOf(other)]).toEqual(["revoked", "revoked"]);
    expect(await store.keys.restore(SELECTOR, ISS)).toBe(1);
    await until("it is lifted", () => stateOf(other) === "live");
    await store.close();
  });

  test("is refused by a server that hung meanwhile, and finds it in a connection", async () => {
    await using server = await startRedis();
    await using store = await redisStore({ url: server.url });
    await store.keys.revoke(REVOKED);
    server.process.send("SIGSTOP");
    await expect(store.keys.restore(SELECTOR, ISS)).rejects.toMatchObject(UNREACHED);
    server.process.send("SIGCONT");
    await store.keys.revoke(LAST);
    await until("it is up to date", () => stateOf(store, { agents: ["cat"] }) === "live");
    expect(stateOf(store)).toBe("revoked");
    expect(await server.command("HLEN", "{agent-keys}:revoked")).toContain(":2");
  });

  test("does not take with it the revocation that Redis is still to be told", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy(server.port);
    await using store = await redisStore({ url: `redis://127.0.0.1:${proxy.port}` });
    await using other = await redisStore({ url: server.url });
    proxy.hold();
    const revoke = async (): Promise<unknown> => store.keys.revoke(REVOKED);
    const restore = async (): Promise<unknown> => store.keys.restore(SELECTOR, ISS);
    const ends = await Promise.allSettled([revoke(), restore()]);
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(stateOf(store)).toBe("revoked");
    proxy.heal();
    await until("others hear of it", () => stateOf(other) === "revoked");
    expect(stateOf(store)).toBe("revoked");
  });

  test("at first is told within two seconds, and lifts what stands", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy(server.port);
    await using store = await redisStore({ url: `redis://127.0.0.1:${proxy.port}` });
    await using other = await redisStore({ url: server.url });
    await store.keys.revoke(REVOKED);
    proxy.loseAnswer("acted");
    expect(await store.keys.restore(SELECTOR, ISS)).toBe(1);
    await until("others hear of it", () => stateOf(other) === "live");
  });
});
