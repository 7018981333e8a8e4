import { redisStore } from "@agent-keys/stores/redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isSaid } from "../servers/is-said.ts";
import { redisMissing, type RedisServer, startRedis } from "../servers/redis.ts";
import { asked, useOf } from "./asked.ts";
import { onClock } from "./redis-at.ts";

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 1);

describe.skipIf(isSaid(redisMissing))("the server's clock", () => {
  let server: RedisServer;
  let nowMs = START_MS;
  let stores = 0;
  const open = () => {
    stores += 1;
    nowMs = START_MS;
    const prefix = `clock-${stores}`;
    const options = { url: server.url, prefix, connect: onClock(() => nowMs) };
    return { prefix, opened: redisStore(options), again: () => redisStore(options) };
  };
  const use = (id: string, mintedAtMs: number) => useOf(id, 1, mintedAtMs);

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("set back a little, it stands still: no key of then is younger, nothing is counted anew", async () => {
    await using store = await open().opened;
    nowMs += 4 * MINUTE_MS;
    const spent = use("spent", nowMs);
    expect(await asked(store, spent)).toBe("reserved");
    nowMs -= 3 * MINUTE_MS;
    expect(await asked(store, spent)).toBe("used_up");
    expect(await asked(store, use("of-then", START_MS + 4 * MINUTE_MS))).toBe("reserved");
    // Nobody can have been minted yet by a clock that is further ahead than the leeway.
    expect(await asked(store, use("ahead", START_MS + 5 * MINUTE_MS))).toBe("unknown");
  });

  test("set back far, it begins anew: nothing from before counts, and what is spent stays spent", async () => {
    const { opened, again } = open();
    await using store = await opened;
    nowMs += 60 * MINUTE_MS;
    const spent = use("spent", nowMs);
    expect(await asked(store, spent)).toBe("reserved");
    nowMs = START_MS + MINUTE_MS;
    expect(await asked(store, spent)).toBe("used_up");
    expect(await asked(store, use("unused", START_MS + 60 * MINUTE_MS))).toBe("unknown");
    expect(await asked(store, use("before", nowMs - 1))).toBe("unknown");
    nowMs += 10_000;
    expect(await asked(store, use("after", nowMs))).toBe("reserved");
    await using other = await again();
    expect(await asked(other, use("after-too", nowMs))).toBe("reserved");
  });

  test("set ahead, past when its records expire: a key whose count may be gone is refused", async () => {
    const { prefix, opened } = open();
    await using store = await opened;
    nowMs += MINUTE_MS;
    const spent = use("spent", nowMs);
    expect(await asked(store, spent)).toBe("reserved");
    nowMs += 25 * MINUTE_MS;
    // What the server does to all that expired by then.
    const found = await server.command("KEYS", `{${prefix}}:uses:*`);
    await server.command("DEL", /\{.*/.exec(found)?.[0] ?? "");
    expect(await server.command("KEYS", `{${prefix}}:uses:*`)).toContain("*0");
    expect(await asked(store, spent)).toBe("unknown");
    nowMs -= 25 * MINUTE_MS;
    expect(await asked(store, spent)).toBe("unknown");
  });

  test("records are kept for 20 minutes after a use, whatever their keys say of themselves", async () => {
    const { prefix, opened } = open();
    await using store = await opened;
    nowMs += MINUTE_MS;
    const dated = (expiresAtMs: number) => ({ ...use("a", nowMs), limit: 9, expiresAtMs });
    const kept = async (): Promise<number> => {
      const found = await server.command("KEYS", `{${prefix}}:uses:*`);
      const [, ttl] = /:(\d+)/.exec(
        await server.command("PTTL", /\{.*/.exec(found)?.[0] ?? ""),
      ) ?? [undefined, "-1"];
      return Math.round(Number(ttl) / MINUTE_MS);
    };
    // By a process whose clock is an hour behind, say.
    expect(await asked(store, dated(nowMs - 60 * MINUTE_MS))).toBe("reserved");
    expect(await kept()).toBe(20);
    expect(await asked(store, dated(nowMs + 30 * MINUTE_MS))).toBe("reserved");
    expect(await kept()).toBe(35);
    expect(await asked(store, dated(nowMs + MINUTE_MS))).toBe("reserved");
    expect(await kept()).toBe(35);
  });
});
