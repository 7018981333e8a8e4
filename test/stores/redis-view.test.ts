import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { redisStore } from "@agent-keys/stores/redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isSaid } from "../servers/is-said.ts";
import { redisMissing, type RedisServer, startRedis } from "../servers/redis.ts";
import { stateOf } from "./asked.ts";
import { until } from "./until.ts";

const run = promisify(execFile);

describe.skipIf(isSaid(redisMissing))("what processes on one Redis know of keys", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const open = (prefix: string) => redisStore({ url: server.url, prefix });
  const key = (id: string) => ({ iss: "urn:desk", id, expiresAtMs: Date.now() + 60_000 });

  test("what one closes, the others refuse, and so do those that come later", async () => {
    await using one = await open("closed");
    await using other = await open("closed");
    for (let n = 0; n < 1_200; n += 1) one.keys.close(key(`key-${n}`));
    expect(stateOf(one, { ids: ["key-1199"] })).toBe("closed");
    await until("it hears of the last", () => stateOf(other, { ids: ["key-1199"] }) === "closed");
    expect(stateOf(other, { ids: ["key-0"] })).toBe("closed");
    // Several at once: not one message for each.
    expect(await server.command("XLEN", "{closed}:closed")).toMatch(/:[1-9]\r/);
    await using late = await open("closed");
    expect(stateOf(late, { ids: ["key-0"] })).toBe("closed");
    expect(stateOf(late, { ids: ["key-1199"] })).toBe("closed");
    expect(stateOf(late)).toBe("live");
  });

  test("what is closed last is told before the store is closed", async () => {
    const one = await open("last");
    one.keys.close(key("key"));
    await one.close();
    await one.close();
    await using late = await open("last");
    expect(stateOf(late)).toBe("closed");
    expect(() => one.keys.revocations()).not.toThrow();
    await until("it is stale", () => stateOf(one, { ids: ["x"] }) === "store_unavailable", 2_000);
    await expect(one.uses.peek([])).rejects.toMatchObject({ code: "store_unavailable" });
  });

  test("more at once than the stream keeps: all are loaded", async () => {
    await using one = await open("many");
    await using other = await open("many");
    const revoke = async (agent: string) =>
      one.keys.revoke({ selector: { agent }, iss: "urn:desk", atMs: Date.now() });
    await Promise.all(Array.from({ length: 2_500 }, (_, n) => revoke(`bot-${n}`)));
    await until("it has all", () => other.keys.revocations().length === 2_500);
    expect(stateOf(other, { agents: ["bot-0"] })).toBe("revoked");
    expect(await one.keys.restore({ agent: "bot-0" }, "urn:desk")).toBe(1);
    expect(await one.keys.restore({ agent: "bot-0" }, "urn:desk")).toBe(0);
    await until("it is live again", () => stateOf(other, { agents: ["bot-0"] }) === "live");
  });

  test("what somebody else wrote makes it stale, and loads again once it is gone", async () => {
    await using one = await open("odd");
    await server.command("HSET", "{odd}:revoked", "odd", "not a revocation");
    await server.command("HINCRBY", "{odd}:epoch", "acts", "1");
    await until("it cannot tell", () => stateOf(one) === "store_unavailable", 2_500);
    expect(() => one.keys.revocations()).toThrow("out of reach");
    await server.command("HDEL", "{odd}:revoked", "odd");
    await until("it can", () => stateOf(one) === "live");
  });

  test("by id it is dropped from Redis when no key of that id can live any more", async () => {
    await using one = await open("by-id");
    const revoke = async (selector: { readonly id: string } | { readonly user: string }) =>
      one.keys.revoke({ selector, iss: "urn:desk", atMs: Date.now() });
    await Promise.all([revoke({ id: "old" }), revoke({ user: "ada" })]);
    expect(await server.command("HLEN", "{by-id}:revoked")).toContain(":2");
    // As if 20 minutes had passed.
    const name = JSON.stringify(["urn:desk", [["id", "old"]]]);
    await server.command("ZADD", "{by-id}:revoked-until", "1", name);
    await revoke({ id: "new" });
    expect(await server.command("HVALS", "{by-id}:revoked")).not.toContain("old");
    expect(await server.command("HLEN", "{by-id}:revoked")).toContain(":2");
    expect(await server.command("ZCARD", "{by-id}:revoked-until")).toContain(":1");
  });

  test("a store that is open keeps no program from ending, and one that is asked does", async () => {
    const prefix = randomUUID();
    const program = `
      const { redisStore } = await import("@agent-keys/stores/redis");
      const { keys, uses } = await redisStore(${JSON.stringify({ url: server.url, prefix })});
      await uses.peek([]);
      await keys.revoke({ selector: { agent: "bot" }, iss: "urn:desk", atMs: 1 });
      console.log("done");`;
    const args = ["--input-type=module", "-e", program];
    const { stdout } = await run(process.execPath, args, {
      cwd: import.meta.dirname,
      timeout: 20_000,
    });
    expect(stdout).toBe("done\n");
    await using late = await open(prefix);
    expect(stateOf(late)).toBe("revoked");
  });
});
