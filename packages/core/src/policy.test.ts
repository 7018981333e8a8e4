import { describe, expect, test } from "vitest";
import type { Grant } from "./grant.ts";
import { GRANT_LIMITS } from "./grant-schema.ts";
import { decide, narrow, parsePolicy, type Policy, rulesFor, withoutRedundant } from "./policy.ts";

function granted(
  policy: Policy,
  asked: readonly (string | Grant)[],
  agent = "bot",
): readonly Grant[] | string {
  const grants = asked.map((one) => (typeof one === "string" ? { scope: one } : one));
  const decision = decide(parsePolicy(policy), agent, grants);
  return decision.allowed ? decision.grants : `${decision.reason}: ${decision.denied.join(" ")}`;
}

const allow = (...rules: readonly (string | Grant)[]): Policy => ({
  bot: { allow: rules.map((rule) => (typeof rule === "string" ? { scope: rule } : rule)) },
});
const nothingLeft = "no allow rule leaves anything of what was asked";

describe("what is granted is the meet of what was asked and each allow rule", () => {
  const acme: Grant = { scope: "github:repos.*", where: { owner: "acme" } };

  test.each<
    [string, readonly (string | Grant)[], readonly (string | Grant)[], readonly Grant[] | string]
  >([
    [
      "a plain scope under acme yields acme alone",
      [acme],
      ["github:repos.read"],
      [{ scope: "github:repos.read", where: { owner: "acme" } }],
    ],
    [
      "another owner leaves nothing",
      [acme],
      [{ scope: "github:repos.read", where: { owner: "evil" } }],
      `${nothingLeft}: github:repos.read`,
    ],
    [
      "another scope leaves nothing",
      [acme],
      ["github:issues.read"],
      `${nothingLeft}: github:issues.read`,
    ],
    ["an empty allow leaves nothing", [], ["a:b"], `${nothingLeft}: a:b`],
    [
      "each rule gives a grant of its own",
      [acme, { ...acme, where: { owner: "beta" } }],
      ["github:repos.read"],
      [
        { scope: "github:repos.read", where: { owner: "acme" } },
        { scope: "github:repos.read", where: { owner: "beta" } },
      ],
    ],
    [
      "a wider rule swallows a narrower one, in either order",
      [acme, "github:*"],
      ["github:repos.read"],
      [{ scope: "github:repos.read" }],
    ],
    ["equal ones are given once", ["a:*", "a:b"], ["a:b", "a:b"], [{ scope: "a:b" }]],
    [
      "two things asked for, two granted",
      ["a:*"],
      ["a:b", { scope: "a:c", uses: 1 }],
      [{ scope: "a:b" }, { scope: "a:c", uses: 1 }],
    ],
    ["half of what was asked refuses the whole", ["a:b"], ["a:b", "a:c"], `${nothingLeft}: a:c`],
    [
      "the lower uses and the shorter life: the rule's",
      [{ scope: "a:b", uses: 2, expiresIn: "5s" }],
      [{ scope: "a:b", uses: 9, expiresIn: "1m" }],
      [{ scope: "a:b", uses: 2, expiresIn: 5 }],
    ],
    [
      "the lower uses and the shorter life: what was asked",
      [{ scope: "a:b", uses: 9, expiresIn: "1m" }],
      [{ scope: "a:b", uses: 2, expiresIn: "5s" }],
      [{ scope: "a:b", uses: 2, expiresIn: 5 }],
    ],
    [
      "the rule's limits, where nothing was said",
      [{ scope: "a:b", uses: 1, only: true }],
      ["a:b"],
      [{ scope: "a:b", uses: 1, only: true }],
    ],
    ["a rule of a longer scope is not reached", ["a:b.c"], ["a:b"], `${nothingLeft}: a:b`],
  ])("%s", (_, rules, asked, expected) => {
    expect(granted(allow(...rules), asked)).toEqual(expected);
  });

  test("more grants than a key may carry refuse the whole", () => {
    const rules = Array.from({ length: GRANT_LIMITS.grants + 1 }, (_, x) => ({
      scope: "a:b",
      where: { x },
    }));
    expect(granted(allow(...rules.slice(1)), ["a:b"])).toHaveLength(GRANT_LIMITS.grants);
    expect(granted(allow(...rules), ["a:b"])).toBe("more than 50 grants: a:b");
  });

  test("allow-all, written out, gives what was asked", () => {
    const asked = [{ scope: "a:b", uses: 1 }];
    expect(decide(parsePolicy("allow-all"), "anybody", asked)).toEqual({
      allowed: true,
      grants: asked,
    });
  });
});

describe("deny wins", () => {
  const policy = (deny: readonly string[]): Policy => ({
    bot: { allow: [{ scope: "a:*" }], deny },
  });

  test.each<[string, readonly string[], string, boolean]>([
    ["the scope itself", ["a:b"], "a:b", true],
    ["a pattern over it", ["a:*"], "a:b.c", true],
    ["a longer scope", ["a:b.c"], "a:b", false],
    ["a pattern below it", ["a:b.*"], "a:b", false],
    ["a pattern that only begins alike", ["a:b.*"], "a:bc.d", false],
    ["another of several", ["a:x", "a:b"], "a:b", true],
    ["none", [], "a:b", false],
  ])("%s", (_, deny, scope, denied) => {
    expect(granted(policy(deny), [scope])).toEqual(
      denied ? `a deny pattern matches: ${scope}` : [{ scope }],
    );
  });

  test("one denied scope refuses the whole, and is named", () => {
    expect(granted(policy(["a:c"]), ["a:b", "a:c"])).toBe("a deny pattern matches: a:c");
  });

  test("also from a less specific entry, whose allow does not count", () => {
    const layered: Policy = {
      "*": { allow: [{ scope: "x:*" }], deny: ["a:delete"] },
      "bot-*": { allow: [{ scope: "y:*" }], deny: ["a:write"] },
      "bot-1": { allow: [{ scope: "a:*" }] },
    };
    expect(granted(layered, ["a:read"], "bot-1")).toEqual([{ scope: "a:read" }]);
    expect(granted(layered, ["a:delete"], "bot-1")).toBe("a deny pattern matches: a:delete");
    expect(granted(layered, ["a:write"], "bot-1")).toBe("a deny pattern matches: a:write");
    expect(granted(layered, ["x:read"], "bot-1")).toBe(`${nothingLeft}: x:read`);
    expect(granted(layered, ["y:read"], "bot-1")).toBe(`${nothingLeft}: y:read`);
    expect(granted(layered, ["a:write"], "other")).toBe(`${nothingLeft}: a:write`);
  });
});

describe("which entry is an agent's", () => {
  const tagged = (service: string): Policy[string] => ({ allow: [{ scope: `${service}:x` }] });
  const policy: Policy = {
    "*": tagged("any"),
    "support-*": tagged("support"),
    "support-eu-*": tagged("europe"),
    "support-eu-1": tagged("exact"),
    constructor: tagged("natural"),
  };

  test.each([
    ["support-eu-1", "exact"],
    ["support-eu-2", "europe"],
    ["support-eu-", "europe"],
    ["support-us", "support"],
    ["support-", "support"],
    ["support", "any"],
    ["Support-eu-1", "any"],
    ["support-eu-10", "europe"],
    ["constructor", "natural"],
    ["toString", "any"],
    ["__proto__", "any"],
  ])("%s goes by %s alone", (agent, service) => {
    for (const scope of ["any", "support", "europe", "exact", "natural"].map(
      (name) => `${name}:x`,
    )) {
      expect(granted(policy, [scope], agent)).toEqual(
        scope === `${service}:x` ? [{ scope }] : `${nothingLeft}: ${scope}`,
      );
    }
    expect(rulesFor(policy, agent, `${service}:x`)).toEqual([{ scope: `${service}:x` }]);
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "", "unknown"])(
    "%j has no policy where none is written",
    (agent) => {
      expect(granted({ bot: tagged("a") }, ["a:x"], agent)).toBe("no policy for this agent: a:x");
      expect(rulesFor({ bot: tagged("a") }, agent, "a:x")).toEqual([]);
    },
  );

  test("the order of the entries does not matter", () => {
    const reversed = Object.fromEntries(Object.entries(policy).toReversed());
    expect(granted(reversed, ["exact:x"], "support-eu-1")).toEqual([{ scope: "exact:x" }]);
    expect(granted(reversed, ["europe:x"], "support-eu-2")).toEqual([{ scope: "europe:x" }]);
  });
});

describe("a policy that is wrong is refused when it is loaded, naming where", () => {
  const pattern = "must be service:segment(.segment)*, `*` only last";

  test.each<[string, unknown, string]>([
    ["nothing", undefined, "policy: Invalid input: expected record, received undefined"],
    ["another word", "allow_all", 'policy: the only text it may be is "allow-all"'],
    ["a list", [], "policy: Invalid input: expected record, received array"],
    [
      "a map",
      new Map([["bot", { allow: [] }]]),
      "policy: Invalid input: expected record, received Map",
    ],
    [
      "an entry without allow",
      { bot: {} },
      "policy.bot.allow: Invalid input: expected array, received undefined",
    ],
    [
      "a misspelt member",
      { bot: { allow: [], denny: [] } },
      'policy.bot: Unrecognized key: "denny"',
    ],
    [
      "a scope for a rule",
      { bot: { allow: ["a:b"] } },
      'policy.bot.allow[0]: must be a grant, such as { scope: "github:repos.read" }',
    ],
    [
      "a rule's scope",
      { bot: { allow: [{ scope: "a:b" }, { scope: "a" }] } },
      `policy.bot.allow[1].scope: ${pattern}`,
    ],
    [
      "a rule's misspelt member",
      { bot: { allow: [{ scope: "a:b", uses: 1, expireIn: 5 }] } },
      'policy.bot.allow[0]: Unrecognized key: "expireIn"',
    ],
    [
      "a rule's limits",
      { bot: { allow: [{ scope: "a:b", uses: -1 }] } },
      "policy.bot.allow[0].uses: must be at least 1",
    ],
    [
      "a nested constraint",
      { bot: { allow: [{ scope: "a:b", where: { owner: { min: 2, max: 1 } } }] } },
      "policy.bot.allow[0].where.owner: min is above max",
    ],
    [
      "a misspelt operator",
      { bot: { allow: [{ scope: "a:b", where: { owner: { prefx: "a" } } }] } },
      "policy.bot.allow[0].where.owner: must be a string, number or boolean, or one of { in }, { min, max }, { prefix, suffix, maxLength }, { any: true }, with optional: true beside it if need be",
    ],
    [
      "a deny pattern",
      { bot: { allow: [], deny: ["a:*", "a:*.b"] } },
      "policy.bot.deny[1]: must be a scope, `*` only as last segment",
    ],
    [
      "a deny rule",
      { bot: { allow: [], deny: [{ scope: "a:b" }] } },
      "policy.bot.deny[0]: Invalid input: expected string, received object",
    ],
    [
      "a star inside an agent's name",
      { "a*b": { allow: [] } },
      'policy["a*b"]: `*` may only end an agent\'s name',
    ],
    ["two stars", { "a**": { allow: [] } }, 'policy["a**"]: `*` may only end an agent\'s name'],
    [
      "an agent without a name",
      { "": { allow: [] } },
      'policy[""]: an agent\'s name must not be empty',
    ],
    [
      "an agent's name that no agent can have",
      { ["b".repeat(257)]: { allow: [] } },
      `policy.${"b".repeat(100)}: at most 256 characters`,
    ],
    [
      "an agent called __proto__",
      JSON.parse('{"__proto__":{"allow":[{"scope":"a:*"}]}}'),
      "policy: `__proto__` is not a name",
    ],
    [
      "a value called __proto__",
      JSON.parse('{"bot":{"allow":[{"scope":"a:b","where":{"__proto__":"x"}}]}}'),
      "policy.bot.allow[0].where: `__proto__` is not a name",
    ],
    [
      "an entry's own __proto__",
      JSON.parse('{"bot":{"allow":[],"__proto__":{"deny":["a:b"]}}}'),
      'policy.bot: Unrecognized key: "__proto__"',
    ],
  ])("%s", (_, policy, message) => {
    expect(() => parsePolicy(policy)).toThrow(new TypeError(message));
  });

  test("everything that is wrong is named at once, up to a bound", () => {
    const allowing = Array.from({ length: 9 }, () => ({ scope: "a" }));
    const named = [0, 1, 2, 3, 4].map((index) => `policy.bot.allow[${index}].scope: ${pattern}`);
    expect(() => parsePolicy({ bot: { allow: allowing } })).toThrow(
      new TypeError(`${named.join("; ")}; and 4 more`),
    );
  });

  test("an empty policy and an empty allow are valid: they deny everything", () => {
    expect(parsePolicy({})).toEqual({});
    expect(parsePolicy({ bot: { allow: [], deny: [] } })).toEqual({ bot: { allow: [], deny: [] } });
  });

  test("a policy that is changed after it was loaded stays as it was", () => {
    const mutable = { bot: { allow: [{ scope: "a:b" }], deny: ["a:c"] } };
    const loaded = parsePolicy(mutable);
    mutable.bot.allow.push({ scope: "x:*" });
    mutable.bot.deny.pop();
    Object.assign(mutable, { evil: { allow: [{ scope: "x:*" }] } });
    expect(loaded).toEqual({ bot: { allow: [{ scope: "a:b" }], deny: ["a:c"] } });
  });
});

test("rulesFor gives the rules of the closest entry that cover a scope", () => {
  const policy = allow("a:*", "a:b", "a:b.c", "x:y");
  expect(rulesFor(policy, "bot", "a:b")).toEqual([{ scope: "a:*" }, { scope: "a:b" }]);
  expect(rulesFor("allow-all", "bot", "a:b")).toEqual([]);
});

test("narrow drops what nothing is left of", () => {
  expect(narrow({ scope: "a:b" }, [{ scope: "x:y" }, { scope: "a:*", uses: 1 }])).toEqual([
    { scope: "a:b", uses: 1 },
  ]);
});

test("withoutRedundant keeps the first of equals and the widest of a chain", () => {
  const a = { scope: "a:b", where: { x: 1 } };
  const wide = { scope: "a:b" };
  const equal = { scope: "a:b", where: { x: { in: [1] } } };
  expect(withoutRedundant([a, equal])).toEqual([a]);
  expect(withoutRedundant([a, wide, equal])).toEqual([wide]);
  expect(
    withoutRedundant([
      { ...a, uses: 1 },
      { ...a, expiresIn: 5 },
    ]),
  ).toHaveLength(2);
});

test("an agent's name is at most 256 characters, and `*` only ends it", () => {
  const named = (name: string): unknown => parsePolicy({ [name]: { allow: [] } });
  expect(named("a".repeat(256))).toBeDefined();
  expect(named("*")).toBeDefined();
  for (const name of ["", "a".repeat(257), "*bot", "*bot*", "**", "a*b"]) {
    expect(() => named(name)).toThrow(TypeError);
  }
});

test("a refusal says that it is one, and a word is no list of entries", () => {
  const nothing = { allowed: false, denied: ["a:b"], reason: "no policy for this agent" };
  expect(decide({}, "bot", [{ scope: "a:b" }])).toStrictEqual(nothing);
  // As entries of an object, the letters of "allow-all" would be agents "0", "1" and so on.
  expect(rulesFor("allow-all", "0", "a:b")).toEqual([]);
});
