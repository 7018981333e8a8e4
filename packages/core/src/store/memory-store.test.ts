import { expect, test } from "vitest";
import type { KeyFacts } from "../revocation.ts";
import { storeContract } from "../testing/store-contract.ts";
import { memoryStore } from "./memory-store.ts";
import { reached } from "./memory-use-counter.ts";
import {
  chargeId,
  isReserved,
  type KeyState,
  requireLive,
  requireStore,
  storeError,
  type UsesCharge,
} from "./store.ts";

storeContract({ test, open: (now) => memoryStore({ now }) });

const NOW = Date.UTC(2026, 0, 1);
const FACTS: KeyFacts = {
  iss: "urn:desk",
  kids: ["k"],
  ids: ["key"],
  agents: ["bot"],
  scopes: ["a:b"],
};

test("a closed key stays closed past its expiry, for as long as any clock in leeway may ask", () => {
  let now = NOW;
  const { keys } = memoryStore({ now: () => now });
  keys.close({ iss: "urn:desk", id: "key", expiresAtMs: NOW + 10_000 });
  now += 10_000 + 60_000;
  keys.close({ iss: "urn:desk", id: "another", expiresAtMs: now + 10_000 });
  expect(keys.stateOf(FACTS)).toBe("closed");
});

test("what has expired is dropped, so that a long run does not grow", () => {
  let now = NOW;
  const { keys, uses } = memoryStore({ now: () => now });
  keys.close({ iss: "urn:desk", id: "key", expiresAtMs: NOW + 10_000 });
  now += 10_000 + 5 * 60_000;
  keys.close({ iss: "urn:desk", id: "another", expiresAtMs: now });
  expect(keys.stateOf(FACTS)).toBe("live");
  expect(keys.stateOf({ ...FACTS, ids: ["another"] })).toBe("closed");
  expect(uses).toBeDefined();
});

test("a revocation is never dropped", async () => {
  let now = NOW;
  const { keys } = memoryStore({ now: () => now });
  await keys.revoke({ selector: { agent: "bot" }, iss: "urn:desk", atMs: now });
  now += 365 * 86_400_000;
  keys.close({ iss: "urn:desk", id: "another", expiresAtMs: now });
  expect(keys.stateOf(FACTS)).toBe("revoked");
});

test("revoked comes before closed", async () => {
  const { keys } = memoryStore({ now: () => NOW });
  keys.close({ iss: "urn:desk", id: "key", expiresAtMs: NOW });
  await keys.revoke({ selector: { all: true }, iss: "urn:desk", atMs: NOW });
  expect(keys.stateOf(FACTS)).toBe("revoked");
});

test("a use waits for when its key was minted, by a clock that is a little ahead", async () => {
  const charge = (aheadMs: number): UsesCharge => ({
    kind: "uses",
    id: "a",
    limit: 1,
    mintedAtMs: Date.now() + aheadMs,
    expiresAtMs: Date.now() + 60_000,
  });
  const { uses } = memoryStore({ now: Date.now });
  const soon = charge(60);
  expect(await uses.reserve([soon])).toBeTypeOf("object");
  expect(Date.now()).toBeGreaterThanOrEqual(soon.mintedAtMs);
  // A later store, whose epoch is after the use, does not know the key.
  expect(await memoryStore({ now: () => Date.now() + 1 }).uses.reserve([soon])).toBe("unknown");
  expect(await uses.reserve([{ ...charge(60_000), id: "b" }])).toBe("unknown");
  // What is spent stays spent, and is said without waiting.
  expect(await uses.reserve([charge(60_000)])).toBe("used_up");
  const stopped = Date.now();
  const frozen = memoryStore({ now: () => stopped }).uses;
  expect(await frozen.reserve([charge(60)])).toBe("unknown");
});

test("an issuer and an id are never run together", () => {
  const { keys } = memoryStore({ now: () => NOW });
  keys.close({ iss: "a", id: 'b","c', expiresAtMs: NOW });
  expect(keys.stateOf({ ...FACTS, iss: 'a","b', ids: ["c"] })).toBe("live");
  expect(chargeId("a", "b", 1)).not.toBe(chargeId("a", "b,1", 1));
});

test.each<[unknown, string]>([
  ["revoked", "key_revoked"],
  ["closed", "key_closed"],
  ["unknown", "store_unavailable"],
  [undefined, "store_unavailable"],
  [true, "store_unavailable"],
  [Promise.resolve("live"), "store_unavailable"],
])("a view that answers %j does not let the key pass", (state, code) => {
  const view = { ...memoryStore().keys, stateOf: () => state as KeyState };
  expect(() => requireLive(view, FACTS)).toThrow(expect.objectContaining({ code }));
});

test("a view that throws is out of reach, and its own code is kept", () => {
  const throwing = (error: unknown) => ({
    ...memoryStore().keys,
    stateOf: (): never => {
      throw error;
    },
  });
  expect(() => requireLive(throwing(new Error("ECONNREFUSED")), FACTS)).toThrow(
    expect.objectContaining({ code: "store_unavailable", retryable: true }),
  );
  const own = storeError(new Error("stale"));
  expect(() => requireLive(throwing(own), FACTS)).toThrow(own);
  expect(() => requireLive(memoryStore().keys, FACTS)).not.toThrow();
});

test("a store is what has every method of one", () => {
  const { keys, uses } = memoryStore();
  expect(() => requireStore("store", { keys, uses })).not.toThrow();
  for (const name of ["close", "revoke", "restore", "revocations", "stateOf"]) {
    const without = { keys: { ...keys, [name]: undefined }, uses };
    expect(() => requireStore("store", without)).toThrow(TypeError);
  }
  for (const bad of [
    undefined,
    null,
    7,
    {},
    { keys },
    { uses },
    { keys, uses: { ...uses, peek: 1 } },
    { keys, uses, close: 1 },
  ]) {
    expect(() => requireStore("store", bad)).toThrow(
      new TypeError("store: must have keys and uses, as memoryStore() has"),
    );
  }
});

test("a store may be closable, and one that is still opening says so", () => {
  const { keys, uses } = memoryStore();
  expect(() => requireStore("store", { keys, uses, close: async () => undefined })).not.toThrow();
  expect(() => requireStore("store", Promise.resolve({ keys, uses }))).toThrow(
    new TypeError("store: is a promise, await it first"),
  );
});

test("a store opened within a millisecond counts the keys that were minted in it", async () => {
  const { uses } = memoryStore({ now: () => NOW + 0.5 });
  const charge: UsesCharge = {
    kind: "uses",
    id: "key",
    limit: 1,
    mintedAtMs: NOW,
    expiresAtMs: NOW + 10_000,
  };
  expect(await uses.peek([charge])).toBe("available");
  expect(await uses.peek([{ ...charge, mintedAtMs: NOW - 1 }])).toBe("unknown");
});

test.each([
  [-1, undefined, true],
  [0, undefined, true],
  [0.5, 2, true],
  [1, 2, true],
  [1_999.5, 2_001, true],
  [2_000, 2_001, true],
  [2_000.5, undefined, false],
  [2_001, undefined, false],
])("%d ms before the latest mint it waits %j ms", async (aheadMs, waitsMs, expected) => {
  let nowMs = NOW - aheadMs;
  const waited: number[] = [];
  const wait = async (ms: number): Promise<void> => {
    waited.push(ms);
    nowMs += ms;
  };
  const charge: UsesCharge = {
    kind: "uses",
    id: "a",
    limit: 1,
    mintedAtMs: NOW,
    expiresAtMs: NOW + 10_000,
  };
  const charges = [charge, { ...charge, mintedAtMs: NOW - 5_000 }];
  expect(await reached(charges, () => nowMs, wait)).toBe(expected);
  expect(waited).toEqual(waitsMs === undefined ? [] : [waitsMs]);
});

test("an intent stands until it expires, and not one millisecond longer", async () => {
  let now = NOW;
  const { uses } = memoryStore({ now: () => now });
  const one = [{ kind: "intent", id: "a", expiresAtMs: NOW + 1_000 }] as const;
  await uses.reserve(one);
  now += 999;
  expect(await uses.peek(one)).toBe("unknown");
  now += 1;
  expect(await uses.peek(one)).toBe("available");
});

test("what is given back after its count was dropped leaves the limit as it is", async () => {
  let now = NOW;
  const { uses } = memoryStore({ now: () => now });
  const one = (): readonly [UsesCharge] => [
    { kind: "uses", id: "a", limit: 1, mintedAtMs: now, expiresAtMs: now + 1_000 },
  ];
  const late = await uses.reserve(one());
  const intent = [{ kind: "intent", id: "a", expiresAtMs: now + 1_000 }] as const;
  const begun = await uses.reserve(intent);
  const passed = await uses.reserve([{ kind: "window", id: "a", limit: 1, windowMs: 1_000 }]);
  now += 3_600_000;
  await uses.reserve([
    { ...one()[0], id: "b" },
    { ...intent[0], id: "b", expiresAtMs: now },
  ]);
  await uses.reserve([{ kind: "window", id: "b", limit: 1, windowMs: 1_000 }]);
  for (const reserved of [late, begun, passed]) if (isReserved(reserved)) await reserved.release();
  expect(isReserved(await uses.reserve(one()))).toBe(true);
  expect(await uses.reserve(one())).toBe("used_up");
});
