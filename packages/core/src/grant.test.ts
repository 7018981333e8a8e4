import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grant as anyGrant, grantPair, hostileValues, requestNear } from "../test/arbitraries.ts";
import type { Constraint } from "./constraint.ts";
import { FREE, type Grant, isNarrower, meet, valuesOf } from "./grant.ts";
import { ruleSchema } from "./grant-schema.ts";
import { checkRequest, type KeyRequest } from "./request.ts";

function allows(grant: Grant | undefined, request: KeyRequest): boolean {
  return grant !== undefined && checkRequest([grant], request).allowed;
}

const same = (a: Grant | undefined, b: Grant | undefined): boolean =>
  a === undefined || b === undefined ? a === b : isNarrower(a, b) && isNarrower(b, a);

describe("isNarrower", () => {
  const read: Grant = { scope: "github:repos.read" };
  const acme: Grant = { ...read, where: { owner: "acme" } };

  test.each<[string, Grant, Grant, boolean]>([
    ["itself", acme, acme, true],
    ["a scope under a pattern", read, { scope: "github:*" }, true],
    ["a pattern under a concrete scope", { scope: "github:*" }, read, false],
    [
      "a scope under one that only begins alike",
      { scope: "github:reposx.read" },
      { scope: "github:repos.*" },
      false,
    ],
    ["a constraint more", acme, read, true],
    ["a constraint less", read, acme, false],
    ["another name's constraint", { ...read, where: { org: "acme" } }, acme, false],
    ["another value", { ...read, where: { owner: "evil" } }, acme, false],
    ["one of several values", acme, { ...read, where: { owner: { in: ["acme", "beta"] } } }, true],
    [
      "optional under required",
      { ...read, where: { owner: { in: ["acme"], optional: true } } },
      acme,
      false,
    ],
    [
      "required under optional",
      acme,
      { ...read, where: { owner: { in: ["acme"], optional: true } } },
      true,
    ],
    ["any under free", { ...read, where: { owner: { any: true } } }, read, true],
    ["free under any", read, { ...read, where: { owner: { any: true } } }, false],
    [
      "free under any that may be absent: an empty array tells them apart",
      read,
      { ...read, where: { owner: { any: true, optional: true } } },
      false,
    ],
    ["closed under open", { ...acme, only: true }, acme, true],
    ["open under closed", acme, { ...acme, only: true }, false],
    [
      "a name more under closed",
      { ...acme, only: true, where: { owner: "acme", repo: "x" } },
      { ...acme, only: true },
      false,
    ],
    [
      "a name that is only ever absent under closed",
      { ...acme, only: true, where: { owner: "acme", repo: { in: [], optional: true } } },
      { ...acme, only: true },
      true,
    ],
    ["closed and silent where the other requires", { ...read, only: true }, { ...acme }, false],
    [
      "closed and silent where the other may be absent",
      { ...read, only: true },
      { ...read, where: { owner: { in: ["acme"], optional: true } } },
      true,
    ],
    ["fewer uses", { ...read, uses: 1 }, { ...read, uses: 2 }, true],
    ["more uses", { ...read, uses: 3 }, { ...read, uses: 2 }, false],
    ["unlimited under limited uses", read, { ...read, uses: 2 }, false],
    [
      "a shorter life in other words",
      { ...read, expiresIn: 59 },
      { ...read, expiresIn: "1m" },
      true,
    ],
    [
      "the same life in other words",
      { ...read, expiresIn: "60s" },
      { ...read, expiresIn: "1m" },
      true,
    ],
    ["a longer life", { ...read, expiresIn: "61s" }, { ...read, expiresIn: "1m" }, false],
    ["unlimited under a limited life", read, { ...read, expiresIn: "1m" }, false],
    [
      "a name of the prototype is not constrained",
      read,
      { ...read, where: { owner: { any: true } } },
      false,
    ],
    ["a constraint on `constructor` counts", read, { ...read, where: { constructor: "x" } }, false],
  ])("%s", (_, child, parent, expected) => {
    expect(isNarrower(child, parent)).toBe(expected);
  });

  test("never says yes to a limit that is none", () => {
    const limited = (limit: object): Grant => ({ ...read, ...limit });
    expect(isNarrower(limited({ uses: Number.NaN }), limited({ uses: 1 }))).toBe(false);
    expect(isNarrower(limited({ uses: 5 }), limited({ uses: Number.NaN }))).toBe(false);
    expect(isNarrower(limited({ expiresIn: "1m" }), limited({ expiresIn: "soon" }))).toBe(false);
    expect(isNarrower(limited({ expiresIn: "1m" }), limited({ expiresIn: 0 }))).toBe(false);
    expect(isNarrower(read, limited({ where: { owner: undefined } }))).toBe(false);
    expect(isNarrower(acme, limited({ where: { owner: { prefx: "a" } } }))).toBe(false);
  });
});

describe("meet", () => {
  const rule: Grant = { scope: "github:repos.*", where: { owner: "acme" } };

  test.each<[string, Grant, Grant, Grant | undefined]>([
    [
      "a plain scope takes the rule's constraints",
      { scope: "github:repos.read" },
      rule,
      { scope: "github:repos.read", where: { owner: "acme" } },
    ],
    ["another service", { scope: "slack:chat.write" }, rule, undefined],
    [
      "nested patterns leave the inner one",
      { scope: "github:*" },
      { scope: "github:repos.*" },
      { scope: "github:repos.*" },
    ],
    [
      "patterns beside each other",
      { scope: "github:repos.*" },
      { scope: "github:issues.*" },
      undefined,
    ],
    [
      "a value that the rule does not have",
      { scope: "github:repos.read", where: { owner: "evil" } },
      rule,
      undefined,
    ],
    [
      "constraints on other names stand beside each other",
      { scope: "github:repos.read", where: { repo: "x" } },
      rule,
      { scope: "github:repos.read", where: { repo: "x", owner: "acme" } },
    ],
    [
      "values in common",
      { scope: "a:b", where: { x: { in: ["a", "b"] } } },
      { scope: "a:b", where: { x: { in: ["b", "c"] } } },
      { scope: "a:b", where: { x: "b" } },
    ],
    [
      "ranges overlap",
      { scope: "a:b", where: { x: { min: 1 } } },
      { scope: "a:b", where: { x: { max: 3 } } },
      { scope: "a:b", where: { x: { min: 1, max: 3 } } },
    ],
    [
      "ranges touch",
      { scope: "a:b", where: { x: { min: 1 } } },
      { scope: "a:b", where: { x: { max: 1 } } },
      { scope: "a:b", where: { x: 1 } },
    ],
    [
      "prefixes nest",
      { scope: "a:b", where: { x: { prefix: "ac" } } },
      { scope: "a:b", where: { x: { prefix: "acme/", suffix: "/x" } } },
      { scope: "a:b", where: { x: { prefix: "acme/", suffix: "/x" } } },
    ],
    [
      "optional only when both say so",
      { scope: "a:b", where: { x: { prefix: "a", optional: true } } },
      { scope: "a:b", where: { x: { any: true } } },
      { scope: "a:b", where: { x: { prefix: "a" } } },
    ],
    [
      "absence can be all that is left",
      { scope: "a:b", where: { x: { in: ["a"], optional: true } } },
      { scope: "a:b", where: { x: { in: ["b"], optional: true } } },
      { scope: "a:b", where: { x: { in: [], optional: true } } },
    ],
    [
      "closed if either is",
      { scope: "a:b", only: true, where: { x: "a" } },
      { scope: "a:b" },
      { scope: "a:b", only: true, where: { x: "a" } },
    ],
    [
      "closed and silent leaves nothing of what is required",
      { scope: "a:b", only: true },
      { scope: "a:b", where: { x: "a" } },
      undefined,
    ],
    [
      "closed and silent leaves absence of what is optional",
      { scope: "a:b", only: true },
      { scope: "a:b", where: { x: { any: true, optional: true } } },
      { scope: "a:b", only: true },
    ],
    [
      "the lower of uses and of lives",
      { scope: "a:b", uses: 5, expiresIn: "2m" },
      { scope: "a:b", uses: 2, expiresIn: 300 },
      { scope: "a:b", uses: 2, expiresIn: 120 },
    ],
    [
      "a limit of one side",
      { scope: "a:b" },
      { scope: "a:b", uses: 1, expiresIn: 5 },
      { scope: "a:b", uses: 1, expiresIn: 5 },
    ],
  ])("%s", (_, a, b, expected) => {
    expect(meet(a, b)).toEqual(expected);
    expect(same(meet(b, a), expected)).toBe(true);
  });

  test("what is no constraint leaves nothing, also where the other side is closed", () => {
    const open = { scope: "a:b", where: { x: undefined } } as unknown as Grant;
    const closed = { ...open, only: true };
    for (const other of [{ scope: "a:b" }, { scope: "a:b", only: true }]) {
      for (const met of [open, closed].flatMap((one) => [meet(one, other), meet(other, one)])) {
        expect(allows(met, { scope: "a:b", values: {} })).toBe(false);
        expect(allows(met, { scope: "a:b", values: { x: "v" } })).toBe(false);
      }
    }
  });

  test("a name called __proto__ is a name like any other here", () => {
    const where = JSON.parse('{"__proto__":"a"}') as Grant["where"];
    const met = meet({ scope: "a:b", where }, { scope: "a:b" });
    expect(allows(met, { scope: "a:b", values: {} })).toBe(false);
    expect(
      allows(met, {
        scope: "a:b",
        values: JSON.parse('{"__proto__":"a"}') as object as Record<string, unknown>,
      }),
    ).toBe(true);
  });
});

test("valuesOf says free, constrained, or absent where the set is closed", () => {
  expect(valuesOf({ scope: "a:b" }, "toString")).toBe(FREE);
  expect(valuesOf({ scope: "a:b", where: {} }, "constructor")).toBe(FREE);
  expect(valuesOf({ scope: "a:b", where: { x: 1 } }, "x")).toMatchObject({ values: [1] });
  expect(valuesOf({ scope: "a:b", only: true }, "x")).toMatchObject({ values: [], optional: true });
});

describe("the algebra", () => {
  const pairAndRequest = grantPair.chain(([a, b]) =>
    requestNear(a, b).map((request) => ({ a, b, request })),
  );

  test("a request is allowed by the meet iff by both", () => {
    const seen = { both: 0, one: 0, none: 0, empty: 0 };
    fc.assert(
      fc.property(pairAndRequest, ({ a, b, request }) => {
        const [byA, byB] = [allows(a, request), allows(b, request)];
        const met = meet(a, b);
        expect(allows(met, request)).toBe(byA && byB);
        seen[byA && byB ? "both" : byA || byB ? "one" : "none"] += 1;
        if (met === undefined) seen.empty += 1;
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(200);
  });

  test("what a narrower grant allows, the wider allows", () => {
    const seen = { allowed: 0, refused: 0, notNarrower: 0 };
    fc.assert(
      fc.property(pairAndRequest, ({ a, b, request }) => {
        const child = meet(a, b) ?? a;
        for (const [inner, outer] of [
          [child, b],
          [a, b],
          [b, a],
        ] as const) {
          const narrower = isNarrower(inner, outer);
          const allowed = allows(inner, request);
          expect(narrower && allowed && !allows(outer, request)).toBe(false);
          seen[narrower ? (allowed ? "allowed" : "refused") : "notNarrower"] += 1;
        }
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(200);
  });

  test("isNarrower is reflexive", () => {
    const property = fc.property(anyGrant, (a) => isNarrower(a, a));
    expect(fc.check(property, { numRuns: 2_000 }).counterexample).toBeNull();
  });

  test("isNarrower is transitive", () => {
    let chains = 0;
    fc.assert(
      fc.property(grantPair, anyGrant, ([a, b], c) => {
        // Drawn down from the top, or no three of them would ever be in line.
        const middle = meet(b, c) ?? b;
        const trio = [meet(a, middle) ?? a, middle, c, a, b];
        for (const x of trio) {
          for (const y of trio.filter((other) => other !== x && isNarrower(x, other))) {
            for (const z of trio.filter((other) => other !== y && isNarrower(y, other))) {
              chains += 1;
              expect(isNarrower(x, z)).toBe(true);
            }
          }
        }
      }),
      { numRuns: 3_000 },
    );
    expect(chains).toBeGreaterThan(500);
  });

  test("the meet is narrower than both, and takes the lower limits", () => {
    let met = 0;
    fc.assert(
      fc.property(grantPair, ([a, b]) => {
        const both = meet(a, b);
        if (both === undefined) return;
        met += 1;
        expect([isNarrower(both, a), isNarrower(both, b)]).toEqual([true, true]);
        const uses = Math.min(a.uses ?? Infinity, b.uses ?? Infinity);
        expect(both.uses ?? Infinity).toBe(uses);
        expect(ruleSchema.safeParse(both).error).toBeUndefined();
        expect(same(JSON.parse(JSON.stringify(both)) as Grant, both)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
    expect(met).toBeGreaterThan(500);
  });

  test("meet is idempotent, commutative and associative, and narrower grants are their own meet", () => {
    const seen = { some: 0, none: 0 };
    fc.assert(
      fc.property(grantPair, anyGrant, ([a, b], drawn) => {
        const c = { ...drawn, scope: "s:*" };
        expect(same(meet(a, a), a)).toBe(true);
        expect(same(meet(a, b), meet(b, a))).toBe(true);
        expect(!isNarrower(a, b) || same(meet(a, b), a)).toBe(true);
        const left = meetAll(meet(a, b), c);
        const right = meetAll(meet(b, c), a);
        expect(same(left, right)).toBe(true);
        seen[left === undefined ? "none" : "some"] += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(200);
  });

  test("is total over hostile values and names", () => {
    const names = ["a", "__proto__", "constructor", "toString", "", "\u0000a", "a".repeat(100_000)];
    fc.assert(
      fc.property(
        anyGrant,
        fc.constantFrom(...names),
        fc.constantFrom(...hostileValues),
        (a, name, value) => {
          const values = Object.fromEntries([[name, value]]);
          expect(typeof checkRequest([a], { scope: "s:a", values }).allowed).toBe("boolean");
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

function meetAll(a: Grant | undefined, b: Grant): Grant | undefined {
  return a === undefined ? undefined : meet(a, b);
}

test("what is no duration is no life at all", () => {
  const never = { scope: "a:b", expiresIn: "never" as never };
  expect(meet(never, { scope: "a:b", expiresIn: 0.5 })).toEqual({ scope: "a:b", expiresIn: 0 });
  expect(isNarrower(never, { scope: "a:b", expiresIn: 0.5 })).toBe(true);
  expect(isNarrower({ scope: "a:b", expiresIn: 0.5 }, never)).toBe(false);
});

describe("a constraint that the schema refuses", () => {
  test.each<[string, object]>([
    ["of two kinds", { min: 1, prefix: "a" }],
    ["of a list and a bound", { in: [1, 2, "a"], min: 2 }],
    ["of everything and a bound", { any: true, max: 1 }],
  ])("%s leaves nothing", (_, mixed) => {
    const wrong = { scope: "a:b", where: { id: mixed as Constraint } };
    for (const id of [1, 2, 5, "a", "ab", undefined, [1]]) {
      expect(checkRequest([wrong], { scope: "a:b", values: { id } }).allowed).toBe(false);
    }
    expect(meet(wrong, { scope: "a:b" })?.where?.["id"]).toEqual({ in: [] });
    for (const id of [1, 2, "a", { min: 2 }, { prefix: "a" }, { any: true }] as const) {
      expect(meet(wrong, { scope: "a:b", where: { id } })).toBeUndefined();
      expect(isNarrower({ scope: "a:b", where: { id } }, wrong)).toBe(false);
    }
  });
});
