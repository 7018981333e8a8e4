import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createAgentKeys } from "./agent-keys.ts";
import { memorySink } from "./audit/memory-sink.ts";
import { steadyClock } from "./clock.ts";
import { AgentKeyError } from "./errors.ts";
import { memoryStore } from "./store/memory-store.ts";
import type { KeyView } from "./store/store.ts";
import { testKeys } from "./testing/index.ts";

async function verdict(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "allowed";
  } catch (error) {
    if (!(error instanceof AgentKeyError)) throw error;
    return error.code;
  }
}

describe("a key's life in process", () => {
  test("mint, verify, close: a closed key is refused from then on", async () => {
    const keys = testKeys();
    const key = keys.mint("tickets:read");
    expect(await keys.verify(key.token)).toMatchObject({ id: key.id, scopes: ["tickets:read"] });
    key.close();
    expect(await verdict(keys.verify(key.token))).toBe("key_closed");
    expect(keys.events.map(({ type }) => type)).toEqual(["key.minted", "key.closed"]);
  });

  test("with `using` it ends with its block", async () => {
    const keys = testKeys();
    let token: string;
    {
      using key = keys.mint("tickets:read");
      token = key.token;
      expect(await verdict(keys.verify(token))).toBe("allowed");
    }
    expect(await verdict(keys.verify(token))).toBe("key_closed");
  });

  test("in a process that shares the store it is refused as well", async () => {
    const store = memoryStore({ now: () => Date.UTC(2026, 0, 1) });
    const { privateKey: signingKey } = generateKeyPairSync("ed25519");
    const [one, two] = [testKeys({ store, signingKey }), testKeys({ store, signingKey })];
    const key = one.mint("tickets:read");
    expect(await verdict(two.verify(key.token))).toBe("allowed");
    key.close();
    expect(await verdict(two.verify(key.token))).toBe("key_closed");
  });

  test("of two issuers in one store neither closes the other's", async () => {
    const store = memoryStore({ now: () => Date.UTC(2026, 0, 1) });
    const [one, two] = [testKeys({ store }), testKeys({ store })];
    const [a, b] = [one.mint("a:b"), two.mint("a:b")];
    a.close();
    await one.revoke({ all: true });
    expect(await verdict(two.verify(b.token))).toBe("allowed");
  });

  test("every refusal of a token is the same to whoever asks", async () => {
    const keys = testKeys();
    for (const token of [undefined, null, 7, "", "x.y.z", "a".repeat(20_000)]) {
      await expect(keys.verify(token)).rejects.toMatchObject({
        code: "token_invalid",
        message: "The token is not a valid agent key.",
        retryable: false,
      });
    }
  });

  test("a clock that fails refuses with a code, and no use is spent", async () => {
    let now = (): number => Date.UTC(2026, 0, 1);
    const keys = testKeys({ now: () => now(), store: memoryStore({ now: () => now() }) });
    const { token } = keys.mint({ scope: "tickets:reply", uses: 1 });
    const admission = { request: { scope: "tickets:reply" }, consume: true };
    const good = now;
    const broken = [Number.NaN, Infinity, undefined as never, "0" as never].map((ms) => () => ms);
    for (const clock of [...broken, () => fail(new Error("no clock"))]) {
      now = clock;
      expect(await verdict(keys.verify(token, admission))).toBe("token_invalid");
    }
    now = good;
    expect(await verdict(keys.verify(token, admission))).toBe("allowed");
    expect(await verdict(keys.verify(token, admission))).toBe("key_used_up");
  });

  test("consume without a request is a TypeError, whatever the token", async () => {
    const keys = testKeys();
    await expect(keys.verify("x", { consume: true })).rejects.toThrow(TypeError);
  });
});

describe("withAgentKey", () => {
  test("gives token and handle, closes when the work ends, and returns what it returned", async () => {
    const keys = testKeys();
    let during = "";
    const result = await keys.withAgentKey("tickets:read", async (token, key) => {
      during = await verdict(keys.verify(token));
      return key;
    });
    expect(during).toBe("allowed");
    expect(result.closed).toBe(true);
    expect(keys.events.at(-1)).toMatchObject({
      type: "key.closed",
      keyId: result.id,
      outcome: "ok",
    });
  });

  const ends: readonly (readonly [string, () => unknown, string])[] = [
    ["a value", () => 1, "ok"],
    ["a promise", async () => 1, "ok"],
    ["a throw", () => fail(new Error("body")), "error"],
    ["a rejection", () => Promise.reject(new Error("body")), "error"],
    ["an abort", () => fail(new DOMException("aborted", "AbortError")), "cancelled"],
  ];
  test.each(ends)("puts the end of %s on record", async (_, fn, outcome) => {
    const keys = testKeys();
    await keys.withAgentKey("tickets:read", fn).catch(() => undefined);
    expect(keys.events.at(-1)).toMatchObject({ type: "key.closed", outcome });
  });

  test("hands on exactly what was thrown", async () => {
    const error = new Error("body");
    await expect(testKeys().withAgentKey("a:b", () => fail(error))).rejects.toBe(error);
  });

  test("does not run the function when the key is refused", async () => {
    const keys = testKeys({ policy: { "test-agent": { allow: [] } } });
    let ran = false;
    const run = keys.withAgentKey("tickets:read", () => {
      ran = true;
    });
    expect(await verdict(run)).toBe("policy_denied");
    expect(ran).toBe(false);
    expect(keys.events.map(({ type }) => type)).toEqual(["key.denied"]);
  });

  test("mints nothing for what is no function", async () => {
    const keys = testKeys();
    await expect(keys.withAgentKey("a:b", undefined as never)).rejects.toThrow(
      new TypeError("withAgentKey: fn must be a function"),
    );
    expect(keys.events).toEqual([]);
  });

  test("a nested key has policy of its own and its parent on record, and no less life", async () => {
    const keys = testKeys();
    await keys.withAgentKey("a:b", async (_, outer) => {
      const inner = keys.mint("a:c", { expiresIn: "5m" });
      expect(inner.parentId).toBe(outer.id);
      expect(inner.expiresAt > outer.expiresAt).toBe(true);
      outer.close();
      expect(await verdict(keys.verify(inner.token))).toBe("allowed");
      expect((await keys.verify(inner.token)).parentId).toBeUndefined();
    });
    expect(keys.events[1]).toMatchObject({
      type: "key.minted",
      parentId: keys.events[0] && idOf(keys.events[0]),
    });
  });
});

function fail(error: unknown): never {
  throw error;
}

function idOf(event: object): unknown {
  return (event as { keyId?: string }).keyId;
}

describe("rotation", () => {
  test("a new key signs, the old one verifies until it is retired", async () => {
    const keys = testKeys();
    const before = keys.mint("a:b");
    const [old] = keys.jwks().keys;
    const kid = keys.rotate();
    const after = keys.mint("a:b");
    expect(keys.jwks().keys.map((key) => key.kid)).toEqual([old!.kid, kid]);
    expect([
      await verdict(keys.verify(before.token)),
      await verdict(keys.verify(after.token)),
    ]).toEqual(["allowed", "allowed"]);
    keys.retire(old!.kid);
    expect(await verdict(keys.verify(before.token))).toBe("token_invalid");
    expect(await verdict(keys.verify(after.token))).toBe("allowed");
    expect(keys.for({ agent: "other" }).jwks()).toEqual(keys.jwks());
  });
});

describe("revocation", () => {
  const selectors = ["id", "agent", "user", "txn", "scope", "issuer", "kid", "all"] as const;
  test.each(selectors)("by %s stops a living key, and restoring lets it live", async (by) => {
    const keys = testKeys({ issuer: "urn:desk" });
    const key = keys.mint("tickets:read", { user: "ada", txn: "run-1" });
    const other = keys
      .for({ agent: "other" })
      .mint("github:repos.read", { user: "bob", txn: "run-2" });
    const selector = {
      id: { id: key.id },
      agent: { agent: "test-agent" },
      user: { user: "ada" },
      txn: { txn: "run-1" },
      scope: { scope: "tickets:*" },
      issuer: { issuer: "urn:desk" },
      kid: { kid: keys.jwks().keys[0]!.kid },
      all: { all: true as const },
    }[by];
    await keys.revoke(selector, { reason: "lost", by: "ops" });
    expect(await verdict(keys.verify(key.token))).toBe("key_revoked");
    const everybody = ["issuer", "kid", "all"].includes(by);
    expect(await verdict(keys.verify(other.token))).toBe(everybody ? "key_revoked" : "allowed");
    expect(keys.events.at(-1)).toMatchObject({
      type: "key.revoked",
      iss: "urn:desk",
      selector,
      reason: "lost",
      by: "ops",
    });
    expect(await keys.restore(selector)).toBe(true);
    expect(keys.events.at(-1)).toMatchObject({ type: "key.restored", selector, by: "test-agent" });
    expect(await verdict(keys.verify(key.token))).toBe("allowed");
    const written = keys.events.length;
    expect(await keys.restore(selector)).toBe(false);
    expect(keys.events).toHaveLength(written);
  });

  test("is an issuer's own: not another's, not for everybody, not undone for the operator", async () => {
    const store = memoryStore({ now: () => Date.UTC(2026, 0, 1) });
    const [one, two] = [
      testKeys({ store, issuer: "urn:one" }),
      testKeys({ store, issuer: "urn:two" }),
    ];
    const key = two.mint("a:b", { user: "ada" });
    await one.revoke({ user: "ada" });
    expect(await verdict(two.verify(key.token))).toBe("allowed");
    await expect(one.revoke({ issuer: "urn:two" })).rejects.toThrow(
      new TypeError("selector: an issuer revokes its own keys only"),
    );
    await store.keys.revoke({ selector: { user: "ada" }, atMs: 0 });
    expect(await two.restore({ user: "ada" })).toBe(false);
    expect(await verdict(two.verify(key.token))).toBe("key_revoked");
  });

  test("waits for a store that shares it, says when that failed, and stands here meanwhile", async () => {
    const { keys: view, uses } = memoryStore({ now: () => Date.UTC(2026, 0, 1) });
    const asked: string[] = [];
    let hold: Promise<void> = Promise.resolve();
    const shared: KeyView = {
      ...view,
      revoke: async (revocation) => {
        asked.push("revoke");
        void view.revoke(revocation);
        await hold;
      },
      restore: async (selector, iss) => {
        asked.push("restore");
        const lifted = await view.restore(selector, iss);
        await hold;
        return lifted;
      },
    };
    const keys = testKeys({ store: { keys: shared, uses } });
    const key = keys.mint("a:b", { user: "ada" });
    let go: () => void = () => undefined;
    hold = new Promise((resolve) => {
      go = resolve;
    });
    let ended = false;
    const revoking = keys.revoke({ user: "ada" }).then(() => {
      ended = true;
    });
    expect(await verdict(keys.verify(key.token))).toBe("key_revoked");
    expect(ended).toBe(false);
    go();
    await revoking;
    expect(await keys.restore({ user: "ada" })).toBe(true);
    expect(await keys.restore({ user: "ada" })).toBe(false);
    const told = keys.events.map(({ type }) => type).filter((type) => type.startsWith("key.re"));
    expect(told).toEqual(["key.revoked", "key.restored"]);
    hold = Promise.reject(new AgentKeyError("store_unavailable"));
    await expect(keys.revoke({ user: "ada" })).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await verdict(keys.verify(key.token))).toBe("key_revoked");
    expect(keys.events.at(-1)).toMatchObject({ type: "key.revoked", selector: { user: "ada" } });
    await expect(keys.restore({ user: "ada" })).rejects.toMatchObject({
      code: "store_unavailable",
    });
    expect(asked).toEqual(["revoke", "restore", "restore", "revoke", "restore"]);
  });

  test.each([
    [{}],
    [{ id: "a", user: "b" }],
    [{ all: false }],
    [{ scope: "*" }],
    [undefined],
    ["all"],
  ])("by %j is a TypeError, and nothing is revoked", async (selector) => {
    const keys = testKeys();
    await expect(keys.revoke(selector as never)).rejects.toThrow(/^selector: /);
    await expect(keys.restore(selector as never)).rejects.toThrow(/^selector: /);
    expect(keys.events).toEqual([]);
    expect(() => keys.mint("a:b")).not.toThrow();
  });

  test("takes a reason that fits on the record", async () => {
    const keys = testKeys();
    for (const notes of [{ reason: "r".repeat(1025) }, { by: 7 as never }]) {
      await expect(keys.revoke({ id: "x" }, notes)).rejects.toThrow(TypeError);
      await expect(keys.restore({ id: "x" }, notes)).rejects.toThrow(TypeError);
    }
    expect(keys.events).toEqual([]);
  });

  test("takes effect whether or not it can be put on record", async () => {
    const keys = testKeys({
      audit: () => {
        throw new Error("ENOSPC");
      },
    });
    const silent = createAgentKeys({
      agent: "bot",
      policy: "allow-all",
      audit: (event) => {
        if (event.type === "key.revoked") throw new Error("ENOSPC");
      },
    });
    const key = silent.mint("a:b");
    await silent.revoke({ agent: "bot" });
    expect(await verdict(silent.verify(key.token))).toBe("key_revoked");
    await expect(keys.revoke({ agent: "test-agent" })).resolves.toBeUndefined();
  });
});

test("a wall clock that is set back gives no key more life", async () => {
  let wall = Date.UTC(2026, 0, 1);
  let elapsed = 0;
  const now = steadyClock(
    () => wall,
    () => elapsed,
  );
  const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: memorySink(), now });
  const key = keys.mint("a:b");
  wall -= 3_600_000;
  elapsed += 11_999;
  expect(await verdict(keys.verify(key.token))).toBe("allowed");
  elapsed += 1;
  expect(await verdict(keys.verify(key.token))).toBe("key_expired");
  expect(keys.mint("a:b").expiresAt.getTime()).toBe(Date.UTC(2026, 0, 1) + 22_000);
});

describe("the record is read back", () => {
  test("by time, tool and number; a filter that is wrong is a TypeError", async () => {
    const keys = testKeys();
    keys.mint("a:b");
    keys.clock.advance(5);
    keys.mint("a:c");
    const scopes = async (filter?: object) =>
      (await keys.logs(filter)).map((event) => ("scopes" in event ? event.scopes?.[0] : undefined));
    expect(await scopes()).toEqual(["a:b", "a:c"]);
    expect(await scopes({ limit: 1 })).toEqual(["a:c"]);
    expect(await scopes({ limit: 0 })).toEqual([]);
    expect(await scopes({ since: new Date(keys.clock.now()) })).toEqual(["a:c"]);
    expect(await scopes({ since: keys.clock.now() + 1 })).toEqual([]);
    expect(await scopes({ tool: "read" })).toEqual([]);
    for (const filter of [
      { since: "yesterday" },
      { limit: Number.NaN },
      { limit: -1 },
      { limit: "1" },
    ]) {
      await expect(keys.logs(filter as never)).rejects.toThrow(TypeError);
    }
  });

  test("from the first sink that can be read; without one there is nothing", async () => {
    const sink = memorySink();
    const keys = createAgentKeys({
      agent: "b",
      policy: "allow-all",
      audit: [() => undefined, sink],
    });
    keys.mint("a:b");
    expect(await keys.logs()).toEqual(sink.events);
    const blind = createAgentKeys({ agent: "b", policy: "allow-all", audit: () => undefined });
    blind.mint("a:b");
    expect(await blind.logs()).toEqual([]);
  });

  test("and flushed at the end of `await using`", async () => {
    let flushed = 0;
    const audit = { write: () => undefined, flush: () => void (flushed += 1) };
    {
      await using keys = createAgentKeys({ agent: "b", policy: "allow-all", audit });
      keys.mint("a:b").close();
      await keys.flush();
      expect(flushed).toBe(1);
    }
    expect(flushed).toBe(2);
  });
});

test("keys say whose they are, as their tokens do", async () => {
  expect(testKeys({ issuer: "urn:desk" }).issuer).toBe("urn:desk");
  const keys = testKeys();
  const { iss } = await keys.verify(keys.mint("tickets:read").token);
  expect(keys.issuer).toBe(iss);
  expect(keys.for({ agent: "other" }).issuer).toBe(iss);
});
