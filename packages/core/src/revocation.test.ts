import { describe, expect, test } from "vitest";
import {
  isRevokedBy,
  type KeyFacts,
  type RevocationSelector,
  selectorSchema,
} from "./revocation.ts";

const FACTS: KeyFacts = {
  iss: "urn:desk",
  kids: ["k2", "k1"],
  ids: ["child", "parent"],
  agents: ["helper", "bot"],
  user: "ada",
  txn: "run-1",
  scopes: ["tickets:reply", "github:repos.read"],
};

describe("a revocation", () => {
  const stops: readonly RevocationSelector[] = [
    { id: "child" },
    { id: "parent" },
    { agent: "helper" },
    { agent: "bot" },
    { user: "ada" },
    { txn: "run-1" },
    { scope: "tickets:reply" },
    { scope: "tickets:*" },
    { scope: "github:repos.*" },
    { issuer: "urn:desk" },
    { kid: "k2" },
    { kid: "k1" },
    { all: true },
  ];
  test.each(stops)(
    "by %j stops the key, for its own issuer and for everybody's operator",
    (selector) => {
      expect(isRevokedBy(FACTS, { selector, iss: "urn:desk", atMs: 0 })).toBe(true);
      expect(isRevokedBy(FACTS, { selector, atMs: 0 })).toBe(true);
      expect(isRevokedBy(FACTS, { selector, iss: "urn:other", atMs: 0 })).toBe(false);
    },
  );

  const misses: readonly RevocationSelector[] = [
    { id: "chil" },
    { agent: "bo*" },
    { user: "Ada" },
    { txn: "run-10" },
    { scope: "tickets:repl" },
    { scope: "github:issues.*" },
    { issuer: "urn:other" },
    { kid: "k" },
  ];
  test.each(misses)("by %j does not", (selector) => {
    expect(isRevokedBy(FACTS, { selector, atMs: 0 })).toBe(false);
  });

  test("by user or run does not stop a key that has none", () => {
    const { user: _, txn: __, ...facts } = FACTS;
    expect(isRevokedBy(facts, { selector: { user: "ada" }, atMs: 0 })).toBe(false);
    expect(isRevokedBy(facts, { selector: { txn: "run-1" }, atMs: 0 })).toBe(false);
  });

  test("of a kind that is not known stops everything rather than nothing", () => {
    const unknown = { selector: { tenant: "x" } as unknown as RevocationSelector, atMs: 0 };
    expect(isRevokedBy(FACTS, unknown)).toBe(true);
  });
});

test("a selector has exactly one member, which is known and sound", () => {
  const good = [
    ...["id", "agent", "user", "txn", "issuer", "kid"].flatMap((name) => [
      { [name]: "x" },
      { [name]: "x".repeat(256) },
    ]),
    { scope: "a:b" },
    { scope: "a:*" },
    { all: true },
  ];
  const bad = [
    {},
    { id: "" },
    { id: 7 },
    { id: "x", agent: "y" },
    ...good.map((selector) => ({ ...selector, unless: "y" })),
    ...["id", "agent", "user", "txn", "issuer", "kid"].flatMap((name) => [
      { [name]: "" },
      { [name]: "x".repeat(257) },
    ]),
    { tenant: "x" },
    { scope: "*" },
    { scope: "a*" },
    { all: false },
    { user: "u".repeat(257) },
    null,
    "all",
  ];
  expect(good.filter((selector) => !selectorSchema.safeParse(selector).success)).toEqual([]);
  expect(bad.filter((selector) => selectorSchema.safeParse(selector).success)).toEqual([]);
});
