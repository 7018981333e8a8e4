import { describe, expect, test } from "vitest";
import { describeIssues, GRANT_LIMITS, grantSchema, ruleSchema } from "./grant-schema.ts";

/** What is wrong with a value, or `undefined`. JSON, so that `__proto__` is a member of its own. */
function wrong(grant: unknown, schema = grantSchema): string | undefined {
  const parsed = schema.safeParse(grant);
  return parsed.success ? undefined : describeIssues(parsed.error, "grant");
}

const where = (constraint: unknown): object => ({ scope: "a:b", where: { x: constraint } });
const manyNames = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, 1]));
const manyValues = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

describe("accepts", () => {
  test.each([
    ["a bare scope", { scope: "a:b" }],
    ["every member", { scope: "a:b", where: {}, only: false, uses: 1, expiresIn: "30s" }],
    ["text", where("x")],
    ["empty text", where("")],
    ["a number", where(-0.5)],
    ["a boolean", where(false)],
    ["in", where({ in: ["a", 1, true] })],
    ["an empty in that may be absent", where({ in: [], optional: true })],
    ["min", where({ min: 0 })],
    ["max", where({ max: 0, optional: true })],
    ["min equal to max", where({ min: 1, max: 1 })],
    ["prefix", where({ prefix: "" })],
    ["a text shape that just fits", where({ prefix: "aba", suffix: "bab", maxLength: 4 })],
    ["any", where({ any: true, optional: true })],
    ["as many names as the limit", { scope: "a:b", where: manyNames(GRANT_LIMITS.names) }],
    ["as many values as the limit", where({ in: manyValues(GRANT_LIMITS.values) })],
    ["as long a text as the limit", where("x".repeat(GRANT_LIMITS.textLength))],
    [
      "as long a name as the limit",
      { scope: "a:b", where: { ["x".repeat(GRANT_LIMITS.nameLength)]: 1 } },
    ],
    ["names that a prototype has", { scope: "a:b", where: { constructor: 1, toString: 2 } }],
    ["the longest life", { scope: "a:b", expiresIn: "15m" }],
  ])("%s", (_, grant) => {
    expect(wrong(grant)).toBeUndefined();
  });
});

describe("refuses, naming where and what", () => {
  const kinds =
    "must be a string, number or boolean, or one of { in }, { min, max }, " +
    "{ prefix, suffix, maxLength }, { any: true }, with optional: true beside it if need be";
  const concrete = "must be service:segment(.segment)*, without a wildcard";
  const duration = 'must be seconds, "30s" or "5m", above zero and at most 15 minutes';

  test.each<[string, unknown, string]>([
    ["nothing", undefined, 'grant: must be a grant, such as { scope: "github:repos.read" }'],
    ["an array", [], 'grant: must be a grant, such as { scope: "github:repos.read" }'],
    ["a wildcard", { scope: "a:*" }, `grant.scope: ${concrete}`],
    ["capitals", { scope: "GitHub:repos.read" }, `grant.scope: ${concrete}; scopes are lower case`],
    ["capitals and worse", { scope: "GitHub repos" }, `grant.scope: ${concrete}`],
    ["a scope without service", { scope: "read" }, `grant.scope: ${concrete}`],
    ["an unknown member", { scope: "a:b", were: {} }, 'grant: Unrecognized key: "were"'],
    ["an unknown constraint", where(null), `grant.where.x: ${kinds}`],
    ["an absent constraint", where(undefined), `grant.where.x: ${kinds}`],
    ["no operator", where({}), `grant.where.x: ${kinds}`],
    ["only optional", where({ optional: true }), `grant.where.x: ${kinds}`],
    ["optional: false", where({ in: ["a"], optional: false }), `grant.where.x: ${kinds}`],
    ["any: false", where({ any: false }), `grant.where.x: ${kinds}`],
    ["a misspelt operator", where({ prefx: "a" }), `grant.where.x: ${kinds}`],
    [
      "a misspelt operator beside a right one",
      where({ min: 1, maxx: 2 }),
      'grant.where.x: Unrecognized key: "maxx"',
    ],
    ["operators of two kinds", where({ in: ["a"], prefix: "a" }), `grant.where.x: ${kinds}`],
    ["an array for in", where(["a"]), `grant.where.x: ${kinds}`],
    ["null in in", where({ in: [null] }), `grant.where.x: ${kinds}`],
    ["a bigint", where(1n), `grant.where.x: ${kinds}`],
    ["NaN", where(Number.NaN), `grant.where.x: ${kinds}`],
    ["Infinity", where({ max: Infinity }), `grant.where.x: ${kinds}`],
    ["min above max", where({ min: 2, max: 1 }), "grant.where.x: min is above max"],
    ["an empty in", where({ in: [] }), "grant.where.x: an empty `in` allows nothing"],
    ["too many values", where({ in: manyValues(201) }), "grant.where.x.in: at most 200 values"],
    ["a text too long", where("x".repeat(1025)), "grant.where.x: at most 1024 characters"],
    [
      "a lone surrogate",
      where({ prefix: "\ud800" }),
      "grant.where.x.prefix: must be well-formed Unicode",
    ],
    [
      "a text shape that cannot be",
      where({ prefix: "ab", suffix: "ba", maxLength: 2 }),
      "grant.where.x: prefix and suffix do not fit into maxLength",
    ],
    ["uses of zero", { scope: "a:b", uses: 0 }, "grant.uses: must be at least 1"],
    [
      "uses in parts",
      { scope: "a:b", uses: 1.5 },
      "grant.uses: Invalid input: expected int, received number",
    ],
    [
      "only as text",
      { scope: "a:b", only: "true" },
      "grant.only: Invalid input: expected boolean, received string",
    ],
    ["no life", { scope: "a:b", expiresIn: 0 }, `grant.expiresIn: ${duration}`],
    ["too long a life", { scope: "a:b", expiresIn: "16m" }, `grant.expiresIn: ${duration}`],
    [
      "an empty name",
      { scope: "a:b", where: { "": 1 } },
      'grant.where[""]: a name must not be empty',
    ],
    [
      "a name of control characters",
      { scope: "a:b", where: { "a\u0000": 1 } },
      'grant.where["a\\u0000"]: must be plain text',
    ],
    [
      "a name that is not well-formed",
      { scope: "a:b", where: { "\ud800": 1 } },
      'grant.where["\\ud800"]: must be plain text',
    ],
    [
      "too long a name",
      { scope: "a:b", where: { ["x".repeat(101)]: 1 } },
      `grant.where.${"x".repeat(100)}: at most 100 characters`,
    ],
    ["too many names", { scope: "a:b", where: manyNames(51) }, "grant.where: at most 50 names"],
    [
      "a map",
      { scope: "a:b", where: new Map([["x", 1]]) },
      "grant.where: Invalid input: expected record, received Map",
    ],
  ])("%s", (_, grant, message) => {
    expect(wrong(grant)).toBe(message);
  });

  test.each([
    [
      "in where",
      '{"scope":"a:b","where":{"__proto__":"x"}}',
      "grant.where: `__proto__` is not a name",
    ],
    [
      "in a grant",
      '{"scope":"a:b","__proto__":{"only":true}}',
      'grant: Unrecognized key: "__proto__"',
    ],
    [
      "in a constraint",
      '{"scope":"a:b","where":{"x":{"max":1,"__proto__":{}}}}',
      'grant.where.x: Unrecognized key: "__proto__"',
    ],
  ])("__proto__ %s, instead of dropping it", (_, json, message) => {
    expect(wrong(JSON.parse(json))).toBe(message);
  });

  test("values are never repeated, and messages stay short, however much is wrong", () => {
    const secret = "canary-value";
    const grants = [where({ [secret]: 1 }), where({ prefix: secret, min: 1 }), { scope: secret }];
    expect(grants.map((grant) => wrong(grant)).join()).not.toContain(`${secret}-`);
    expect(wrong({ scope: secret })).not.toContain(secret);
    expect(wrong(where({ prefix: secret, min: 1 }))).not.toContain(secret);

    const names = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`\u0000${i}`, null]),
    );
    expect(wrong({ scope: "a:b", where: names })).toMatch(/; and \d+ more$/);
    const huge = "x".repeat(1_000_000);
    const long = [
      { scope: "a:b", [huge]: 1 },
      { scope: huge },
      { scope: "a:b", where: { [huge]: 1 } },
    ];
    for (const grant of long) expect(wrong(grant)?.length).toBeLessThan(500);
  });
});

test("a rule's scope may be a pattern, a grant's may not", () => {
  expect(wrong({ scope: "a:*" }, ruleSchema)).toBeUndefined();
  expect(wrong({ scope: "a:b.*" }, ruleSchema)).toBeUndefined();
  const message = "grant.scope: must be service:segment(.segment)*, `*` only last";
  expect(wrong({ scope: "a:*.b" }, ruleSchema)).toBe(message);
  expect(wrong({ scope: "*" }, ruleSchema)).toBe(message);
});

test("what was parsed is a copy: changing the original afterwards changes nothing", () => {
  const original = { scope: "a:b", where: { x: { in: ["a"] } } };
  const parsed = grantSchema.parse(original);
  original.where.x.in.push("b");
  Object.assign(original.where, { x: { any: true } });
  expect(parsed).toEqual({ scope: "a:b", where: { x: { in: ["a"] } } });
});

test("each operator of a text may stand alone, with the other or none, and be optional", () => {
  const shapes: readonly object[] = [
    { prefix: "a" },
    { suffix: "a" },
    { maxLength: 3 },
    { maxLength: 0 },
    { prefix: "abc", maxLength: 3 },
    { suffix: "abc", maxLength: 3 },
    { prefix: "ab", suffix: "bc", maxLength: 3 },
  ];
  for (const shape of [...shapes, { min: 1 }, { max: 1 }, { in: ["a"] }, { any: true }]) {
    for (const one of [shape, { ...shape, optional: true }]) {
      expect([one, grantSchema.safeParse(where(one)).success]).toEqual([one, true]);
    }
    for (const one of [
      { ...shape, optional: false },
      { ...shape, other: 1 },
    ]) {
      expect([one, grantSchema.safeParse(where(one)).success]).toEqual([one, false]);
    }
  }
});

test("a `where` of null is refused, not stumbled over", () => {
  expect(grantSchema.safeParse({ scope: "a:b", where: null }).success).toBe(false);
});
