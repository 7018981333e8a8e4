import { generateKeyPairSync } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AgentKeyError,
  type AgentKeysOptions,
  memoryStore,
  type Policy,
  type PolicyRule,
} from "./index.ts";
import { parsePolicy } from "./policy.ts";
import { ratePeriodMs, rateWindow } from "./rate.ts";
import { type TestKeys, testKeys } from "./testing/index.ts";

const request = { scope: "a:b" } as const;

/** What a request under a new key comes to, now. */
async function ask(keys: TestKeys, agent = "bot", scope = "a:b"): Promise<string> {
  const { token } = keys.for({ agent }).mint(scope);
  return await keys.verify(token, { request: { scope }, consume: true }).then(
    () => "admitted",
    (error: unknown) => (error instanceof AgentKeyError ? error.code : "another error"),
  );
}

const under = (allow: readonly PolicyRule[], options: Partial<AgentKeysOptions> = {}): TestKeys =>
  testKeys({ policy: { bot: { allow }, "other-*": { allow } }, ...options });

describe("a rate", () => {
  test.each<[unknown, number | undefined]>([
    [10, 10_000],
    ["30s", 30_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["0.5h", 1_800_000],
    ["24h", 86_400_000],
    [86_400, 86_400_000],
    [0.0001, 1],
    ["24.02h", undefined],
    ["25h", undefined],
    [86_401, undefined],
    ["1d", undefined],
    ["h", undefined],
    ["1hh", undefined],
    ["1mh", undefined],
    [0, undefined],
    ["0h", undefined],
    [-1, undefined],
    [NaN, undefined],
    [null, undefined],
  ])("counts per %j for %j ms", (per, ms) => {
    expect(ratePeriodMs(per)).toBe(ms);
  });

  test.each<[string, unknown, RegExp]>([
    ["no calls", { per: "1m" }, /rate\.calls: /],
    ["no calls at all", { calls: 0, per: "1m" }, /rate\.calls: must be at least 1/],
    ["a part of a call", { calls: 1.5, per: "1m" }, /rate\.calls: /],
    ["more calls than are remembered", { calls: 10_001, per: "1m" }, /at most 10000 calls/],
    ["no period", { calls: 1 }, /rate\.per: must be seconds/],
    ["a longer one", { calls: 1, per: "25h" }, /rate\.per: must be seconds.*24 hours/],
    ["a misspelt member", { calls: 1, per: "1m", burst: 2 }, /rate: /],
    ["a text", "10/1m", /rate: must be such as/],
  ])("with %s is a mistake, found when the policy is loaded", (_, rate, message) => {
    const policy = { bot: { allow: [{ scope: "a:b", rate }] } };
    expect(() => parsePolicy(policy)).toThrow(message);
  });

  test("stands on an allow rule, and nowhere else", () => {
    const rate = { calls: 1, per: "1m" };
    const deny = [{ scope: "a:b", rate }];
    expect(() => parsePolicy({ bot: { allow: [], deny } })).toThrow(/policy\.bot\.deny\[0\]/);
    expect(() => parsePolicy({ bot: { allow: [], rate } })).toThrow(/policy\.bot/);
    const asked = { scope: "a:b", rate };
    expect(() => testKeys().mint(asked)).toThrow(
      expect.objectContaining({ code: "scope_invalid" }),
    );
  });

  test("is one window for all that its rule cuts, and says when it has room", async () => {
    const keys = under([{ scope: "a:*", rate: { calls: 2, per: "1m" } }]);
    expect(await ask(keys, "bot", "a:b")).toBe("admitted");
    keys.clock.advance("20s");
    expect(await ask(keys, "bot", "a:c")).toBe("admitted");
    const { token } = keys.for({ agent: "bot" }).mint("a:b");
    for (const consume of [true, false]) {
      await expect(keys.verify(token, { request, consume })).rejects.toMatchObject({
        code: "rate_exceeded",
        retryable: true,
        retryAfterMs: 40_000,
      });
    }
    expect(await ask(keys, "other-1")).toBe("admitted");
    keys.clock.advance("40s");
    expect(await ask(keys)).toBe("admitted");
    expect(await ask(keys)).toBe("rate_exceeded");
  });

  test("is another window for another agent, issuer or rule", () => {
    const parsed = (rule: PolicyRule): PolicyRule => {
      const policy = parsePolicy({ bot: { allow: [rule] } }) as Policy;
      return policy["bot"]!.allow[0]!;
    };
    const rate = { calls: 2, per: "1m" } as const;
    const rule = parsed({ scope: "a:*", rate });
    const id = rateWindow("urn:a", "bot", rule)?.id;
    const digest: unknown = expect.stringMatching(/^[\w-]{43}$/);
    expect(JSON.parse(id ?? "")).toEqual(["rate", "urn:a", "bot", digest]);
    expect(rateWindow("urn:a", "bot", parsed({ rate, scope: "a:*" }))).toEqual({
      kind: "window",
      id,
      limit: 2,
      windowMs: 60_000,
    });
    const others = [
      rateWindow("urn:b", "bot", rule),
      rateWindow("urn:a", "bot-2", rule),
      rateWindow("urn:a", "bot", parsed({ scope: "a:b", rate })),
      rateWindow("urn:a", "bot", parsed({ scope: "a:*", rate: { ...rate, calls: 3 } })),
      rateWindow("urn:a", "bot", parsed({ scope: "a:*", rate, where: { x: 1 } })),
    ].map((window) => window?.id);
    expect(new Set([id, ...others]).size).toBe(6);
    expect(rateWindow("urn:a", "bot", parsed({ scope: "a:*" }))).toBeUndefined();
  });

  test("that no policy was asked about counts nothing, and is a mistake", () => {
    const rule = { scope: "a:*", rate: { calls: 1, per: "1d" as never } };
    expect(() => rateWindow("urn:a", "bot", rule)).toThrow(new TypeError("rate.per: not a period"));
  });

  test("of the first of several rules that has room is charged; beside one without a rate, none", async () => {
    const rate = (calls: number) => ({ rate: { calls, per: "1m" } }) as const;
    const two = under([
      { scope: "a:*", ...rate(1) },
      { scope: "a:b", where: { x: { any: true, optional: true } }, ...rate(2) },
    ]);
    const told = [];
    for (let i = 0; i < 4; i += 1) told.push(await ask(two));
    // What the second leaves is within the first, and is not minted a second time.
    expect(told).toEqual(["admitted", "admitted", "admitted", "rate_exceeded"]);
    const free = under([{ scope: "a:*", ...rate(1) }, { scope: "a:b" }]);
    for (let i = 0; i < 4; i += 1) expect(await ask(free)).toBe("admitted");
  });

  test("of a delegated key is that of who acts, not of whom it came from", async () => {
    const rate = { calls: 1, per: "1m" } as const;
    const keys = testKeys({
      policy: {
        lead: { allow: [{ scope: "a:b" }] },
        helper: { allow: [{ scope: "a:b", rate }] },
      },
    });
    const parent = keys.for({ agent: "lead" }).mint("a:b");
    const child = keys.for({ agent: "helper", parent }).mint("a:b");
    const consume = true;
    await keys.verify(child.token, { request, consume });
    await expect(keys.verify(child.token, { request, consume })).rejects.toMatchObject({
      code: "rate_exceeded",
    });
    for (let i = 0; i < 3; i += 1) await keys.verify(parent.token, { request, consume });
  });

  test("takes no use of a key that it refuses, and is not taken by a request that is refused", async () => {
    const keys = under([{ scope: "a:*", rate: { calls: 1, per: "1m" } }]);
    const bot = keys.for({ agent: "bot" });
    const once = bot.mint({ scope: "a:b", uses: 1, expiresIn: "5m" });
    const spent = bot.mint({ scope: "a:b", uses: 1, expiresIn: "5m" });
    const use = { request, consume: true };
    await keys.verify(spent.token, use);
    await expect(keys.verify(once.token, use)).rejects.toMatchObject({ code: "rate_exceeded" });
    keys.clock.advance("1m");
    await expect(keys.verify(spent.token, use)).rejects.toMatchObject({ code: "key_used_up" });
    await keys.verify(once.token, use);
  });
});

test("a key is admitted under the issuer's own policy, also one that another process minted", async () => {
  const store = memoryStore({ now: () => Date.UTC(2026, 0, 1) });
  const signingKey = generateKeyPairSync("ed25519").privateKey;
  const wide = testKeys({ agent: "bot", signingKey });
  const narrow = testKeys({
    store,
    signingKey,
    issuer: wide.issuer,
    policy: { bot: { allow: [{ scope: "a:b", where: { x: 1 } }] } },
  });
  const { token } = wide.mint(["a:b", "a:c"]);
  const values = { x: 1 };
  await narrow.verify(token, { request: { scope: "a:b", values } });
  for (const refused of [{ scope: "a:b" }, { scope: "a:b", values: { x: 2 } }, { scope: "a:c" }]) {
    await expect(narrow.verify(token, { request: refused })).rejects.toMatchObject({
      code: "policy_denied",
    });
  }
  await expect(narrow.verify(token, { request: { scope: "a:d" } })).rejects.toMatchObject({
    code: "insufficient_scope",
  });
});

test("whatever comes when: never more calls than the rate within any of its periods, and none less", async () => {
  const step = fc.record({
    gapMs: fc.oneof(fc.nat({ max: 3_000 }), fc.constantFrom(0, 999, 1_000, 1_001, 5_000)),
    agent: fc.constantFrom("bot", "other-1"),
    scope: fc.constantFrom("a:b", "a:c", "d:e"),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(step, { maxLength: 25 }),
      async (calls, per, steps) => {
        let nowMs = Date.UTC(2026, 0, 1);
        const now = (): number => nowMs;
        const rules = [{ scope: "a:*", rate: { calls, per } }, { scope: "d:*" }];
        const keys = under(rules, { now, store: memoryStore({ now }) });
        const admitted = new Map<string, number[]>();
        for (const { gapMs, agent, scope } of steps) {
          nowMs += gapMs;
          const log = scope === "d:e" ? [] : (admitted.get(agent) ?? []);
          const within = log.filter((atMs) => nowMs - atMs < per * 1000).length;
          expect(await ask(keys, agent, scope)).toBe(within < calls ? "admitted" : "rate_exceeded");
          if (scope !== "d:e" && within < calls) admitted.set(agent, [...log, nowMs]);
        }
      },
    ),
    { numRuns: 60 },
  );
});
