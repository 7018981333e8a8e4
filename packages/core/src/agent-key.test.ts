import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AgentKey } from "./agent-key.ts";
import { testKeys } from "./testing/index.ts";

describe("a handle", () => {
  test("says what its key is", () => {
    const keys = testKeys();
    const grants = [{ scope: "tickets:reply", where: { id: 7 }, uses: 1 }, "tickets:read"];
    const key = keys.mint(grants, { user: "ada", txn: "run-1", expiresIn: "30s" });
    expect(Object.fromEntries(Object.entries(key))).toStrictEqual({
      id: key.id,
      agent: "test-agent",
      user: "ada",
      txn: "run-1",
      parentId: undefined,
      scopes: ["tickets:reply", "tickets:read"],
      expiresAt: new Date(Date.UTC(2026, 0, 1, 0, 0, 30)),
    });
    // Not an own property: its constraint values must not be in a copy of the handle.
    expect(key.grants).toStrictEqual([
      { scope: "tickets:reply", where: { id: 7 }, uses: 1 },
      { scope: "tickets:read" },
    ]);
    expect(key.id).toMatch(/^[\w-]{22}$/);
  });

  test("prints as AgentKey(id, scopes, expiresAt)", () => {
    const key = testKeys().mint(["tickets:read", "tickets:reply"]);
    const form = `AgentKey(${key.id}, tickets:read tickets:reply, 2026-01-01T00:00:10.000Z)`;
    expect(String(key)).toBe(form);
    expect(key.toString()).toBe(form);
    expect(inspect(key)).toBe(form);
    expect(inspect([key], { breakLength: 200 })).toBe(`[ ${form} ]`);
    expect(JSON.stringify({ key })).toBe(JSON.stringify({ key: form }));
  });

  test("is frozen in what it says, which a delegated key is cut from", () => {
    const keys = testKeys();
    const key = keys.mint({ scope: "tickets:reply", where: { id: { in: [7, 8] } } });
    const [grant] = key.grants as unknown as [{ where: { id: { in: number[] } }; uses?: number }];
    expect(() => grant.where.id.in.push(9)).toThrow(TypeError);
    expect(() => Object.assign(grant, { uses: 99 })).toThrow(TypeError);
    expect(() => Object.assign(grant.where, { id: 9 })).toThrow(TypeError);
    expect(() => Object.assign(key.scopes, ["tickets:delete"])).toThrow(TypeError);
    const child = keys
      .for({ parent: key })
      .mint({ scope: "tickets:reply", where: { id: { in: [7, 9] } } });
    expect(child.grants).toEqual([{ scope: "tickets:reply", where: { id: 7 } }]);
  });

  test("is frozen in whom it is for, so that nothing delegated from it is for another", async () => {
    const keys = testKeys();
    const key = keys.mint("tickets:read", { user: "ada", txn: "run-1" });
    const forged = { id: "x", agent: "eve", user: "eve", txn: "run-2", parentId: "x", scopes: [] };
    for (const [name, value] of Object.entries({ ...forged, expiresAt: new Date(0) })) {
      expect(Reflect.set(key, name, value)).toBe(false);
      expect(Reflect.defineProperty(key, name, { value })).toBe(false);
    }
    const { claims } = AgentKey.signedBy(key);
    expect(Reflect.set(claims, "sub", "eve")).toBe(false);
    expect(Reflect.set(claims.act, "sub", "eve")).toBe(false);
    const helper = keys.for({ agent: "helper", parent: key });
    expect(() => helper.mint("tickets:read", { user: "eve" })).toThrow(
      expect.objectContaining({ code: "policy_denied" }),
    );
    const child = helper.mint("tickets:read");
    expect(await keys.verify(child.token)).toMatchObject({ user: "ada", txn: "run-1" });
    await keys.revoke({ user: "ada" });
    for (const { token } of [key, child]) {
      await expect(keys.verify(token)).rejects.toMatchObject({ code: "key_revoked" });
    }
    key.close();
    expect(key.closed).toBe(true);
  });

  test("cannot be posed as by an object that inherits from it", () => {
    const keys = testKeys();
    const key = keys.mint("tickets:read", { user: "ada" });
    const posing = Object.create(key, { user: { value: "eve" } }) as AgentKey;
    expect(() => keys.for({ agent: "helper", parent: posing }).mint("tickets:read")).toThrow(
      TypeError,
    );
  });

  test("gives away a date of its own each time, and a clone has one as well", () => {
    const key = testKeys().mint("tickets:read");
    const until = new Date(Date.UTC(2026, 0, 1, 0, 0, 10));
    key.expiresAt.setFullYear(2099);
    expect(key.expiresAt).toEqual(until);
    const members = Object.fromEntries(Object.entries(key));
    expect(structuredClone(key)).toStrictEqual({ ...members, expiresAt: until });
    expect(JSON.stringify(structuredClone(key))).not.toContain(key.token);
  });
});

describe("closing", () => {
  test("happens once, and the first outcome counts", () => {
    const keys = testKeys();
    const key = keys.mint("tickets:read");
    expect(key.closed).toBe(false);
    key.close("error");
    key.close("ok");
    key[Symbol.dispose]();
    expect(key.closed).toBe(true);
    const closed = keys.events.filter(({ type }) => type === "key.closed");
    expect(closed).toMatchObject([{ keyId: key.id, outcome: "error" }]);
  });

  test("is what `using` does at the end of its block, also when that throws", () => {
    const keys = testKeys();
    let seen: AgentKey | undefined;
    expect(() => {
      using key = keys.mint("tickets:read");
      seen = key;
      throw new Error("body");
    }).toThrow("body");
    expect(seen?.closed).toBe(true);
  });

  test("after the leeway is on record as expired; in it, as it ended", () => {
    const keys = testKeys();
    const [inTime, late, cancelled] = Array.from({ length: 3 }, () => keys.mint("tickets:read"));
    keys.clock.advance(11.999);
    inTime!.close();
    keys.clock.advance(0.001);
    late!.close();
    cancelled!.close("cancelled");
    const outcomes = keys.events.flatMap((event) =>
      event.type === "key.closed" ? [event.outcome] : [],
    );
    expect(outcomes).toEqual(["ok", "expired", "cancelled"]);
  });

  test("does not fail when the store does", () => {
    const keys = testKeys();
    const broken = testKeys({
      store: {
        uses: { reserve: async () => "unknown", peek: async () => "unknown" },
        keys: {
          revoke: () => undefined,
          restore: () => 0,
          revocations: () => [],
          stateOf: () => "live",
          close: () => {
            throw new Error("ECONNREFUSED");
          },
        },
      },
    });
    expect(() => keys.mint("tickets:read").close()).not.toThrow();
    expect(() => broken.mint("tickets:read").close()).not.toThrow();
    expect(broken.events.at(-1)).toMatchObject({ type: "key.closed", outcome: "ok" });
  });
});

describe("a key that nobody closes", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("closes after its expiry and leeway, on the record", () => {
    const keys = testKeys({ now: Date.now });
    const key = keys.mint("tickets:read", { expiresIn: 5 });
    vi.advanceTimersByTime(6_999);
    expect(key.closed).toBe(false);
    vi.advanceTimersByTime(2);
    expect(key.closed).toBe(true);
    expect(keys.events.at(-1)).toMatchObject({
      type: "key.closed",
      keyId: key.id,
      outcome: "expired",
    });
  });

  test("does not close before its own clock says so", () => {
    const keys = testKeys();
    const key = keys.mint("tickets:read");
    vi.advanceTimersByTime(60_000);
    expect(key.closed).toBe(false);
    keys.clock.advance("12s");
    vi.advanceTimersByTime(12_000);
    expect(key.closed).toBe(true);
  });

  test("leaves no timer when it is closed, nor keeps the process alive", () => {
    const keys = testKeys({ now: Date.now });
    const key = keys.mint("tickets:read");
    expect(vi.getTimerCount()).toBe(1);
    key.closeWhenExpired();
    expect(vi.getTimerCount()).toBe(1);
    key.close();
    expect(vi.getTimerCount()).toBe(0);
    key.closeWhenExpired();
    expect(vi.getTimerCount()).toBe(0);
  });
});
