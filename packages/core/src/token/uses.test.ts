import { describe, expect, test } from "vitest";
import { AgentKey } from "../agent-key.ts";
import {
  AgentKeyError,
  type Charge,
  chargeId,
  memoryStore,
  type ReserveRefusal,
  type UseCounter,
} from "../index.ts";
import { testKeys } from "../testing/index.ts";
import type { EffectiveGrant } from "../enforce/under-policy.ts";
import type { Claims } from "./claims.ts";
import { chargesFor, peekUse, reserveUse, type UsableGrant, usableGrants } from "./uses.ts";

const keys = testKeys();
const store = (): UseCounter => memoryStore({ now: () => keys.clock.now() }).uses;

const usable = (uses: readonly (number | undefined)[]): readonly UsableGrant[] => {
  const grants = uses.map((limit, index) => ({
    scope: `a:b${index}`,
    ...(limit === undefined ? {} : { uses: limit }),
  }));
  const { claims } = AgentKey.signedBy(keys.mint(grants));
  return uses.map((_, index) => ({
    index,
    due: chargesFor(claims, effective(index, uses[index])),
  }));
};

const effective = (index: number, limit: number | undefined, counter = index): EffectiveGrant => ({
  grant: { scope: "a:b", uses: limit },
  index,
  counter,
  windows: [],
});

const refusal = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    await attempt;
    return "reserved";
  } catch (error) {
    if (!(error instanceof AgentKeyError)) throw error;
    return error.code;
  }
};

describe("a use that is reserved", () => {
  test("is gone for everybody else, until it is released, and for good once committed", async () => {
    const counter = store();
    const one = usable([1]);
    const first = await reserveUse(one, counter);
    expect(await refusal(reserveUse(one, counter))).toBe("key_used_up");
    await first.reservation.release();
    const second = await reserveUse(one, counter);
    await second.reservation.commit();
    await second.reservation.release();
    expect(await refusal(reserveUse(one, counter))).toBe("key_used_up");
  });

  test("is had once by a thousand who ask at once", async () => {
    const counter = store();
    const one = usable([1]);
    const ends = await Promise.all(
      Array.from({ length: 1_000 }, () => refusal(reserveUse(one, counter))),
    );
    expect(ends.filter((end) => end === "reserved")).toHaveLength(1);
    expect(new Set(ends)).toEqual(new Set(["reserved", "key_used_up"]));
  });

  test("is of a grant without a limit first, which nobody counts; then of the first with one left", async () => {
    const free = await reserveUse(usable([1, undefined]), undefined);
    expect(free.index).toBe(1);
    await expect(free.reservation.commit()).resolves.toBeUndefined();
    await expect(free.reservation.release()).resolves.toBeUndefined();
    const counter = store();
    const two = usable([1, 1]);
    expect((await reserveUse(two, counter)).index).toBe(0);
    expect((await reserveUse(two, counter)).index).toBe(1);
  });

  test("is seen before it is set aside, of the same grant", async () => {
    expect(await peekUse(usable([1, undefined]), undefined)).toBe(1);
    const counter = store();
    const two = usable([1, 1]);
    expect(await peekUse(two, counter)).toBe(0);
    await reserveUse(two, counter);
    expect(await peekUse(two, counter)).toBe(1);
    await reserveUse(two, counter);
    expect(await refusal(peekUse(two, counter))).toBe("key_used_up");
  });

  test("is refused by what a wait helps, if it helps any of the grants; and never by what it may not", async () => {
    const wait = (retryAfterMs: number) => ({ refusal: "too_many", retryAfterMs }) as const;
    const told = async (...answers: readonly ReserveRefusal[]) => {
      const left = [...answers];
      const reserve = async () => left.shift() ?? ("used_up" as const);
      const grants = usable(answers.map(() => 1));
      return await reserveUse(grants, { reserve, peek: reserve }).catch((error: unknown) => error);
    };
    expect(await told("used_up", "used_up")).toMatchObject({ code: "key_used_up" });
    expect(await told("used_up", wait(9), wait(7))).toMatchObject({
      code: "rate_exceeded",
      retryable: true,
      retryAfterMs: 7,
    });
    expect(await told(wait(9), "unknown", "used_up")).toMatchObject({
      code: "use_unknown",
      cause: { message: expect.stringMatching(/^the store began after .* a restart/) as string },
    });
  });

  test("is refused where nobody counts, or nobody knows", async () => {
    expect(await refusal(reserveUse(usable([1]), undefined))).toBe("uses_unenforceable");
    const one = usable([1]);
    keys.clock.advance(1);
    expect(await refusal(reserveUse(one, store()))).toBe("use_unknown");
  });

  test("is store_unavailable at every step at which the store fails", async () => {
    const fails = (): never => {
      throw new Error("down");
    };
    const down: UseCounter = { reserve: fails, peek: fails };
    expect(await refusal(reserveUse(usable([1]), down))).toBe("store_unavailable");
    const later: UseCounter = {
      reserve: async () => ({ commit: fails, release: fails }),
      peek: fails,
    };
    const { reservation } = await reserveUse(usable([1]), later);
    expect(await refusal(reservation.commit())).toBe("store_unavailable");
    expect(await refusal(reservation.release())).toBe("store_unavailable");
  });
});

test("only what allows the request is usable, by its place in what policy leaves", () => {
  const { claims } = AgentKey.signedBy(keys.mint(["a:b0", "a:b1"]));
  const left = [effective(0, 1), effective(0, 2), effective(1, undefined)];
  expect(usableGrants(claims, left, [2, 0])).toMatchObject([
    { index: 2, due: [] },
    { index: 0, due: [{ limit: 1 }] },
  ]);
  expect(usableGrants(claims, left, [3])).toEqual([]);
});

describe("the intent of a call", () => {
  const args = "d".repeat(43);
  const asked = [{ scope: "a:b0", uses: 1 }, { scope: "a:b1", uses: 5 }, { scope: "a:b2" }];
  const signed = AgentKey.signedBy(keys.mint(asked, { txn: "run-1", user: "ada" })).claims;
  const claims: Claims = { ...signed, args };
  const left = (...limits: readonly (number | undefined)[]) =>
    limits.map((limit, index) => effective(index, limit));
  const intents = (of: Claims, grants: readonly EffectiveGrant[], allowing = [0, 1, 2]) =>
    usableGrants(of, grants, allowing).map(({ due }) =>
      due.flatMap((one) => (one.kind === "intent" ? [one.id] : [])),
    );

  test("is charged to every limited grant, where one of them allows a single use", () => {
    const [[id] = []] = intents(claims, left(1, 5, undefined));
    const grant = '{"scope":"a:b0","uses":1}';
    expect(JSON.parse(id ?? "")).toEqual([
      "intent",
      claims.iss,
      "test-agent",
      "ada",
      "run-1",
      grant,
      args,
    ]);
    expect(intents(claims, left(1, 5, undefined))).toEqual([[id], [id], []]);
    expect(intents(claims, left(1, 1, 1))[2]).toHaveLength(3);
    expect(intents(claims, left(2, 5, undefined))).toEqual([[], [], []]);
    expect(intents(claims, left(1, 5, undefined), [1, 2])).toEqual([[], []]);
    // One counter is one grant, however many rules cut it.
    const cut = [effective(0, 1), { ...effective(1, 1), counter: 0 }];
    expect(intents(claims, cut, [0, 1])).toEqual([[id], [id]]);
  });

  test("is there only where a run and arguments are known, and outlives the key by 15 minutes", () => {
    const { txn: _txn, ...noRun } = claims;
    expect(intents(noRun, left(1), [0])).toEqual([[]]);
    expect(intents(signed, left(1), [0])).toEqual([[]]);
    const [{ due } = { due: [] }] = usableGrants(claims, left(1), [0]);
    const expiresAtMs = Math.round((claims.exp + 902) * 1000);
    expect(due).toMatchObject([{ kind: "uses" }, { kind: "intent", expiresAtMs }]);
  });

  test("is the same for a new key of the same call, and another for every other call", () => {
    const [[id] = []] = intents(claims, left(1), [0]);
    const again = { ...claims, jti: "another-key-of-it", iat: claims.iat + 5, exp: claims.exp + 5 };
    expect(intents(again, left(1), [0])).toEqual([[id]]);
    const others: readonly Partial<Claims>[] = [
      { iss: "urn:other" },
      { act: { sub: "other", act: claims.act } },
      { sub: "bob" },
      { txn: "run-2" },
      { args: "e".repeat(43) },
      { authorization_details: [{ ...claims.authorization_details[0]!, constraints: { x: 1 } }] },
    ];
    const ids = others.flatMap((other) => intents({ ...claims, ...other }, left(1), [0]).flat());
    expect(new Set([id, ...ids]).size).toBe(7);
  });

  test("is refused as unknown until its result is known, and no other grant is tried for it", async () => {
    const counter = memoryStore({ now: () => claims.iat * 1000 }).uses;
    const two = [effective(0, 1), effective(1, 5)];
    const ask = (of: Claims) => reserveUse(usableGrants(of, two, [0, 1]), counter);
    const first = await ask(claims);
    const newer = { ...claims, jti: "another-key-of-it" };
    expect(await refusal(ask(newer))).toBe("use_unknown");
    await first.reservation.commit();
    expect((await ask(newer)).index).toBe(0);
  });
});

describe("what a use is charged to", () => {
  const idsAndLimits = (due: readonly Charge[]): unknown =>
    due.map((one) => [JSON.parse(one.id) as unknown, one.kind === "uses" && one.limit]);

  test("is the key's own limit, or the lower one of a policy, on the counter that it names", () => {
    const { claims } = AgentKey.signedBy(keys.mint([{ scope: "a:b" }, { scope: "a:c", uses: 5 }]));
    const id = (grant: number): unknown => JSON.parse(chargeId(claims.iss, claims.jti, grant));
    expect(chargesFor(claims, effective(0, undefined))).toEqual([]);
    expect(idsAndLimits(chargesFor(claims, effective(1, 5)))).toEqual([[id(1), 5]]);
    expect(idsAndLimits(chargesFor(claims, effective(1, 2)))).toEqual([[id(1), 2]]);
    expect(idsAndLimits(chargesFor(claims, effective(1, 2, 0)))).toEqual([[id(0), 2]]);
    expect(idsAndLimits(chargesFor(claims, effective(0, 3)))).toEqual([[id(0), 3]]);
  });

  test("is the window of the rule that allows it, beside any limit or alone", () => {
    const { claims } = AgentKey.signedBy(keys.mint("a:b"));
    const window = { kind: "window", id: "w", limit: 3, windowMs: 1_000 } as const;
    const windows = [window, { ...window, id: "of who delegated" }];
    expect(chargesFor(claims, { ...effective(0, undefined), windows })).toEqual(windows);
    expect(chargesFor(claims, { ...effective(0, 1), windows })).toMatchObject([
      { kind: "uses", limit: 1 },
      ...windows,
    ]);
  });

  test("is every ancestor too, each by its own limit", () => {
    const parent = keys.mint({ scope: "a:b", uses: 3 });
    const child = keys.for({ agent: "child", parent }).mint({ scope: "a:b", uses: 1 });
    const { claims } = AgentKey.signedBy(child);
    expect(chargesFor(claims, effective(0, 1))).toMatchObject([{ limit: 1 }, { limit: 3 }]);
  });
});
