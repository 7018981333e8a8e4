import { inspect } from "node:util";
import type { SecretSource, SecretValue } from "@agent-keys/core";
import { describe, expect, test, vi } from "vitest";
import { secretCache } from "./secret-cache.ts";
import { secretSourceContract } from "./testing/index.ts";

const START_MS = Date.UTC(2026, 0, 1);
const UNAVAILABLE = { code: "secret_unavailable", retryable: true };

type Answer = SecretValue | Error | Promise<SecretValue>;

/** A source that gives these answers, the last of them for ever, on a clock that the test moves. */
function given(...answers: readonly Answer[]) {
  let nowMs = START_MS;
  const left = [...answers];
  const read = vi.fn<SecretSource["read"]>(async () => {
    const answer = left.length > 1 ? left.shift() : left[0];
    if (answer instanceof Error || answer === undefined) throw answer ?? new Error("no answer");
    return answer;
  });
  const source: SecretSource = { name: "test:canary", read };
  return {
    source,
    read,
    now: () => nowMs,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const value = (text: string, expiresAtMs?: number): SecretValue => ({ value: text, expiresAtMs });

/** Asks this often at once, and gives the values. */
async function times(
  count: number,
  ask: () => Promise<SecretValue | undefined>,
): Promise<readonly (string | undefined)[]> {
  const all = await Promise.all(Array.from({ length: count }, ask));
  return [...new Set(all.map((secret) => secret?.value))];
}

describe("is a source itself, as long as nothing changes within its TTL", () => {
  secretSourceContract({
    test,
    open() {
      let current: string | undefined;
      let nowMs = START_MS;
      const source: SecretSource = {
        name: "test:canary",
        async read({ signal } = {}) {
          signal?.throwIfAborted();
          if (current === undefined || current.trim() === "") throw new Error(`no ${current}`);
          return { value: current };
        },
      };
      const set = (text: string | undefined): void => {
        nowMs += 60_000;
        current = text;
      };
      return { source: secretCache(source, { now: () => nowMs }), set };
    },
  });
});

describe("how long a value is used", () => {
  test("for 60 s, from before it was read", async () => {
    const slow = Promise.withResolvers<SecretValue>();
    const { source, read, now, pass } = given(slow.promise, value("two"));
    const cache = secretCache(source, { now });
    const first = cache.read();
    pass(10_000);
    slow.resolve(value("one"));
    expect((await first).value).toBe("one");
    pass(34_999);
    expect((await cache.read()).value).toBe("one");
    expect(read).toHaveBeenCalledTimes(1);
    pass(15_001);
    expect((await cache.read()).value).toBe("two");
  });

  test("for as long as the TTL says", async () => {
    const { source, now, pass } = given(value("one"), value("two"));
    const cache = secretCache(source, { now, ttl: "5m" });
    await cache.read();
    pass(299_999);
    expect((await cache.read()).value).toBe("one");
    pass(1);
    expect((await cache.read()).value).toBe("two");
  });

  test("never past its own expiry", async () => {
    const { source, now, pass } = given(value("one", START_MS + 5_000), value("two"));
    const cache = secretCache(source, { now });
    await cache.read();
    pass(4_999);
    expect((await cache.read()).value).toBe("one");
    pass(1);
    expect((await cache.read()).value).toBe("two");
  });

  test("a value that has expired when it comes is not used at all", async () => {
    const { source, now, pass } = given(value("one", START_MS), value("two", START_MS + 10));
    const cache = secretCache(source, { now });
    await expect(cache.read()).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: new Error("test:canary: what it gives has expired"),
    });
    pass(10);
    await expect(cache.read()).rejects.toMatchObject(UNAVAILABLE);
  });

  test("when its time is over and the source fails, there is nothing to fall back to", async () => {
    const { source, read, now, pass } = given(value("one"), new Error("down"), value("two"));
    const cache = secretCache(source, { now });
    await cache.read();
    pass(60_000);
    await expect(cache.read()).rejects.toMatchObject(UNAVAILABLE);
    expect((await cache.read()).value).toBe("two");
    expect(read).toHaveBeenCalledTimes(3);
  });

  test("a clock that is set back does not make it last", async () => {
    const { source, now, pass } = given(value("one"), value("two"));
    const cache = secretCache(source, { now });
    await cache.read();
    pass(-3_600_000);
    expect((await cache.read()).value).toBe("two");
  });
});

describe("who asks at the same time", () => {
  test("a hundred readers are one read", async () => {
    const { source, read, now } = given(value("one"));
    const cache = secretCache(source, { now });
    expect(await times(100, () => cache.read())).toEqual(["one"]);
    expect(read).toHaveBeenCalledTimes(1);
  });

  test("they share a failure too, and the next one asks again", async () => {
    const { source, read, now } = given(new Error("down"), value("one"));
    const cache = secretCache(source, { now });
    const all = await Promise.allSettled(Array.from({ length: 100 }, () => cache.read()));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    expect(read).toHaveBeenCalledTimes(1);
    expect((await cache.read()).value).toBe("one");
  });

  test("one who gives up leaves alone", async () => {
    const answer = Promise.withResolvers<SecretValue>();
    const { source, read, now } = given(answer.promise);
    const cache = secretCache(source, { now });
    const abort = new AbortController();
    const leaving = cache.read({ signal: abort.signal });
    const staying = [cache.read(), cache.read({ signal: new AbortController().signal })];
    const reason = new Error("gone");
    abort.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    expect(read.mock.calls[0]?.[0]?.signal?.aborted).toBe(false);
    answer.resolve(value("one"));
    expect((await Promise.all(staying)).map((secret) => secret.value)).toEqual(["one", "one"]);
    expect(read).toHaveBeenCalledTimes(1);
  });

  test("when all give up the read is aborted, and what it brings later is not kept", async () => {
    const late = Promise.withResolvers<SecretValue>();
    const { source, read, now } = given(late.promise, value("new"));
    const cache = secretCache(source, { now });
    const abort = new AbortController();
    const leaving = [1, 2].map(() => cache.read({ signal: abort.signal }));
    abort.abort(new Error("gone"));
    for (const gone of leaving) await expect(gone).rejects.toThrow("gone");
    expect(read.mock.calls[0]?.[0]?.signal?.aborted).toBe(true);
    expect((await cache.read()).value).toBe("new");
    late.resolve(value("old"));
    await late.promise;
    expect((await cache.read()).value).toBe("new");
    expect(read).toHaveBeenCalledTimes(2);
  });

  test("who has given up already asks nothing", async () => {
    const { source, read, now } = given(value("one"));
    const reason = new Error("gone");
    const cache = secretCache(source, { now });
    const options = { signal: AbortSignal.abort(reason) };
    await expect(cache.read(options)).rejects.toBe(reason);
    await expect(cache.refresh("one", options)).rejects.toBe(reason);
    expect(read).not.toHaveBeenCalled();
  });

  test("a source that never answers is given up", async () => {
    const { source, read, now } = given(new Promise<SecretValue>(() => undefined));
    const cache = secretCache(source, { now, timeout: 0.02 });
    await expect(cache.read()).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: new Error("test:canary: gave no answer within 0.02 s"),
    });
    expect(read.mock.calls[0]?.[0]?.signal?.aborted).toBe(true);
  });
});

describe("after the upstream refused a value", () => {
  test("a hundred refusals are one read, and all get what it brings", async () => {
    const { source, read, now } = given(value("one"), value("two"));
    const cache = secretCache(source, { now });
    await cache.read();
    expect(await times(100, () => cache.refresh("one"))).toEqual(["two"]);
    expect(read).toHaveBeenCalledTimes(2);
    expect((await cache.read()).value).toBe("two");
  });

  test("a value that has been replaced already is not read again", async () => {
    const { source, read, now } = given(value("one"), value("two"));
    const cache = secretCache(source, { now });
    await cache.read();
    await cache.refresh("one");
    expect((await cache.refresh("one"))?.value).toBe("two");
    expect(read).toHaveBeenCalledTimes(2);
  });

  test("the same value again is nothing to try with, and is not read for each refusal", async () => {
    const { source, read, now, pass } = given(value("one"));
    const cache = secretCache(source, { now });
    await cache.read();
    expect(await times(100, () => cache.refresh("one"))).toEqual([undefined]);
    // Twice: for those who came while the first was under way, it may have begun too early.
    expect(read).toHaveBeenCalledTimes(3);
    pass(4_999);
    expect(await cache.refresh("one")).toBeUndefined();
    expect(read).toHaveBeenCalledTimes(3);
    pass(1);
    expect(await cache.refresh("one")).toBeUndefined();
    expect(read).toHaveBeenCalledTimes(4);
  });

  test("an old value that comes back is read again when it is refused", async () => {
    const { source, now, pass } = given(value("one"), value("one"), value("two"), value("one"));
    const cache = secretCache(source, { now, ttl: 1 });
    await cache.read();
    expect(await cache.refresh("one")).toBeUndefined();
    pass(1_000);
    expect((await cache.read()).value).toBe("two");
    expect((await cache.refresh("two"))?.value).toBe("one");
  });

  test("a failed read is a refusal, and leaves the value that the source last gave", async () => {
    const { source, now, pass } = given(value("one"), new Error("down"), new Error("down"));
    const cache = secretCache(source, { now });
    await cache.read();
    await expect(cache.refresh("one")).rejects.toMatchObject(UNAVAILABLE);
    expect((await cache.read()).value).toBe("one");
    pass(60_000);
    await expect(cache.read()).rejects.toMatchObject(UNAVAILABLE);
  });
});

describe("a read before the time of a value is over", () => {
  const settled = () => new Promise(setImmediate);

  test("is one read in the background, however many ask, and nobody waits for it", async () => {
    const slow = Promise.withResolvers<SecretValue>();
    const { source, read, now, pass } = given(value("one"), slow.promise);
    const cache = secretCache(source, { now });
    await cache.read();
    pass(45_000);
    expect(await times(100, () => cache.read())).toEqual(["one"]);
    expect(read).toHaveBeenCalledTimes(2);
    slow.resolve(value("two"));
    await settled();
    expect((await cache.read()).value).toBe("two");
    expect(read).toHaveBeenCalledTimes(2);
  });

  test("begins in the last quarter of a life that ends before the TTL", async () => {
    const { source, read, now, pass } = given(
      value("one", START_MS + 8_000),
      value("two", START_MS + 60_000),
    );
    const cache = secretCache(source, { now });
    await cache.read();
    pass(5_999);
    await cache.read();
    expect(read).toHaveBeenCalledTimes(1);
    pass(1);
    expect((await cache.read()).value).toBe("one");
    await settled();
    expect((await cache.read()).value).toBe("two");
  });

  test("that fails is tried again after a second, not by each who asks", async () => {
    const { source, read, now, pass } = given(value("one"), new Error("down"));
    const cache = secretCache(source, { now });
    await cache.read();
    pass(50_000);
    for (let i = 0; i < 20; i += 1) {
      expect((await cache.read()).value).toBe("one");
      await settled();
    }
    expect(read).toHaveBeenCalledTimes(2);
    pass(1_000);
    await cache.read();
    expect(read).toHaveBeenCalledTimes(3);
  });
});

describe("while its source is out of reach", () => {
  const down = (): Error => Object.assign(new Error("canary-4Rfv"), { code: "ECONNREFUSED" });

  test("a value without an expiry serves for 15 minutes, from when it was read", async () => {
    const { source, now, pass } = given(value("one"), down());
    const cache = secretCache(source, { now });
    await cache.read();
    pass(899_999);
    expect((await cache.read()).value).toBe("one");
    pass(1);
    await expect(cache.read()).rejects.toMatchObject(UNAVAILABLE);
  });

  test("or for as long as keep says, which may be no longer than the TTL", async () => {
    const { source, now, pass } = given(value("one"), down());
    const cache = secretCache(source, { now, keep: 1 });
    await cache.read();
    pass(59_999);
    expect((await cache.read()).value).toBe("one");
    pass(1);
    await expect(cache.read()).rejects.toMatchObject(UNAVAILABLE);
  });

  test("one with an expiry serves until then and no longer, whatever keep says", async () => {
    for (const lastsMs of [3_600_000, 30_000]) {
      const { source, now, pass } = given(value("one", START_MS + lastsMs), down());
      const cache = secretCache(source, { now });
      await cache.read();
      pass(lastsMs - 1);
      expect((await cache.read()).value).toBe("one");
      pass(1);
      await expect(cache.read()).rejects.toMatchObject(UNAVAILABLE);
    }
  });

  test("once that is known, nobody waits for it", async () => {
    const { source, read, now, pass } = given(value("one"), down(), new Promise(() => undefined));
    const cache = secretCache(source, { now });
    await cache.read();
    pass(60_000);
    expect((await cache.read()).value).toBe("one");
    pass(2_000);
    expect(await times(100, () => cache.read())).toEqual(["one"]);
    expect(read).toHaveBeenCalledTimes(3);
  });

  test("a source that never answers is out of reach, too", async () => {
    const { source, now, pass } = given(value("one"), new Promise<SecretValue>(() => undefined));
    const cache = secretCache(source, { now, timeout: 0.02 });
    await cache.read();
    pass(60_000);
    expect((await cache.read()).value).toBe("one");
  });

  test("when it is back and refuses the value, that ends", async () => {
    const { source, now, pass } = given(value("one"), down(), new Error("forbidden"), down());
    const cache = secretCache(source, { now });
    await cache.read();
    pass(60_000);
    expect((await cache.read()).value).toBe("one");
    pass(1_000);
    await cache.read();
    await new Promise(setImmediate);
    await expect(cache.read()).rejects.toMatchObject(UNAVAILABLE);
    await expect(cache.read()).rejects.toMatchObject(UNAVAILABLE);
  });

  test("who gives up says nothing of the source", async () => {
    const { source, now, pass } = given(value("one"), new Promise<SecretValue>(() => undefined));
    const cache = secretCache(source, { now, timeout: 0.05 });
    await cache.read();
    pass(60_000);
    const abort = new AbortController();
    const reading = cache.read({ signal: abort.signal });
    abort.abort(new Error("gone"));
    await expect(reading).rejects.toThrow("gone");
  });
});

test("a refusal is not answered by a read that began before the value was replaced", async () => {
  const slow = Promise.withResolvers<SecretValue>();
  const { source, read, now, pass } = given(value("one"), slow.promise, value("two"));
  const cache = secretCache(source, { now });
  await cache.read();
  pass(50_000);
  await cache.read();
  expect(read).toHaveBeenCalledTimes(2);
  // The manager has answered "one" already, when the value is replaced and "one" refused.
  const refreshed = cache.refresh("one");
  slow.resolve(value("one"));
  expect((await refreshed)?.value).toBe("two");
});

describe("closing", () => {
  test("closes the source, and outlasts what that does", async () => {
    const { source } = given(value("one"));
    const close = vi.fn<() => Promise<void>>(async () => {
      throw new Error("canary-4Rfv");
    });
    await expect(secretCache({ ...source, close }).close()).resolves.toBeUndefined();
    expect(close).toHaveBeenCalledTimes(1);
    const endless = { ...source, close: () => new Promise<void>(() => undefined) };
    await secretCache(endless, { timeout: 0.02 }).close();
    await secretCache(source).close();
  });
});

describe("a source may be anybody's", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a bare string", "canary-4Rfv"],
    ["an empty value", { value: "" }],
    ["a value that is none", { value: Buffer.from("canary-4Rfv") }],
    ["an expiry that is none", { value: "canary-4Rfv", expiresAtMs: "soon" }],
    ["an expiry that is no number", { value: "canary-4Rfv", expiresAtMs: Number.NaN }],
  ])("%s is no secret", async (_, answer) => {
    const { source, now } = given(answer as SecretValue);
    const error: unknown = await secretCache(source, { now })
      .read()
      .catch((e: unknown) => e);
    expect(error).toMatchObject(UNAVAILABLE);
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain("canary-4Rfv");
  });

  test("an error of its own is not handed on, whatever it quotes", async () => {
    const quoting = Object.assign(new Error("GET /?token=canary-4Rfv"), {
      code: "canary-4Rfv",
      response: { headers: { authorization: "canary-4Rfv" } },
    });
    const { source, now } = given(quoting);
    const error: unknown = await secretCache(source, { now })
      .read()
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ cause: new Error("test:canary: cannot be read (Error)") });
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain("canary-4Rfv");
  });

  test("one that throws instead of rejecting fails alike", async () => {
    const source = {
      name: "test:canary",
      read: () => {
        throw Object.assign(new Error("no"), { code: "ECONNREFUSED" });
      },
    };
    await expect(secretCache(source).read()).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: new Error("test:canary: cannot be read (ECONNREFUSED)"),
    });
  });
});

test("a cache that holds a value does not show it", async () => {
  const { source, now } = given(value("canary-4Rfv"));
  const cache = secretCache(source, { now });
  const secret = await cache.read();
  for (const held of [cache, secret, { secret }, [secret]]) {
    expect(inspect(held, { depth: null, showHidden: true })).not.toContain("canary-4Rfv");
    expect(JSON.stringify(held)).not.toContain("canary-4Rfv");
  }
  expect(inspect(secret)).toBe("Secret(test:canary)");
  expect(structuredClone(secret)).toEqual({ expiresAtMs: undefined });
  expect(secret.value).toBe("canary-4Rfv");
});

test.each<[unknown, unknown, string]>([
  [undefined, {}, "source must have a name and read()"],
  [{ name: "x" }, {}, "source must have a name and read()"],
  [{ name: "", read: () => 0 }, {}, "source must have a name and read()"],
  [given().source, { ttl: 0 }, "ttl: must be seconds"],
  [given().source, { ttl: "1h" }, "ttl: must be seconds"],
  [given().source, { ttl: 86_401 }, "ttl: must be seconds"],
  [given().source, { ttl: Number.NaN }, "ttl: must be seconds"],
  [given().source, { keep: "1h" }, "keep: must be seconds"],
  [given().source, { timeout: -1 }, "timeout: must be seconds"],
  [given().source, { tll: 5 }, "tll: not an option"],
  [given().source, { now: 5 }, "now: must be a function"],
])("secretCache(%j, %j): %s", (source, options, message) => {
  const make = () => secretCache(source as SecretSource, options as object);
  expect(make).toThrow(TypeError);
  expect(make).toThrow(`secretCache: ${message}`);
});
