import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isRevokedBy, type KeyFacts, type RevocationSelector } from "../revocation.ts";
import { revocationIndex } from "./revocation-index.ts";

const NOW = Date.UTC(2026, 0, 1);
const few = fc.constantFrom("a", "b", "__proto__");
const issuer = fc.option(fc.constantFrom("a", "b"), { nil: undefined });
const selector: fc.Arbitrary<RevocationSelector> = fc.oneof(
  fc.record({ id: few }),
  fc.record({ agent: few }),
  fc.record({ user: few }),
  fc.record({ txn: few }),
  fc.record({ kid: few }),
  fc.record({ issuer: few }),
  fc.record({ scope: fc.constantFrom("a:*", "a:b", "a:b.*", "a:b.c", "a:b.c.*", "b:*") }),
  fc.constant({ all: true } as const),
);
const lists = fc.array(few, { maxLength: 2 });
const facts: fc.Arbitrary<KeyFacts> = fc.record({
  iss: fc.constantFrom("a", "b"),
  kids: lists,
  ids: lists,
  agents: lists,
  user: fc.option(few, { nil: undefined }),
  txn: fc.option(few, { nil: undefined }),
  scopes: fc.array(fc.constantFrom("a:b", "a:b.c", "a:b.c.d", "a:bb", "aa:b", "b:c"), {
    maxLength: 2,
  }),
});
const act = fc.record({ selector, iss: issuer, restore: fc.boolean() });

test("a key is stopped if, and only if, one of the standing revocations stops it", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 5 }), facts, (acts, key) => {
      const index = revocationIndex(() => NOW);
      for (const { selector: by, iss, restore } of acts) {
        if (!restore) index.add({ selector: by, iss, atMs: NOW });
        else index.remove(by, iss);
      }
      const stopped = index.all().some((revocation) => isRevokedBy(key, revocation));
      expect(index.stops(key)).toBe(stopped);
    }),
    { numRuns: 5_000 },
  );
});

test("what is added is listed once, and gone when it is removed, but only for that issuer", () => {
  fc.assert(
    fc.property(selector, issuer, (by, iss) => {
      const index = revocationIndex(() => NOW);
      index.add({ selector: by, iss, atMs: NOW });
      index.add({ selector: by, iss, reason: "again", atMs: NOW + 1 });
      expect(index.all()).toEqual([{ selector: by, iss, reason: "again", atMs: NOW + 1 }]);
      expect(index.remove(by, iss === undefined ? "a" : undefined)).toBe(false);
      expect(index.remove(by, iss)).toBe(true);
      expect(index.remove(by, iss)).toBe(false);
      expect(index.all()).toEqual([]);
    }),
  );
});

const KEY: KeyFacts = { iss: "a", kids: ["k"], ids: ["dead"], agents: ["bot"], scopes: ["a:b"] };
const WEEK_MS = 7 * 86_400_000;

test("a revoked scope stands, whatever else is lifted beside it", () => {
  const index = revocationIndex(() => NOW);
  const add = (selector: RevocationSelector): void => index.add({ selector, iss: "a", atMs: NOW });
  add({ scope: "a:*" });
  const others: readonly RevocationSelector[] = [
    { id: "x" },
    { user: "x" },
    { scope: "x:*" },
    { all: true },
  ];
  for (const other of others) {
    add(other);
    add(other);
    expect(index.remove(other, "a")).toBe(true);
    expect(index.remove(other, "a")).toBe(false);
    expect(index.stops(KEY)).toBe(true);
  }
  index.remove({ scope: "a:*" }, "a");
  expect(index.stops(KEY)).toBe(false);
});

test("an id is forgotten once no key of it can live, and nothing else ever is", () => {
  let now = NOW;
  const index = revocationIndex(() => now);
  // One that says it was made long ago stops a key that was minted just now all the same.
  index.add({ selector: { id: "dead" }, iss: "a", atMs: NOW - WEEK_MS });
  const standing: readonly RevocationSelector[] = [
    { agent: "x" },
    { user: "x" },
    { txn: "x" },
    { kid: "x" },
    { issuer: "x" },
    { scope: "x:*" },
  ];
  for (const one of standing) index.add({ selector: one, iss: "a", atMs: NOW });
  now = NOW + 902_000;
  index.add({ selector: { id: "other" }, iss: "a", atMs: now });
  expect(index.stops(KEY)).toBe(true);
  now = NOW + WEEK_MS;
  index.add({ selector: { id: "another" }, iss: "a", atMs: now });
  expect(index.all().map((revocation) => revocation.selector)).toEqual([
    { id: "another" },
    ...standing,
  ]);
});

test("a check asks as much of 20,000 revocations as of none", () => {
  const index = revocationIndex(() => NOW);
  for (let i = 0; i < 20_000; i += 1) {
    index.add({ selector: { id: `id${i}` }, iss: "a", atMs: NOW });
    index.add({ selector: { user: `user${i}` }, iss: "a", atMs: NOW });
    index.add({ selector: { scope: `a:b${i}.*` }, iss: "a", atMs: NOW });
    index.add({ selector: { scope: `s${i}:*` }, iss: "b", atMs: NOW });
  }
  const startedMs = performance.now();
  for (let i = 0; i < 1_000; i += 1) expect(index.stops(KEY)).toBe(false);
  // Tried one by one, they are 40 million comparisons: many seconds.
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});
