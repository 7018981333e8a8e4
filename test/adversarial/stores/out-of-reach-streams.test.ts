import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentKeyError } from "@agent-keys/core";
import { afterAll, describe, expect, test } from "vitest";
import { freePort } from "../../servers/free-port.ts";
import { isSaid } from "../../servers/is-said.ts";
import { redisMissing, type RedisServer, startRedis } from "../../servers/redis.ts";
import { type Proxy, startProxy } from "../../stores/proxy.ts";
import { openStore } from "../../stores/store-at.ts";
import { until } from "../../stores/until.ts";
import { openIssuer } from "../broker/issuer.ts";
import { endless, type Stream } from "../broker/stream.ts";
import { openCountingUpstream } from "./counting-upstream.ts";
import { histogram } from "./histogram.ts";
import { openSeveralBrokers, PUBLIC_URL } from "./several-brokers.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-out-of-reach-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const OUTAGES = 4;
const BROKERS = [0, 1, 2];
/** What is promised: without the store nothing is let in after so long, and nothing streams on. */
const REFUSED_MS = 2_000;
/** What streams is looked at every 250 ms. */
const CUT_MS = REFUSED_MS + 250;
const REACHED_MS = 2_000;

interface Outage {
  begin(): void | Promise<void>;
  end(): void;
}

const outages: readonly (readonly [string, (redis: RedisServer, proxy: Proxy) => Outage])[] = [
  [
    "Redis is stopped",
    (redis) => ({
      begin: () => redis.process.send("SIGSTOP"),
      end: () => redis.process.send("SIGCONT"),
    }),
  ],
  [
    "connections are dropped and none is taken",
    (redis, proxy) => ({
      begin: async () => proxy.to(await freePort()),
      end: () => proxy.to(redis.port),
    }),
  ],
  [
    "connections are half open",
    (_redis, proxy) => ({ begin: () => proxy.hold(), end: () => proxy.heal() }),
  ],
];

async function openStand() {
  const redis = await startRedis();
  const proxy = await startProxy(redis.port);
  const at = { redis: `redis://127.0.0.1:${proxy.port}` };
  const issuer = openIssuer();
  const upstream = await openCountingUpstream(() => 0, endless);
  const options = { store: at, issuer, upstream: upstream.url, directory };
  const brokers = await openSeveralBrokers({ ...options, count: BROKERS.length });
  const operator = await openStore(at);
  const keys = issuer.keysFor(PUBLIC_URL);
  const streams: Stream[] = [];
  return {
    redis,
    proxy,
    upstream,
    brokers,
    operator,
    mint: (user: string) => keys.for({ user }).mint({ scope: "tickets:read", expiresIn: "5m" }),
    stream: async (token: string) => {
      const opened = await Promise.all(BROKERS.map((which) => brokers.stream(which, token)));
      streams.push(...opened);
      return opened;
    },
    /** How long until all of them answer so. */
    answers: (token: string, last: string, as: string | number) =>
      Promise.all(
        BROKERS.map((which) =>
          until(`broker ${which} answers ${as}`, async () => {
            const answer = await brokers.askOne(which, token, last);
            return answer?.code === as || answer?.status === as;
          }),
        ),
      ),
    async [Symbol.asyncDispose]() {
      for (const { close } of streams) close();
      await operator.close?.();
      await brokers[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(isSaid(redisMissing))("streams through three brokers on one Redis", () => {
  test.each(outages)(
    "are cut when %s, and all comes back by itself",
    async (name, outageOf) => {
      await using stand = await openStand();
      const outage = outageOf(stand.redis, stand.proxy);
      const [refused, cut, back, reached] = [[], [], [], []] as [
        number[],
        number[],
        number[],
        number[],
      ];
      for (let turn = 0; turn < OUTAGES; turn += 1) {
        const [kept, lost] = [`kept-${turn}`, `lost-${turn}`];
        const [live, doomed] = [stand.mint(kept), stand.mint(lost)];
        const streams = [
          ...(await stand.stream(live.token)),
          ...(await stand.stream(doomed.token)),
        ];

        await outage.begin();
        const beganMs = performance.now();
        const revoked = stand.operator.keys.revoke({ selector: { user: lost }, atMs: Date.now() });
        const told = Promise.resolve(revoked).then(
          () => "shared",
          (error: unknown) => (error instanceof AgentKeyError ? error.code : error),
        );
        refused.push(...(await stand.answers(live.token, kept, "store_unavailable")));
        for (const { ended } of streams) {
          const { how, atMs } = await ended;
          expect(how).toBe("cut");
          cut.push(atMs - beganMs);
        }
        expect(await told).toBe("store_unavailable");
        // Nothing is let in while it lasts: not even as far as the upstream.
        const before = stand.upstream.requests;
        for (const which of BROKERS) {
          const answer = await stand.brokers.askOne(which, live.token, kept);
          expect(answer).toMatchObject({ status: 503, code: "store_unavailable" });
        }
        expect(stand.upstream.requests).toBe(before);

        outage.end();
        // Nobody revokes again: who could not share it goes on trying.
        const [again, shared] = await Promise.all([
          stand.answers(live.token, kept, 200),
          stand.answers(doomed.token, lost, "key_revoked"),
        ]);
        back.push(...again);
        reached.push(...shared);
      }
      console.log(
        [
          `${name}: ms until refused: ${histogram(refused)}`,
          `until cut: ${histogram(cut)}`,
          `back: ${histogram(back)}`,
          `what was revoked meanwhile is refused: ${histogram(reached)}`,
        ].join("; "),
      );
      expect(Math.max(...refused)).toBeLessThan(REFUSED_MS);
      expect(Math.max(...cut)).toBeLessThan(CUT_MS);
      expect(Math.max(...back, ...reached)).toBeLessThan(REACHED_MS);
    },
    120_000,
  );

  test("go on when connections are dropped and made again, and are cut by a revocation", async () => {
    await using stand = await openStand();
    const cut: number[] = [];
    for (let turn = 0; turn < OUTAGES; turn += 1) {
      const user = `user-${turn}`;
      const { token } = stand.mint(user);
      const streams = await stand.stream(token);
      stand.proxy.drop();
      await until("all are connected again", () => stand.proxy.open > BROKERS.length);
      const seen = streams.map(({ pieces }) => pieces());
      await until("all go on", () => streams.every(({ pieces }, at) => pieces() > seen[at]! + 5));
      const revokedMs = performance.now();
      await stand.operator.keys.revoke({ selector: { user }, atMs: Date.now() });
      for (const { ended } of streams) {
        const { how, atMs } = await ended;
        expect(how).toBe("cut");
        cut.push(atMs - revokedMs);
      }
    }
    console.log(`dropped and made again: ms until cut: ${histogram(cut)}`);
    expect(Math.max(...cut)).toBeLessThan(1_000);
  }, 60_000);
});
