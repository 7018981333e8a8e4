/**
 * What the property tests of the algebra draw from: small alphabets, shared names and values taken
 * from the constraints themselves, so that grants overlap and requests fall on both sides of them.
 */
import * as fc from "fast-check";
import { type Constraint, type Scalar, shortestLength } from "../src/constraint.ts";
import type { Grant } from "../src/grant.ts";

const scopes = ["s:a", "s:a.b", "s:b", "t:a"] as const;
const patterns = [...scopes, "s:*", "s:a.*"] as const;
/** Among them names that an object's prototype has. */
const names = ["a", "b", "constructor"] as const;

const texts = ["", "a", "b", "ab", "ba", "aba", "A", "é", "e\u0301", "\u{1D4B3}", "\u{1D4B3}a"];
const numbers = [-1, 0, -0, 0.5, 1, 2, Number.MAX_SAFE_INTEGER];

const text = fc.constantFrom(...texts);
const number = fc.constantFrom(...numbers);
const scalar: fc.Arbitrary<Scalar> = fc.oneof(text, number, fc.boolean());
const mayBeAbsent = fc.constantFrom({}, {}, { optional: true } as const);

const range = fc
  .tuple(number, number, fc.constantFrom("min", "max", "both"))
  .map(([a, b, bounds]) => ({
    ...(bounds === "max" ? {} : { min: Math.min(a, b) }),
    ...(bounds === "min" ? {} : { max: Math.max(a, b) }),
  }));

const textShape = fc
  .tuple(fc.constantFrom("", ...texts), fc.constantFrom("", ...texts), fc.option(fc.nat(2)))
  .map(([prefix, suffix, room]) => ({
    prefix,
    ...(suffix === "" ? {} : { suffix }),
    ...(room === null ? {} : { maxLength: shortestLength(prefix, suffix) + room }),
  }));

/** A valid constraint of any kind. */
export const constraint: fc.Arbitrary<Constraint> = fc.oneof(
  scalar,
  fc
    .tuple(fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }), mayBeAbsent)
    .map(([values, absent]) => ({ in: values, ...absent })),
  fc.constant({ in: [], optional: true } as const),
  fc.tuple(range, mayBeAbsent).map(([set, absent]) => ({ ...set, ...absent })),
  fc.tuple(textShape, mayBeAbsent).map(([set, absent]) => ({ ...set, ...absent })),
  mayBeAbsent.map((absent) => ({ any: true, ...absent }) as const),
);

const limits = fc.record(
  {
    where: fc.dictionary(fc.constantFrom(...names), constraint, {
      maxKeys: 2,
      noNullPrototype: true,
    }),
    only: fc.boolean(),
    uses: fc.integer({ min: 1, max: 4 }),
    expiresIn: fc.constantFrom(1, 10, "10s", "1m", "0.5m", 900),
  } as const,
  { requiredKeys: [] },
);

/** A valid grant; its scope is often a pattern. */
export const grant: fc.Arbitrary<Grant> = fc
  .tuple(fc.constantFrom(...patterns), limits)
  .map(([scope, rest]) => ({ scope, ...rest }) as Grant);

/** Every kind of JavaScript value that could be a request's, however hostile. */
export const hostileValues: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  Infinity,
  -Infinity,
  1n,
  "\ud800",
  "a\udc00",
  "\u0000",
  "a".repeat(1_000_000),
  "\u{1D4B3}".repeat(500_000),
  [],
  [[]],
  [["a"]],
  [undefined],
  [null],
  // oxlint-disable-next-line no-sparse-arrays
  ["a", , "a"],
  Array.from({ length: 2 }),
  Array.from({ length: 100_000 }, () => "a"),
  Object.assign([], { length: 2 ** 32 - 1 }),
  {},
  { length: 1, 0: "a" },
  Object.create(null),
  Object("a"),
  Object(1),
  Symbol("a"),
  () => "a",
  new Date(0),
  new Map([["a", "a"]]),
  new Set(["a"]),
  Buffer.from("a"),
  { toString: () => "a" },
  { valueOf: () => 1 },
];

const value = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(...hostileValues) },
);

/** Values at and next to what a constraint allows. */
function near(one: Constraint): fc.Arbitrary<unknown> {
  const close = fc.constantFrom(...closeTo(one));
  return fc.oneof(
    { weight: 6, arbitrary: close },
    { weight: 1, arbitrary: fc.array(close, { minLength: 1, maxLength: 2 }) },
    { weight: 1, arbitrary: value },
  );
}

function closeTo(one: Constraint): readonly unknown[] {
  if (typeof one !== "object") return [one];
  if ("in" in one) return [...one.in, undefined];
  if ("min" in one || "max" in one) {
    const edges = [one.min, one.max].filter((edge) => edge !== undefined);
    return edges.flatMap((edge) => [edge, edge - 0.5, edge + 0.5]);
  }
  if ("any" in one) return ["a", 1, true, undefined];
  const {
    prefix = "",
    suffix = "",
    maxLength = 3,
  } = one as { prefix?: string; suffix?: string; maxLength?: number };
  const joined = prefix.endsWith(suffix) ? prefix : prefix + suffix;
  return [joined, prefix + suffix, `${prefix}${"b".repeat(maxLength)}${suffix}`, undefined];
}

/** A request that one of the grants might allow. */
export function requestNear(
  ...grants: readonly Grant[]
): fc.Arbitrary<{ scope: string; values: Record<string, unknown> }> {
  const entries = names.map((name) => {
    const named = grants
      .flatMap(({ where = {} }) => Object.entries(where).filter(([of]) => of === name))
      .map(([, one]) => near(one));
    const drawn = named.length > 0 ? fc.oneof(...named) : value;
    return fc
      .option(drawn, { freq: named.length > 0 ? 8 : 1, nil: undefined })
      .map((drawnValue) => [name, drawnValue] as const);
  });
  return fc
    .tuple(fc.constantFrom(...scopes, ...scopesUnder(grants)), fc.tuple(...entries), fc.nat(9))
    .map(([scope, members, extra]) => {
      const present = members.filter(([, member]) => member !== undefined);
      return {
        scope,
        values: Object.fromEntries(extra === 0 ? [...present, ["__proto__", "a"]] : present),
      };
    });
}

function scopesUnder(grants: readonly Grant[]): readonly string[] {
  const under = grants.flatMap(({ scope }) => (scope.endsWith("*") ? [] : [scope, scope, scope]));
  return [...under, "s:a.b"];
}

/** Two grants that often share a scope, names or a whole, one of them. */
export const grantPair: fc.Arbitrary<readonly [Grant, Grant]> = fc
  .tuple(grant, grant, fc.nat(3))
  .map(([a, b, how]) => {
    if (how === 0) return [a, b];
    if (how === 1) return [{ ...b, scope: a.scope }, a];
    const where = { ...a.where, ...b.where };
    return [
      { ...a, scope: "s:a.b", where },
      { ...b, scope: "s:*" },
    ];
  });
