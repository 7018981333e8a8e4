import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import type * as original from "./context.ts";
import { currentKey, requireKey } from "./context.ts";
import type { AgentKeys, MintContext } from "./agent-keys.ts";
import { testKeys } from "./testing/index.ts";

test("outside a call there is no key", () => {
  expect(currentKey()).toBeUndefined();
  expect(() => requireKey()).toThrow(
    expect.objectContaining({
      code: "no_key",
      message: "No agent key is running here.",
      retryable: false,
    }),
  );
});

test("inside a call the key is the call's own, across await, and gone after it", async () => {
  const keys = testKeys();
  await keys.withAgentKey("tickets:read", async (token, key) => {
    expect(currentKey()).toBe(key);
    await wait(1);
    expect(requireKey()).toBe(key);
    expect(requireKey().token).toBe(token);
  });
  expect(currentKey()).toBeUndefined();
});

test("parallel calls each see their own", async () => {
  const keys = testKeys();
  const seen = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      keys.withAgentKey("tickets:read", async (_token, key) => {
        await wait(i % 7);
        return requireKey().id === key.id;
      }),
    ),
  );
  expect(seen).toEqual(Array.from({ length: 50 }, () => true));
});

test("a nested call sees the inner key, and the outer one again after it", async () => {
  const keys = testKeys();
  await keys.withAgentKey("tickets:read", async (_, outer) => {
    await keys.withAgentKey("tickets:reply", async (_token, inner) => {
      expect(currentKey()).toBe(inner);
      expect(inner.parentId).toBe(outer.id);
    });
    expect(currentKey()).toBe(outer);
  });
});

test("a second copy of the module sees the same key", async () => {
  const path = "./context.ts?copy";
  const copy = (await import(path)) as typeof original;
  expect(copy.currentKey).not.toBe(currentKey);
  await testKeys().withAgentKey("tickets:read", (_, key) => {
    expect(copy.currentKey()).toBe(key);
  });
});

test("keys.run gives user and run to everything inside, and an inner one adds to it", async () => {
  const keys = testKeys();
  await keys.run({ user: "ada", txn: "run-1" }, async () => {
    await wait(1);
    expect(keys.mint("tickets:read")).toMatchObject({ user: "ada", txn: "run-1" });
    keys.run({ txn: "run-2", user: undefined }, () => {
      expect(keys.mint("tickets:read")).toMatchObject({ user: "ada", txn: "run-2" });
    });
  });
  expect(keys.mint("tickets:read")).toMatchObject({ user: undefined, txn: undefined });
});

test.each(["user", "txn"] as const)(
  "the nearer %s wins: the mint's, then keys.for, keys.run, the running key, the options",
  async (name) => {
    const keys = testKeys({ [name]: "options" });
    const minted = (view: AgentKeys, context?: MintContext) => view.mint("a:b", context)[name];
    const check = (): void => {
      expect(minted(keys)).toBe("running");
      keys.run({ [name]: "run" }, () => {
        expect(minted(keys)).toBe("run");
        const near = keys.for({ [name]: "for" });
        expect(minted(near)).toBe("for");
        expect(minted(near.for({ agent: "other" }))).toBe("for");
        expect(minted(near, { [name]: "mint" })).toBe("mint");
      });
    };
    expect(minted(keys)).toBe("options");
    await keys.withAgentKey("a:b", check, { [name]: "running" });
  },
);
