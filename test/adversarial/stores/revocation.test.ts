import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as elapsed } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { isSaid } from "../../servers/is-said.ts";
import { redisMissing, startRedis } from "../../servers/redis.ts";
import { openStore, type StoreAt } from "../../stores/store-at.ts";
import { openIssuer } from "../broker/issuer.ts";
import { endless } from "../broker/stream.ts";
import { openCountingUpstream } from "./counting-upstream.ts";
import { histogram, quantile } from "./histogram.ts";
import { openSeveralBrokers, PUBLIC_URL } from "./several-brokers.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-revocation-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const REVOCATIONS = 100;
const BROKERS = [0, 1, 2];
/** What is promised: 99 of 100 revocations have reached all brokers after so long. */
const REACHED_MS = 250;
const CUT_MS = 1_000;

const stores: readonly (readonly [string, () => Promise<AsyncDisposable & { at: StoreAt }>])[] = [
  ["SQLite", async () => ({ at: { sqlite: join(directory, "store.db") }, ...nothingToEnd })],
  ["Redis", startRedisStore],
];
const nothingToEnd = { [Symbol.asyncDispose]: async () => undefined };

async function startRedisStore() {
  const redis = await startRedis();
  return { at: { redis: redis.url }, [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose]() };
}

describe.each(stores)("three brokers on one store: %s", (name, start) => {
  const skipped = name === "Redis" && isSaid(redisMissing);
  test.skipIf(skipped)("a revocation reaches all of them, and cuts what streams", async () => {
    await using server = await start();
    const issuer = openIssuer();
    const keys = issuer.keysFor(PUBLIC_URL);
    await using upstream = await openCountingUpstream(() => 0, endless);
    const options = { store: server.at, issuer, upstream: upstream.url, directory };
    await using brokers = await openSeveralBrokers({ ...options, count: BROKERS.length });
    const operator = await openStore(server.at);
    const reached: number[] = [];
    const cut: number[] = [];
    for (let turn = 0; turn < REVOCATIONS; turn += 1) {
      const user = `user-${turn}`;
      const { token } = keys.for({ user }).mint({ scope: "tickets:read", expiresIn: "5m" });
      const streams = await Promise.all(
        turn % 5 === 0 ? BROKERS.map((which) => brokers.stream(which, token)) : [],
      );
      for (const which of BROKERS)
        expect((await brokers.askOne(which, token, user))?.status).toBe(200);
      const revokedMs = performance.now();
      await operator.keys.revoke({ selector: { user }, atMs: Date.now() });
      await Promise.all(BROKERS.map((which) => untilRefused(which, token, user)));
      reached.push(performance.now() - revokedMs);
      for (const { ended } of streams) {
        const { how, atMs } = await ended;
        expect(how).toBe("cut");
        cut.push(atMs - revokedMs);
      }
    }
    console.log(
      `${name}: ms until all three refuse: ${histogram(reached)}; until cut: ${histogram(cut)}`,
    );
    expect(quantile(reached, 0.99)).toBeLessThan(REACHED_MS);
    expect(Math.max(...cut)).toBeLessThan(CUT_MS);
    await operator.close?.();

    async function untilRefused(which: number, token: string, user: string): Promise<void> {
      for (;;) {
        const answer = await brokers.askOne(which, token, user);
        if (answer?.code === "key_revoked") return;
        // Anything else than an answer would hide that it was let in.
        expect(answer?.status).toBe(200);
        await elapsed(1);
      }
    }
  });
});
