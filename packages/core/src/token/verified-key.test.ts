import { describe, expect, test } from "vitest";
import { AgentKeyError } from "../errors.ts";
import type { Charge, UseCounter } from "../store/store.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { Claims, ParentRef } from "./claims.ts";
import { type Admission, admit, factsOf, requireAdmission } from "./verified-key.ts";

const NOW = Date.UTC(2026, 0, 1);

function claims(over: Partial<Claims> = {}): Claims {
  return {
    v: 1,
    iss: "urn:desk",
    aud: "urn:desk",
    sub: "ada",
    act: { sub: "bot" },
    iat: NOW / 1000,
    nbf: NOW / 1000,
    exp: NOW / 1000 + 10,
    jti: "key",
    scope: "tickets:reply tickets:read",
    authorization_details: [
      { type: "agent_key", actions: ["tickets:reply"], constraints: { id: 7 }, uses: 1 },
      {
        type: "agent_key",
        actions: ["tickets:reply"],
        constraints: { id: { in: [7, 8] } },
        uses: 1,
      },
      { type: "agent_key", actions: ["tickets:read"] },
    ],
    ...over,
  };
}

function ancestor(over: Partial<ParentRef>): ParentRef {
  const { iss, iat, exp } = claims();
  return { iss, jti: "p", kid: "k", scope: "a:b", iat, exp, grants: [], uses: [], ...over };
}

const store = (): UseCounter => memoryStore({ now: () => NOW }).uses;
const reply = (id: number): Admission => ({
  request: { scope: "tickets:reply", values: { id } },
  consume: true,
});

async function verdict(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "allowed";
  } catch (error) {
    if (!(error instanceof AgentKeyError)) throw error;
    return error.code;
  }
}

describe("what a request is told", () => {
  test("without a request the token alone is described", async () => {
    const key = await admit(
      claims({
        act: { sub: "helper", act: { sub: "lead", act: { sub: "root" } } },
        txn: "run-1",
        call: "call_1",
        parent: ancestor({ jti: "p" }),
      }),
      {},
      undefined,
    );
    expect(key).toStrictEqual({
      id: "key",
      iss: "urn:desk",
      agent: "helper",
      delegatedBy: ["lead", "root"],
      user: "ada",
      txn: "run-1",
      callId: "call_1",
      argsDigest: undefined,
      scopes: ["tickets:reply", "tickets:read"],
      grants: [
        { scope: "tickets:reply", where: { id: 7 }, uses: 1 },
        { scope: "tickets:reply", where: { id: { in: [7, 8] } }, uses: 1 },
        { scope: "tickets:read" },
      ],
      expiresAt: new Date(NOW + 10_000),
      parentId: "p",
      grant: undefined,
    });
  });

  test("an agent that acts for itself has no user", async () => {
    expect((await admit(claims({ sub: "bot" }), {}, undefined)).user).toBeUndefined();
  });

  test("a scope that no grant has is insufficient, and no other is named", async () => {
    const asked = admit(claims(), { request: { scope: "tickets:delete" } }, store());
    await expect(asked).rejects.toMatchObject({
      code: "insufficient_scope",
      message: "The key does not grant the scope this request needs.",
      cause: {
        message: expect.stringMatching(
          /^the request needs tickets:delete; the key is for /,
        ) as string,
      },
    });
  });

  test.each([["tickets:*"], ["tickets"], [undefined], ["__proto__"]])(
    "%j is no scope that can be asked for",
    async (scope) => {
      const request = { scope: scope as string };
      expect(await verdict(admit(claims(), { request }, store()))).toBe("insufficient_scope");
    },
  );

  test("a value outside every grant is named, never quoted", async () => {
    const error: unknown = await admit(claims(), reply(4711), store()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "constraint_failed" });
    expect((error as Error).cause).toMatchObject({ message: "not allowed by any grant: id" });
    expect(String((error as Error).stack)).not.toContain("4711");
  });
});

describe("a use", () => {
  test("is spent on the next grant when the first has none left, then refused", async () => {
    const uses = store();
    expect((await admit(claims(), reply(7), uses)).grant?.where).toEqual({ id: 7 });
    expect((await admit(claims(), reply(7), uses)).grant?.where).toEqual({ id: { in: [7, 8] } });
    expect(await verdict(admit(claims(), reply(7), uses))).toBe("key_used_up");
    expect(await verdict(admit(claims(), reply(8), uses))).toBe("key_used_up");
  });

  test("is only looked for, and left, without consume", async () => {
    const uses = store();
    const look: Admission = { request: reply(8).request };
    await admit(claims(), look, uses);
    await admit(claims(), look, uses);
    await admit(claims(), reply(8), uses);
    expect(await verdict(admit(claims(), look, uses))).toBe("key_used_up");
  });

  test("is not spent where a grant without a limit allows the request", async () => {
    const free = { type: "agent_key", actions: ["tickets:reply"] } as const;
    const both = claims();
    const wide = claims({ authorization_details: [...both.authorization_details, free] });
    const uses = store();
    await admit(wide, reply(7), uses);
    await admit(wide, reply(7), undefined);
    expect((await admit(claims(), reply(7), uses)).grant?.where).toEqual({ id: 7 });
  });

  test("is of one key of one issuer", async () => {
    const uses = store();
    await admit(claims(), reply(8), uses);
    await admit(claims({ jti: "other" }), reply(8), uses);
    await admit(claims({ iss: "urn:other" }), reply(8), uses);
    expect(await verdict(admit(claims(), reply(8), uses))).toBe("key_used_up");
  });

  test("cannot be counted without a store", async () => {
    expect(await verdict(admit(claims(), reply(7), undefined))).toBe("uses_unenforceable");
    const look: Admission = { request: reply(7).request };
    expect(await verdict(admit(claims(), look, undefined))).toBe("uses_unenforceable");
    const read: Admission = { request: { scope: "tickets:read" }, consume: true };
    expect(await verdict(admit(claims(), read, undefined))).toBe("allowed");
  });

  test("is unknown to a store that opened after the key was minted", async () => {
    const restarted = memoryStore({ now: () => NOW + 1 }).uses;
    expect(await verdict(admit(claims(), reply(7), restarted))).toBe("use_unknown");
    const look: Admission = { request: reply(7).request };
    expect(await verdict(admit(claims(), look, restarted))).toBe("use_unknown");
  });

  test("is charged to every ancestor, under the ancestor's own grant", async () => {
    const due: Charge[] = [];
    const counter: UseCounter = {
      reserve: async (charges) => {
        due.push(...charges);
        return "used_up";
      },
      peek: async () => "used_up",
    };
    const grand = ancestor({
      jti: "grand",
      iat: NOW / 1000 - 20,
      exp: NOW / 1000 + 60,
      grants: [5, 6, 7],
      uses: [9, null, null],
    });
    const parent = ancestor({
      jti: "parent",
      iat: NOW / 1000 - 10,
      exp: NOW / 1000 + 30,
      grants: [2, 1, 0],
      uses: [3, 4, null],
      parent: grand,
    });
    await verdict(admit(claims({ parent }), reply(8), counter));
    const kind = "uses";
    const own = { kind, mintedAtMs: NOW, expiresAtMs: NOW + 12_000 };
    const parents = { kind, mintedAtMs: NOW - 10_000, expiresAtMs: NOW + 32_000 };
    const grands = { kind, mintedAtMs: NOW - 20_000, expiresAtMs: NOW + 62_000 };
    expect(due).toEqual([
      { id: '["urn:desk","key",1]', limit: 1, ...own },
      { id: '["urn:desk","parent",1]', limit: 4, ...parents },
    ]);
    due.length = 0;
    await verdict(admit(claims({ parent }), reply(7), counter));
    expect(due.slice(0, 3)).toEqual([
      { id: '["urn:desk","key",0]', limit: 1, ...own },
      { id: '["urn:desk","parent",2]', limit: 3, ...parents },
      { id: '["urn:desk","grand",5]', limit: 9, ...grands },
    ]);
  });

  test("that a store cannot count is refused with a code, whatever the store throws", async () => {
    const commit = () => Promise.reject(new Error("ECONNRESET"));
    const broken: readonly UseCounter["reserve"][] = [
      () => Promise.reject(new Error("ECONNREFUSED")),
      () => Promise.reject(new AgentKeyError("store_unavailable")),
      async () => ({ commit, release: commit }),
      async () => undefined as never,
    ];
    for (const reserve of broken) {
      const counter: UseCounter = { reserve, peek: () => Promise.reject(new Error("down")) };
      expect(await verdict(admit(claims(), reply(7), counter))).toBe("store_unavailable");
      const look: Admission = { request: reply(7).request };
      expect(await verdict(admit(claims(), look, counter))).toBe("store_unavailable");
    }
  });

  test.each(["fine", true, null, undefined, {}])(
    "that a store answers with %j, which is of no known kind, is not admitted",
    async (answer) => {
      const counter: UseCounter = {
        reserve: async () => answer as never,
        peek: async () => answer as never,
      };
      const { request } = reply(7);
      expect(await verdict(admit(claims(), reply(7), counter))).toBe("store_unavailable");
      expect(await verdict(admit(claims(), { request }, counter))).toBe("store_unavailable");
    },
  );
});

test("consume without a request would spend nothing, and is a mistake", () => {
  expect(() => requireAdmission({ consume: true })).toThrow(
    new TypeError("consume: needs the request that it is spent for"),
  );
  expect(() => requireAdmission({ ...reply(7) })).not.toThrow();
});

test("a key is matched by what it is and by every ancestor", () => {
  const grand = ancestor({ jti: "g", kid: "k0", scope: "a:x a:y" });
  const parent = ancestor({ jti: "p", kid: "k1", scope: "a:x", parent: grand });
  const delegated = claims({ act: { sub: "helper", act: { sub: "bot" } }, txn: "run-1", parent });
  expect(factsOf(delegated, "k2")).toStrictEqual({
    iss: "urn:desk",
    kids: ["k2", "k1", "k0"],
    ids: ["key", "p", "g"],
    agents: ["helper", "bot"],
    user: "ada",
    txn: "run-1",
    scopes: ["tickets:reply", "tickets:read", "a:x", "a:x", "a:y"],
  });
});
