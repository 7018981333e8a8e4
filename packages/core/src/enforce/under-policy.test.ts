import { describe, expect, test } from "vitest";
import { AgentKey } from "../agent-key.ts";
import { checkRequest, type Grant, type Policy, type PolicyRule } from "../index.ts";
import { parsePolicy } from "../policy.ts";
import { testKeys } from "../testing/index.ts";
import type { Claims } from "../token/claims.ts";
import { underPolicy } from "./under-policy.ts";

/** The claims of a key that its issuer minted with no policy of its own. */
const claimsOf = (grants: readonly Grant[], agent = "bot"): Claims =>
  AgentKey.signedBy(testKeys().for({ agent }).mint(grants)).claims;

const left = (policy: Policy | "allow-all", grants: readonly Grant[], agent?: string): unknown[] =>
  underPolicy(parsePolicy(policy) as Policy, claimsOf(grants, agent)).map(
    ({ grant, index, counter }) => ({ index, counter, ...grant }),
  );

const READ: Grant = { scope: "github:repos.read" };

describe("what is left of a key", () => {
  test("is the meet of each grant with each rule, in order", () => {
    const policy: Policy = {
      bot: {
        allow: [
          { scope: "github:repos.*", where: { owner: "acme" } },
          { scope: "github:*", where: { owner: "beta" }, uses: 2 },
          { scope: "slack:*" },
        ],
      },
    };
    expect(left(policy, [{ scope: "slack:chat.write", where: { channel: "C1" } }, READ])).toEqual([
      { index: 0, counter: 0, scope: "slack:chat.write", where: { channel: "C1" } },
      { index: 1, counter: 1, scope: "github:repos.read", where: { owner: "acme" } },
      { index: 1, counter: 1, scope: "github:repos.read", where: { owner: "beta" }, uses: 2 },
    ]);
  });

  test.each<[string, Policy, string?]>([
    ["no entry", { other: { allow: [{ scope: "github:*" }] } }],
    ["an inherited entry", {}, "constructor"],
    ["no rule", { bot: { allow: [] } }],
    ["another scope", { bot: { allow: [{ scope: "github:issues.*" }] } }],
    ["a deny", { bot: { allow: [{ scope: "github:*" }], deny: ["github:repos.*"] } }],
    [
      "a deny of a wider entry",
      { "*": { allow: [], deny: ["github:repos.read"] }, bot: { allow: [{ scope: "github:*" }] } },
    ],
    [
      "a closer entry that allows nothing",
      { bot: { allow: [] }, "*": { allow: [{ scope: "github:*" }] } },
    ],
    ["values that exclude each other", { bot: { allow: [{ ...READ, where: { owner: "zeta" } }] } }],
  ])("is nothing with %s", (_, policy, agent) => {
    expect(left(policy, [{ ...READ, where: { owner: "acme" } }], agent)).toEqual([]);
  });

  test("is without the one grant that a deny matches, and keeps the others", () => {
    const policy = { bot: { allow: [{ scope: "a:*" }], deny: ["a:two"] } };
    const grants = [{ scope: "a:one" }, { scope: "a:two" }, { scope: "a:three" }];
    expect(left(policy, grants)).toMatchObject([{ index: 0 }, { index: 2 }]);
  });

  test("under allow-all is the grants themselves", () => {
    expect(left("allow-all", [READ, { scope: "a:b", uses: 2 }])).toEqual([
      { index: 0, counter: 0, ...READ },
      { index: 1, counter: 1, scope: "a:b", uses: 2 },
    ]);
    const [read] = underPolicy("allow-all", claimsOf([READ]));
    expect(read).toEqual({ grant: READ, index: 0, counter: 0, windows: [] });
  });

  test("is nothing of a rule that allows a shorter life than the key has", () => {
    const policy = (expiresIn: Grant["expiresIn"]): Policy => ({
      bot: { allow: [{ scope: "github:*", expiresIn }] },
    });
    for (const expiresIn of [30, "30s", "1m"] as const) {
      expect(left(policy(expiresIn), [{ ...READ, expiresIn: "30s" }])).toHaveLength(1);
    }
    for (const expiresIn of [29.999, "10s"] as const) {
      expect(left(policy(expiresIn), [{ ...READ, expiresIn: "30s" }])).toEqual([]);
    }
  });
});

test("what another rule leaves as much of, as often, is left once", () => {
  const rate = { calls: 3, per: "1m" } as const;
  const wide: PolicyRule = { scope: "github:*", expiresIn: "1m" };
  const narrow: PolicyRule = { ...READ, where: { owner: "acme" }, uses: 2 };
  const cut = (...allow: PolicyRule[]): unknown[] => left({ bot: { allow } }, [READ]);
  expect(cut(narrow, wide)).toEqual(cut(wide));
  expect(cut(wide, narrow)).toEqual(cut(wide));
  expect(cut(wide, { ...wide, expiresIn: "2m" })).toEqual(cut(wide));
  expect(cut({ ...narrow, rate }, wide)).toEqual(cut(wide));
  // Neither covers the other: what is left more of is left less often.
  expect(cut(narrow, { ...wide, rate })).toHaveLength(2);
  expect(cut({ ...narrow, rate }, { ...wide, rate })).toHaveLength(2);
  expect(cut({ ...wide, rate }, { ...wide, rate })).toHaveLength(1);
});

test("all that a rule with a rate cuts has its window, and nothing else has", () => {
  const rate = { calls: 3, per: "1m" } as const;
  const allow = [
    { scope: "github:*", rate },
    { scope: "github:repos.*", where: { owner: "acme" } },
    { scope: "slack:*", rate },
  ];
  const windows = underPolicy(
    parsePolicy({ bot: { allow } }) as Policy,
    claimsOf([READ, { scope: "github:issues.read" }, { scope: "slack:chat.write" }]),
  ).map((one) => one.windows[0]);
  expect(windows).toMatchObject([{ limit: 3, windowMs: 60_000 }, undefined, {}, {}]);
  expect(windows[2]?.id).toBe(windows[0]?.id);
  expect(windows[3]?.id).not.toBe(windows[0]?.id);
});

describe("a delegated key is charged to who delegated", () => {
  const rate = (calls: number) => ({ rate: { calls, per: "1m" } }) as const;
  const acme: Grant = { ...READ, where: { owner: "acme" } };

  /** The limits of the windows that each grant is charged to, for a chain of agents, the first first. */
  const charged = (rules: Record<string, PolicyRule[]>, chain: readonly string[], grant = READ) => {
    const [first = "", ...rest] = chain;
    const keys = testKeys();
    let key = keys.for({ agent: first }).mint(grant);
    for (const agent of rest) key = keys.for({ agent, parent: key }).mint(grant);
    const entries = Object.entries(rules).map(([agent, allow]) => [agent, { allow }]);
    const policy = parsePolicy(Object.fromEntries(entries)) as Policy;
    return underPolicy(policy, AgentKey.signedBy(key).claims).map(({ windows }) => {
      expect(new Set(windows.map(({ id }) => id)).size).toBe(windows.length);
      return windows.map(({ limit }) => limit);
    });
  };
  const free: PolicyRule[] = [{ scope: "github:*" }];
  const limited = (calls: number): PolicyRule[] => [{ scope: "github:*", ...rate(calls) }];

  test("by the windows of every one of them, each once, beside its own", () => {
    const rules = { bot: limited(3), "mid-*": limited(4), helper: limited(5) };
    expect(charged(rules, ["bot", "mid-1", "helper"])).toEqual([[5, 4, 3]]);
    expect(charged(rules, ["mid-1", "mid-2", "helper"])).toEqual([[5, 4, 4]]);
    expect(charged(rules, ["bot", "helper", "bot", "helper"])).toEqual([[5, 3]]);
    expect(charged({ ...rules, helper: free }, ["bot", "helper"])).toEqual([[3]]);
    expect(charged({ ...rules, bot: free }, ["bot", "helper"])).toEqual([[5]]);
    expect(charged({ ...rules, bot: [] }, ["bot", "helper"])).toEqual([[5]]);
  });

  test("by all the rules of its closest entry that leave something of the grant", () => {
    const rules = (...bot: PolicyRule[]) => ({ "*": limited(9), helper: free, bot });
    const all = rules(
      { scope: "github:*", ...rate(1) },
      { ...acme, ...rate(2) },
      { ...acme, ...rate(2) },
      { ...READ, where: { owner: "beta" }, ...rate(3) },
      { scope: "slack:*", ...rate(4) },
    );
    expect(charged(all, ["bot", "helper"])).toEqual([[1, 2, 3]]);
    expect(charged(all, ["bot", "helper"], acme)).toEqual([[1, 2]]);
  });

  test("by none where one without a rate leaves the whole of it, and only there", () => {
    const rules = (...bot: PolicyRule[]) => ({ helper: free, bot });
    const under = { scope: "github:*", ...rate(1) };
    expect(charged(rules(under, acme), ["bot", "helper"], acme)).toEqual([[]]);
    expect(charged(rules(under, acme), ["bot", "helper"])).toEqual([[1]]);
    expect(charged(rules(under, { ...acme, uses: 1 }), ["bot", "helper"], acme)).toEqual([[1]]);
    expect(charged(rules(under, { ...acme, expiresIn: 1 }), ["bot", "helper"], acme)).toEqual([
      [1],
    ]);
    const long = { ...acme, expiresIn: "1m" } as const;
    expect(charged(rules(under, long), ["bot", "helper"], acme)).toEqual([[]]);
  });

  test("and of two that are left as much of, the one that is charged to fewer stays", () => {
    const helper: PolicyRule[] = [{ scope: "github:*" }, acme];
    const bot = [{ scope: "github:*", ...rate(1) }, acme];
    expect(charged({ helper, bot }, ["bot", "helper"])).toEqual([[1], []]);
    expect(charged({ helper, bot: limited(1) }, ["bot", "helper"])).toEqual([[1]]);
  });
});

describe("uses", () => {
  test("of one rule are counted once for the key, however many grants it cuts", () => {
    const policy = { bot: { allow: [{ scope: "github:*", uses: 1 }] } };
    const grants = [READ, { scope: "github:issues.read" }];
    expect(left(policy, grants)).toMatchObject([
      { index: 0, counter: 0, uses: 1 },
      { index: 1, counter: 0, uses: 1 },
    ]);
  });

  test("of different rules are counted apart", () => {
    const policy = {
      bot: {
        allow: [
          { scope: "a:b", uses: 1 },
          { scope: "c:d", uses: 1 },
        ],
      },
    };
    expect(left(policy, [{ scope: "a:b" }, { scope: "c:d" }])).toMatchObject([
      { counter: 0 },
      { counter: 1 },
    ]);
  });

  test("that the token counts together stay together, whatever the rule", () => {
    const allow = [
      { scope: "a:b", where: { x: 1 } },
      { scope: "a:b", where: { x: 2 } },
    ];
    const keys = testKeys({ agent: "bot", policy: { bot: { allow } } });
    const { claims } = AgentKey.signedBy(keys.mint({ scope: "a:b", uses: 1 }));
    expect(claims.authorization_details.map(({ counter }) => counter)).toEqual([undefined, 0]);
    const policy = parsePolicy({ bot: { allow: [{ scope: "a:*" }] } }) as Policy;
    expect(underPolicy(policy, claims)).toMatchObject([
      { index: 0, counter: 0 },
      { index: 1, counter: 0 },
    ]);
  });

  test("that the token counts together are not parted by a rule that only some come under", () => {
    const allow = [
      { scope: "a:x" },
      { scope: "a:b", where: { x: 1 } },
      { scope: "a:b", where: { x: 2 } },
    ];
    const keys = testKeys({ agent: "bot", policy: { bot: { allow } } });
    const { claims } = AgentKey.signedBy(keys.mint(["a:x", { scope: "a:b", uses: 1 }]));
    expect(claims.authorization_details.map(({ counter }) => counter)).toEqual([
      undefined,
      undefined,
      1,
    ]);
    const some = { scope: "a:*", where: { x: 2 }, uses: 1 };
    const rules = [some, { scope: "a:b", where: { x: 1 } }];
    const policy = parsePolicy({ bot: { allow: rules } }) as Policy;
    expect(underPolicy(policy, claims)).toMatchObject([
      { index: 0, counter: 0 },
      { index: 1, counter: 0 },
      { index: 2, counter: 0 },
    ]);
  });

  test("cannot be had twice by a key that two rules allow", () => {
    const allow = [
      { scope: "a:*", where: { x: 1 } },
      { scope: "a:b", where: { y: 1 } },
    ];
    expect(left({ bot: { allow } }, [{ scope: "a:b", uses: 1 }])).toMatchObject([
      { index: 0, counter: 0, uses: 1 },
      { index: 0, counter: 0, uses: 1 },
    ]);
  });
});

test("what is left allows nothing that policy or token refuses", () => {
  const allow = [{ scope: "a:*", where: { x: { max: 5 } } }];
  const policy = parsePolicy({ bot: { allow } }) as Policy;
  const effective = underPolicy(policy, claimsOf([{ scope: "a:b", where: { y: "z" } }]));
  const grants = effective.map(({ grant }) => grant);
  const allowed = (values: object): boolean =>
    checkRequest(grants, { scope: "a:b", values: { ...values } }).allowed;
  expect(allowed({ x: 5, y: "z" })).toBe(true);
  for (const values of [{ x: 6, y: "z" }, { x: 5, y: "q" }, { y: "z" }, { x: 5 }]) {
    expect(allowed(values)).toBe(false);
  }
});
