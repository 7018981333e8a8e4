import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as elapsed } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { isSaid } from "../../servers/is-said.ts";
import { redisMissing, startRedis } from "../../servers/redis.ts";
import { openIssuer } from "../broker/issuer.ts";
import { seeded } from "../seeded.ts";
import { openCountingUpstream } from "./counting-upstream.ts";
import { openSeveralBrokers, PUBLIC_URL } from "./several-brokers.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-brokers-redis-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ROUNDS = 100;
const REQUESTS = 1_000;
const BROKERS = 3;
const USE = { scope: "tickets:read", uses: 1, expiresIn: "5m" } as const;

describe.skipIf(isSaid(redisMissing))("three brokers on one Redis", () => {
  test("1,000 parallel requests, 100 times, a broker or Redis killed: never a second use", async () => {
    const random = seeded("brokers on Redis", 5_002);
    const issuer = openIssuer();
    const keys = issuer.keysFor(PUBLIC_URL);
    await using redis = await startRedis();
    await using upstream = await openCountingUpstream(() => random.below(20));
    const store = { redis: redis.url };
    const options = { store, issuer, upstream: upstream.url, directory, count: BROKERS };
    await using brokers = await openSeveralBrokers(options);
    const told = new Map<string, number>();
    let spent = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { id, token } = keys.mint(USE);
      const ofRedis = random.chance(0.5);
      const doomed = random.below(BROKERS);
      const killed = elapsed(random.below(250)).then(async () => {
        if (!ofRedis) return brokers.kill(doomed);
        await redis.crash();
        await elapsed(random.below(100));
        await redis.start();
      });
      const answers = await brokers.askAll(token, id, REQUESTS);
      await killed;
      if (!ofRedis) await brokers.replace(doomed);
      const after = await Promise.all([0, 1, 2].map((which) => brokers.askOne(which, token, id)));
      for (const answer of [...answers, ...after]) {
        const what = answer === undefined ? "no answer" : (answer.code ?? String(answer.status));
        told.set(what, (told.get(what) ?? 0) + 1);
      }
      spent += upstream.of(id);
      expect(upstream.of(id)).toBeLessThanOrEqual(1);
      await untilBack(() => brokers.askOne(0, keys.mint({ scope: "tickets:read" }).token, "back"));
    }
    console.log([...told].map(([what, count]) => `${count} × ${what}`).join(", "));
    expect(spent).toBeGreaterThan(ROUNDS / 2);
    // Or Redis was never killed in the middle of anything.
    expect(told.get("store_unavailable")).toBeGreaterThan(ROUNDS);
    expect(told.get("use_unknown")).toBeGreaterThan(ROUNDS);
    expect(told.get("no answer")).toBeGreaterThan(ROUNDS);
  });

  test("nothing reaches the upstream while Redis is down, or hangs; and everything goes on by itself", async () => {
    const issuer = openIssuer();
    const keys = issuer.keysFor(PUBLIC_URL);
    await using redis = await startRedis();
    await using upstream = await openCountingUpstream(() => 0);
    const store = { redis: redis.url };
    const options = { store, issuer, upstream: upstream.url, directory, count: BROKERS };
    await using brokers = await openSeveralBrokers(options);
    const outOfReach = [
      { begin: () => redis.crash(), end: () => redis.start() },
      {
        begin: async () => redis.process.send("SIGSTOP"),
        end: async () => redis.process.send("SIGCONT"),
      },
    ];
    for (const { begin, end } of outOfReach) {
      const { id, token } = keys.mint(USE);
      await begin();
      const startedMs = performance.now();
      const answers = await brokers.askAll(token, id, 60);
      expect(performance.now() - startedMs).toBeLessThan(4_000);
      expect(new Set(answers.map((answer) => answer?.code))).toEqual(
        new Set(["store_unavailable"]),
      );
      // A view that hears nothing refuses keys without a limit as well.
      await elapsed(2_000);
      const unlimited = keys.mint({ scope: "tickets:read" }).token;
      expect((await brokers.askOne(1, unlimited, "free"))?.code).toBe("store_unavailable");
      expect([upstream.of(id), upstream.of("free")]).toEqual([0, 0]);
      await end();
      await untilBack(() => brokers.askOne(1, keys.mint({ scope: "tickets:read" }).token, "back"));
    }
  });
});

/** By itself, within a few seconds. */
async function untilBack(
  ask: () => Promise<{ readonly status: number } | undefined>,
): Promise<void> {
  await expect.poll(async () => (await ask())?.status, { timeout: 10_000 }).toBe(200);
}
