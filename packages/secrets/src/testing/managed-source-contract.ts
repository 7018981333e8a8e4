import { equal, notEqual, ok, rejects } from "node:assert/strict";
import { AgentKeyError } from "@agent-keys/core";
import { secretCache } from "../secret-cache.ts";
import { secretSourceContract, type SourceUnderTest } from "./secret-source-contract.ts";

/** A source whose credentials a server manages, and what can be done to that server. */
export interface ManagedSourceUnderTest extends SourceUnderTest {
  /** Has the server answer so many requests for secrets with its "too many", and `Retry-After`. */
  readonly throttle: (requests: number, retryAfterSeconds?: number) => void | Promise<void>;
  /** Takes the server down, or up again: connections fail, or it answers 503. */
  readonly setDown: (isDown: boolean) => void | Promise<void>;
  /** How many requests for secrets the server has had, the refused among them. */
  readonly requests: () => number;
}

/** What the contract needs of a test runner and of the source under test. */
export interface ManagedSourceContract {
  /** Registers a test: `test` of Vitest, Jest or `node:test`. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  /** Opens a source on a server, or a place on one, of its own, where nothing is yet. */
  readonly open: () => ManagedSourceUnderTest | Promise<ManagedSourceUnderTest>;
}

/**
 * The tests of `secretSourceContract`, and those that a source passes behind which there is a server: it
 * tries again when there is too much to do, and a cache in front of it outlives its outages.
 */
export function managedSourceContract({ test, open }: ManagedSourceContract): void {
  secretSourceContract({ test, open });

  test("one that is throttled tries again, and not sooner than it was told", async () => {
    const { source, set, throttle, requests } = await open();
    await set("one");
    await source.read();
    await set("two");
    const before = requests();
    await throttle(1, 1);
    const startMs = performance.now();
    equal((await source.read()).value, "two");
    // Timers may be early by a millisecond.
    ok(performance.now() - startMs >= 990, "it came back too soon");
    ok(requests() > before + 1);
  });

  test("all who are throttled at once come through", async () => {
    const { source, set, throttle } = await open();
    await set("one");
    await throttle(2);
    const all = await Promise.all(Array.from({ length: 5 }, () => source.read()));
    for (const { value } of all) equal(value, "one");
  });

  test("one that is down is unavailable, and is there again when it is up", async () => {
    const { source, set, setDown } = await open();
    await set("one");
    await setDown(true);
    await rejects(source.read(), isUnavailable);
    await setDown(false);
    equal((await source.read()).value, "one");
  });

  test("behind a cache, it is read again before its time is over, while the old value serves", async () => {
    const { source, set, requests } = await open();
    await set("one");
    const { cache, pass } = cached(source);
    equal((await cache.read()).value, "one");
    await set("two");
    const before = requests();
    pass(TTL_MS * 0.9);
    equal((await cache.read()).value, "one");
    await until(() => requests() > before);
    await until(async () => (await cache.read()).value === "two");
  });

  test("behind a cache, it serves while the server is down, until its own expiry", async () => {
    const { source, set, setDown } = await open();
    await set("one");
    const { cache, pass } = cached(source);
    const { expiresAtMs } = await cache.read();
    await setDown(true);
    // Past its TTL, so that only an outage lets it serve.
    const leftMs = expiresAtMs === undefined ? KEEP_MS : expiresAtMs - Date.now();
    pass(Math.min(TTL_MS, leftMs / 2));
    for (let i = 0; i < 10; i += 1) equal((await cache.read()).value, "one");
    pass(leftMs);
    await rejects(cache.read(), isUnavailable);
    await setDown(false);
    // By another clock: what is given now expires by the real one.
    equal((await cached(source).cache.read()).value, "one");
  });

  test("behind a cache, what was taken away serves no longer than its TTL", async () => {
    const { source, set } = await open();
    await set("one");
    const { cache, pass } = cached(source);
    await cache.read();
    await set(undefined);
    pass(TTL_MS);
    await rejects(cache.read(), isUnavailable);
  });

  test("behind a cache, rotation under load fails no read", async () => {
    const { source, set } = await open();
    await set("value-0");
    const cache = secretCache(source, { ttl: 0.05 });
    const over = new AbortController();
    const seen = new Set<string>();
    const readers = Array.from({ length: 20 }, async () => {
      while (!over.signal.aborted) {
        seen.add((await cache.read()).value);
        await pause(1);
      }
    });
    for (let count = 1; count <= 10; count += 1) {
      await pause(30);
      await set(`value-${count}`);
    }
    await until(async () => (await cache.read()).value === "value-10");
    over.abort();
    await Promise.all(readers);
    ok(seen.size > 1);
    for (const value of seen) ok(value.startsWith("value-"));
  });

  test("behind a cache, one that was refused is replaced by the one that is there now", async () => {
    const { source, set } = await open();
    await set("one");
    const cache = secretCache(source);
    const { value } = await cache.read();
    await set("two");
    equal((await cache.refresh(value))?.value, "two");
    notEqual((await cache.read()).value, value);
  });
}

const TTL_MS = 60_000;
const KEEP_MS = 15 * 60_000;

/** A cache, and a clock that the test moves: what the source says of an expiry is by the real one. */
function cached(source: Parameters<typeof secretCache>[0]): {
  cache: ReturnType<typeof secretCache>;
  pass: (ms: number) => void;
} {
  let passedMs = 0;
  const cache = secretCache(source, { now: () => Date.now() + passedMs });
  return {
    cache,
    pass: (ms) => {
      passedMs += ms;
    },
  };
}

function isUnavailable(error: unknown): true {
  ok(error instanceof AgentKeyError);
  equal(error.code, "secret_unavailable");
  equal(error.retryable, true);
  return true;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until something is so; fails after a while. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + 5_000;
  while (!(await isSo())) {
    ok(performance.now() < untilMs, "did not happen within 5 s");
    await pause(5);
  }
}
