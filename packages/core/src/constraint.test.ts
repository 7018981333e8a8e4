import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constraint as anyConstraint, hostileValues } from "../test/arbitraries.ts";
import {
  ABSENT,
  allowsValue,
  type Constraint,
  fromValueSet,
  intersect,
  isSubset,
  shortestLength,
  toValueSet,
} from "./constraint.ts";
import { constraintSchema } from "./grant-schema.ts";

function allows(constraint: Constraint, value: unknown): boolean {
  return allowsValue(toValueSet(constraint), value);
}

interface Row {
  readonly rule: string;
  readonly constraint: Constraint;
  readonly allowed: readonly unknown[];
  readonly refused: readonly unknown[];
}

// What each operator allows, at its edges. Absence, null and an empty array are refused by all.
const table: readonly Row[] = [
  {
    rule: "a text equals itself by code points, nothing folded, trimmed or normalised",
    constraint: "é",
    allowed: ["é", ["é"], ["é", "é"]],
    refused: ["e\u0301", "É", "é ", " é", "é\u0000", ["é", "e"], [["é"]], ["é", undefined], {}],
  },
  {
    rule: "the empty text is a value",
    constraint: "",
    allowed: ["", [""]],
    refused: [" ", 0, false, [[]]],
  },
  {
    rule: "a number equals a number, never its text",
    constraint: 1,
    allowed: [1, [1, 1]],
    refused: ["1", true, 1n, 1.0000001, Number.NaN, [1, 2], Object(1)],
  },
  { rule: "zero has one sign", constraint: 0, allowed: [0, -0], refused: [false, "", "0"] },
  {
    rule: "a boolean equals a boolean",
    constraint: false,
    allowed: [false],
    refused: [0, "", "false", true],
  },
  {
    rule: "in: one of the values, each of its own type",
    constraint: { in: ["a", 2, true] },
    allowed: ["a", 2, true, ["a", 2, true]],
    refused: ["2", "true", 1, "A", ["a", "b"], [], { in: "a" }],
  },
  {
    rule: "min and max are inclusive and refuse what is not a finite number",
    constraint: { min: 1, max: 3 },
    allowed: [1, 2.5, 3, [1, 3]],
    refused: [0.999, 3.001, "2", 2n, Number.NaN, Infinity, [2, 4], new Date(2), Object(2), true],
  },
  {
    rule: "min alone is open above, but not to infinity",
    constraint: { min: 0 },
    allowed: [0, -0, Number.MAX_VALUE],
    refused: [-Number.MIN_VALUE, Infinity, Number.NaN, "9"],
  },
  {
    rule: "max alone is open below, but not to infinity",
    constraint: { max: 0 },
    allowed: [0, -Number.MAX_VALUE],
    refused: [Number.MIN_VALUE, -Infinity, null, ""],
  },
  {
    rule: "prefix",
    constraint: { prefix: "acme/" },
    allowed: ["acme/", "acme/api", ["acme/a", "acme/b"], "acme/../evil"],
    refused: ["acme", "Acme/api", " acme/api", "evil/acme/", ["acme/a", "evil/a"], ["acme/", 1]],
  },
  {
    rule: "suffix",
    constraint: { suffix: "@acme.com" },
    allowed: ["@acme.com", "bob@acme.com"],
    refused: ["bob@acme.com ", "bob@ACME.com", "bob@acme.com.evil", "bob@acme.com\n"],
  },
  {
    rule: "prefix and suffix may overlap in a value, as they may in what they say",
    constraint: { prefix: "aba", suffix: "bab" },
    allowed: ["abab", "ababab"],
    refused: ["aba", "bab", "abaab"],
  },
  {
    rule: "maxLength counts code points",
    constraint: { maxLength: 2 },
    allowed: ["", "ab", "\u{1D4B3}\u{1D4B3}", ["ab", ""]],
    refused: ["abc", "\u{1D4B3}\u{1D4B3}a", "e\u0301a", 12, ["ab", "abc"]],
  },
  {
    rule: "maxLength 0 is the empty text",
    constraint: { maxLength: 0 },
    allowed: [""],
    refused: ["a", []],
  },
  {
    rule: "a text shape refuses text that is not well-formed",
    constraint: { prefix: "" },
    allowed: ["", "\u{1D4B3}"],
    refused: ["\ud800", "a\udc00", "\ud800a", 1, {}],
  },
  {
    rule: "any: every present value",
    constraint: { any: true },
    allowed: ["", 0, false, null, {}, [[]], ["a", 1], [null], Number.NaN, "\ud800"],
    // oxlint-disable-next-line no-sparse-arrays
    refused: [undefined, [], [undefined], ["a", , "b"]],
  },
];

describe("a present value", () => {
  test.each(table)("$rule", ({ constraint, allowed, refused }) => {
    for (const value of allowed) expect([value, allows(constraint, value)]).toEqual([value, true]);
    for (const value of refused) expect([value, allows(constraint, value)]).toEqual([value, false]);
  });
});

describe("an absent value", () => {
  test.each(table)("is refused, unless optional: $rule", ({ constraint }) => {
    expect(allows(constraint, undefined)).toBe(false);
    const relaxed = typeof constraint === "object" ? constraint : { in: [constraint] };
    const optional = { ...relaxed, optional: true } as Constraint;
    expect(allows(optional, undefined)).toBe(true);
    expect(allows(optional, [])).toBe(false);
    expect(allows(optional, [undefined])).toBe(false);
  });

  test.each(table)("optional changes nothing for one that is present: $rule", (row) => {
    const relaxed = typeof row.constraint === "object" ? row.constraint : { in: [row.constraint] };
    const optional = { ...relaxed, optional: true } as Constraint;
    for (const value of row.allowed) expect(allows(optional, value)).toBe(true);
    for (const value of row.refused) expect(allows(optional, value)).toBe(value === undefined);
  });

  test("can be all that is allowed", () => {
    expect(allowsValue(ABSENT, undefined)).toBe(true);
    expect(["", null, 0, [], "a"].some((value) => allowsValue(ABSENT, value))).toBe(false);
  });
});

describe("what is not a constraint allows nothing, and never throws", () => {
  test.each([
    ["undefined", undefined],
    ["null", null],
    ["no operator", {}],
    ["a misspelt operator", { prefx: "a" }],
    ["only optional: false", { optional: false }],
    ["an operator of another library", { regex: ".*" }],
  ])("%s", (_, constraint) => {
    const set = toValueSet(constraint as Constraint);
    for (const value of ["a", "", 0, undefined, null, ["a"], [undefined]]) {
      expect(allowsValue(set, value)).toBe(false);
    }
  });

  test.each<[string, object]>([
    ["half a character as prefix", { prefix: "\ud83d" }],
    ["half a character as suffix", { suffix: "\ude00" }],
    ["a prefix that ends in half a character", { prefix: "a\ud83d" }],
    ["a prefix that is a number", { prefix: 1 }],
  ])("%s, but may be absent", (_, given) => {
    const constraint = given as Constraint;
    // By 16-bit units the first of these begins and ends with the halves above.
    const values = ["\u{1f600}", "a\u{1f600}", "\ud83d", "\ude00", "1", undefined];
    expect(values.filter((value) => allows(constraint, value))).toEqual([]);
    expect(allows({ ...given, optional: true }, undefined)).toBe(true);
    expect(isSubset(toValueSet("\u{1f600}"), toValueSet(constraint))).toBe(false);
    expect(intersect(toValueSet({ prefix: "\u{1f600}" }), toValueSet(constraint))).toBeUndefined();
  });

  test.each<[string, object]>([
    ["any and in", { any: true, in: ["a"] }],
    ["any and a bound", { any: true, max: 1 }],
    ["any and a prefix", { any: true, prefix: "a" }],
    ["in and a bound", { in: [1, "a"], min: 0 }],
    ["in and a prefix", { in: ["a"], prefix: "a" }],
    ["a bound and a prefix", { min: 0, prefix: "a" }],
    ["a prefix and a bound that is undefined", { prefix: "a", min: undefined }],
    ["a prefix, and in inherited", Object.create({ in: ["a"] }, own({ prefix: "a" }))],
    ["an operator beside one that is misspelt", { prefix: "a", sufix: "b" }],
    ["an operator behind one that is misspelt", { sufix: "b", prefix: "a" }],
    ["a name of all objects", { toString: "a" }],
    ["an operator beside a name of all objects", { in: ["a"], toString: "a" }],
    ["any that is not true", { any: false }],
    ["any that only counts as true", { any: 1 }],
    ["a text as list", { in: "a" }],
    ["no bound", { min: undefined, max: undefined }],
    ["no text", { prefix: undefined }],
    ["a bound that is a text", { min: "0" }],
    ["an upper bound that is a text", { max: "9" }],
    ["a length that is a text", { maxLength: "9" }],
  ])("operators that do not mix, or of a wrong type: %s", (_, given) => {
    const optional = Object.create(given, own({ optional: true })) as Constraint;
    for (const constraint of [given as Constraint, optional]) {
      const set = toValueSet(constraint);
      const values = ["a", "", "ab", 0, 1, 5, true, ["a"], [1], undefined, {}];
      expect(values.filter((value) => allowsValue(set, value))).toEqual([]);
      expect(isSubset(toValueSet("a"), set)).toBe(false);
      expect(isSubset(toValueSet(1), set)).toBe(false);
      expect(intersect(toValueSet({ any: true, optional: true }), set)).toBeUndefined();
    }
  });
});

/** Members as `Object.create` takes them. */
function own(members: object): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]: [string, unknown]) => [
      name,
      { value, enumerable: true },
    ]),
  );
}

test("hostile values are decided, each in bounded time, and only `any` allows most of them", () => {
  const strict: readonly Constraint[] = [
    "b",
    { in: ["b"] },
    { min: 5, max: 6 },
    { prefix: "b", maxLength: 9 },
  ];
  const startedMs = performance.now();
  for (const value of hostileValues) {
    for (const one of strict) expect(allows(one, value)).toBe(false);
    expect(typeof allows({ any: true }, value)).toBe("boolean");
    expect(typeof allows({ suffix: "a" }, value)).toBe("boolean");
  }
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});

describe("shortestLength", () => {
  test.each([
    ["", "", 0],
    ["a", "", 1],
    ["", "a", 1],
    ["a", "a", 1],
    ["ab", "ba", 3],
    ["aba", "bab", 4],
    ["aba", "aba", 3],
    ["abc", "b", 4],
    ["aab", "ab", 3],
    ["\u{1D4B3}", "\u{1D4B3}", 1],
    ["\u{1D4B3}a", "a\u{1D4B3}", 3],
  ])("%j … %j takes %d", (prefix, suffix, length) => {
    expect(shortestLength(prefix, suffix)).toBe(length);
  });
});

describe("sets of values", () => {
  const pair = fc.tuple(anyConstraint, anyConstraint);
  const texts = ["", "a", "b", "ab", "ba", "aba", "aa", "abab", "A", "é", "e\u0301", "\u{1D4B3}"];
  const numbers = [-1, 0, 0.5, 1, 1.5, 2, 3, Number.MAX_SAFE_INTEGER, true, false];
  const arrays = [["a"], ["a", "b"], [0, 1], ["a", 1], [true]];
  const sample: readonly unknown[] = [
    ...hostileValues.filter((value) => typeof value !== "string" || value.length < 10),
    ...texts,
    ...numbers,
    ...arrays,
  ];

  test("an intersection allows exactly what both do", () => {
    const seen = { some: 0, none: 0 };
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const both = intersect(toValueSet(a), toValueSet(b));
        seen[both === undefined ? "none" : "some"] += 1;
        for (const value of sample) {
          const allowed = both !== undefined && allowsValue(both, value);
          expect([value, allowed]).toEqual([value, allows(a, value) && allows(b, value)]);
        }
      }),
      { numRuns: 800 },
    );
    expect(Math.min(seen.some, seen.none)).toBeGreaterThan(100);
  });

  test("an empty intersection is refused before anybody asks: no value is in both", () => {
    expect(intersect(toValueSet({ prefix: "a" }), toValueSet({ prefix: "b" }))).toBeUndefined();
    expect(intersect(toValueSet({ suffix: "a" }), toValueSet({ suffix: "b" }))).toBeUndefined();
    expect(intersect(toValueSet({ min: 2 }), toValueSet({ max: 1 }))).toBeUndefined();
    expect(intersect(toValueSet({ prefix: "ab" }), toValueSet({ maxLength: 1 }))).toBeUndefined();
    const four = toValueSet({ prefix: "ab", maxLength: 3 });
    expect(intersect(four, toValueSet({ suffix: "cb" }))).toBeUndefined();
    expect(intersect(four, toValueSet({ suffix: "bc" }))).toBeDefined();
    expect(intersect(toValueSet({ prefix: "1" }), toValueSet({ min: 1 }))).toBeUndefined();
    expect(intersect(toValueSet("1"), toValueSet(1))).toBeUndefined();
    const optional = { min: 1, optional: true } as const;
    expect(intersect(toValueSet(optional), toValueSet({ in: ["a"], optional: true }))).toEqual(
      ABSENT,
    );
    expect(intersect(toValueSet(optional), toValueSet({ in: ["a"] }))).toBeUndefined();
  });

  test("a subset allows no more, and an intersection is one of both", () => {
    const seen = { yes: 0, no: 0 };
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const [inner, outer] = [toValueSet(a), toValueSet(b)];
        const both = intersect(inner, outer);
        const ofBoth = both === undefined || (isSubset(both, inner) && isSubset(both, outer));
        expect(ofBoth).toBe(true);
        const within = isSubset(inner, outer);
        seen[within ? "yes" : "no"] += 1;
        if (!within) return;
        expect(
          sample.filter((value) => allowsValue(inner, value) && !allowsValue(outer, value)),
        ).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(100);
  });

  test("writing a set as a constraint and reading it again keeps it, and it is a valid one", () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        for (const set of [toValueSet(a), intersect(toValueSet(a), toValueSet(b))]) {
          if (set === undefined) continue;
          const written = fromValueSet(set);
          expect(constraintSchema.safeParse(written).success).toBe(true);
          const read = toValueSet(JSON.parse(JSON.stringify(written)) as Constraint);
          const changed = [undefined, ...sample].filter(
            (value) => allowsValue(set, value) !== allowsValue(read, value),
          );
          expect(changed).toEqual([]);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

test("a set is written in its shortest form", () => {
  const forms: readonly Constraint[] = [
    "a",
    { in: ["a", "b"] },
    { in: ["a"], optional: true },
    { in: [], optional: true },
    { min: 1 },
    { max: 1 },
    { min: 1, max: 2, optional: true },
    { prefix: "" },
    { prefix: "a" },
    { suffix: "a" },
    { maxLength: 0 },
    { prefix: "a", suffix: "b" },
    { prefix: "a", suffix: "b", maxLength: 9, optional: true },
    { any: true },
    { any: true, optional: true },
  ];
  for (const form of forms) expect(fromValueSet(toValueSet(form))).toStrictEqual(form);
  expect(fromValueSet(toValueSet({ in: ["a", "a"] }))).toBe("a");
  expect(fromValueSet(toValueSet({ min: 1, max: 1 }))).toBe(1);
  expect(fromValueSet(toValueSet({ prefix: "", suffix: "a" }))).toStrictEqual({ suffix: "a" });
  expect(fromValueSet(toValueSet({ prefix: "", maxLength: 1 }))).toStrictEqual({ maxLength: 1 });
});

test("a text within another is one by its beginning and by its end", () => {
  const within = (inner: Constraint, outer: Constraint): boolean =>
    isSubset(toValueSet(inner), toValueSet(outer));
  expect(within({ prefix: "ba" }, { prefix: "b" })).toBe(true);
  expect(within({ prefix: "ab" }, { prefix: "b" })).toBe(false);
  expect(within({ suffix: "ab" }, { suffix: "b" })).toBe(true);
  expect(within({ suffix: "ba" }, { suffix: "b" })).toBe(false);
  expect(within({ prefix: "b", maxLength: 2 }, { prefix: "b" })).toBe(true);
  expect(within({ prefix: "b" }, { prefix: "b", maxLength: 2 })).toBe(false);
  expect(within({ prefix: "b", maxLength: 2 }, { prefix: "b", maxLength: 2 })).toBe(true);
  expect(within({ min: 1 }, { prefix: "b" })).toBe(false);
  expect(within({ prefix: "b" }, { min: 1 })).toBe(false);
  const both = (a: Constraint, b: Constraint) => intersect(toValueSet(a), toValueSet(b));
  expect(both({ prefix: "ba" }, { prefix: "b" })).toEqual(toValueSet({ prefix: "ba" }));
  expect(both({ prefix: "ab" }, { prefix: "b" })).toBeUndefined();
  expect(both({ suffix: "b" }, { suffix: "ab" })).toEqual(toValueSet({ suffix: "ab" }));
  expect(both({ suffix: "ba" }, { suffix: "b" })).toBeUndefined();
  expect(both({ prefix: "a", maxLength: 1 }, { suffix: "a" })).toBeDefined();
  expect(both({ prefix: "ab", maxLength: 2 }, { suffix: "ba" })).toBeUndefined();
});
