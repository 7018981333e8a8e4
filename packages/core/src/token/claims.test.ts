import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grantSchema } from "../grant-schema.ts";
import {
  actors,
  type Claims,
  claimsSchema,
  counterOf,
  identifierSchema,
  isIdentifier,
  parentsOf,
  scopeClaim,
  toDetails,
  toGrants,
} from "./claims.ts";

const CLAIMS = {
  v: 1,
  iss: "urn:desk",
  aud: "https://tickets.example",
  sub: "ada",
  act: { sub: "bot" },
  iat: 1_767_225_600,
  nbf: 1_767_225_600,
  exp: 1_767_225_610,
  jti: "AAAAAAAAAAAAAAAAAAAAAA",
  scope: "tickets:read",
  authorization_details: [{ type: "agent_key", actions: ["tickets:read"] }],
};
const [DETAIL] = CLAIMS.authorization_details;
const PARENT = {
  iss: "urn:desk",
  jti: "BBBBBBBBBBBBBBBBBBBBBB",
  kid: "k1",
  scope: "tickets:read",
  iat: 1_767_225_600,
  exp: 1_767_225_610,
  grants: [0],
  uses: [null],
};

function accepts(over: object): boolean {
  return claimsSchema.safeParse({ ...CLAIMS, ...over }).success;
}

/** Grants with one use each, and the counters they name. */
function counting(...counters: readonly unknown[]): readonly object[] {
  return counters.map((counter) => ({
    ...DETAIL,
    uses: 1,
    ...(counter === undefined ? {} : { counter }),
  }));
}

/** So many parents, one within the other. */
function nested(depth: number): unknown {
  let parent: unknown;
  for (let i = 0; i < depth; i += 1) parent = parent === undefined ? PARENT : { ...PARENT, parent };
  return parent;
}

/** An agent, and so many others who delegated to it in turn. */
function acting(delegations: number): unknown {
  return delegations === 0 ? { sub: "bot" } : { sub: "bot", act: acting(delegations - 1) };
}

describe("claims are accepted", () => {
  const good: readonly (readonly [string, object])[] = [
    ["with what must be there", {}],
    ["with a run and a call", { txn: "run-1", call: "call_1" }],
    ["with a digest of arguments", { txn: "run-1", args: `${"a_-Z9".repeat(8)}abc` }],
    ["with fractions of a second", { iat: 1_767_225_600.25, exp: 1_767_225_610.125 }],
    ["with a chain of actors", { act: { sub: "bot", act: { sub: "lead", act: { sub: "root" } } } }],
    ["with eight agents who delegated", { act: acting(8) }],
    ["with a shared counter", { authorization_details: counting(undefined, 0, undefined, 2, 0) }],
    ["with names of one character", { iss: "i", aud: "a", txn: "t" }],
    ["with names of 256 characters", { iss: "i".repeat(256), aud: "a".repeat(256) }],
    ["with the shortest id", { jti: "A".repeat(16) }],
    ["with the longest id", { jti: "A".repeat(64) }],
    ["with a parent", { parent: PARENT }],
    ["with a parent of short names", { parent: { ...PARENT, jti: "p", kid: "k" } }],
    [
      "with a parent of long names",
      { parent: { ...PARENT, jti: "p".repeat(64), kid: "k".repeat(256) } },
    ],
    ["with eight parents", { parent: nested(8) }],
    [
      "with limits of every kind",
      { authorization_details: [{ ...DETAIL, constraints: { id: 7 }, only: true, uses: 3 }] },
    ],
  ];
  test.each(good)("%s", (_, over) => {
    expect(accepts(over)).toBe(true);
  });
});

describe("claims are refused", () => {
  const required = Object.keys(CLAIMS);
  test.each(required)("without %s", (name) => {
    expect(accepts({ [name]: undefined })).toBe(false);
    const { [name as keyof Claims]: _, ...rest } = CLAIMS as unknown as Claims;
    expect(claimsSchema.safeParse(rest).success).toBe(false);
  });

  const strangers = { cnf: { jkt: "x" }, scp: "x", roles: [], client_id: "x", constructor: 1 };
  test.each(Object.entries(strangers))("with the unknown claim %s", (name, value) => {
    expect(accepts({ [name]: value })).toBe(false);
  });

  const detail = (over: object) => ({ authorization_details: [{ ...DETAIL, ...over }] });
  const wrong: readonly (readonly [string, object])[] = [
    ["of another version", { v: 2 }],
    ["of a version as text", { v: "1" }],
    ["for several audiences", { aud: ["https://tickets.example"] }],
    ["with an empty issuer", { iss: "" }],
    ["with an issuer of 257 characters", { iss: "i".repeat(257) }],
    ["with half a character as user", { sub: "\ud800" }],
    ["with a time as text", { exp: "1767225610" }],
    ["with a time that is not finite", { exp: Infinity }],
    ["with a time that is no number", { exp: Number.NaN }],
    ["with a negative time", { iat: -1 }],
    ["with a digest that is too short", { args: "a".repeat(42) }],
    ["with a digest that is too long", { args: "a".repeat(44) }],
    ["with a digest that is none", { args: `${"a".repeat(42)}=` }],
    ["with a digest on two lines", { args: `${"a".repeat(43)}\n` }],
    ["with a short id", { jti: "AAAAAAAAAAAAAAA" }],
    ["with a long id", { jti: "A".repeat(65) }],
    ["with nine agents who delegated", { act: acting(9) }],
    ["with an actor without a name", { act: {} }],
    ["with an actor who is a text", { act: "bot" }],
    ["with an actor who has more members", { act: { sub: "bot", iss: "urn:other" } }],
    ["with a stranger deep in the chain", { act: { sub: "bot", act: { sub: "a", x: 1 } } }],
    ["without details", { authorization_details: [] }],
    ["without details or scopes", { scope: "", authorization_details: [] }],
    [
      "with a second detail that is no grant",
      {
        scope: "tickets:read tickets",
        authorization_details: [DETAIL, { ...DETAIL, actions: ["tickets"] }],
      },
    ],
    ["with 51 details", { authorization_details: Array.from({ length: 51 }, () => DETAIL) }],
    ["with a detail of another type", detail({ type: "payment" })],
    ["with a detail of two actions", detail({ actions: ["tickets:read", "tickets:read"] })],
    ["with a detail of no action", detail({ actions: [] })],
    ["with a detail that says more", detail({ locations: ["https://tickets.example"] })],
    ["with a counter of its own", { authorization_details: counting(0) }],
    ["with a counter further on", { authorization_details: counting(undefined, 2, undefined) }],
    ["with a counter that is none", { authorization_details: counting(undefined, -1) }],
    ["with a counter as text", { authorization_details: counting(undefined, "0") }],
    ["with a counter of a counter", { authorization_details: counting(undefined, 0, 1) }],
    [
      "with a counter for no limit",
      { authorization_details: [...counting(undefined), { ...DETAIL, counter: 0 }] },
    ],
    [
      "with a counter of a grant without a limit",
      { authorization_details: [DETAIL, { ...DETAIL, uses: 1, counter: 0 }] },
    ],
    ["with uses of 0", detail({ uses: 0 })],
    ["with uses of 1.5", detail({ uses: 1.5 })],
    ["with only: false", detail({ only: false })],
    ["with an unknown operator", detail({ constraints: { id: { regex: "." } } })],
    ["with mixed operators", detail({ constraints: { id: { in: [1], max: 2 } } })],
    ["with an empty name", detail({ constraints: { "": 1 } })],
    [
      "with a constraint named __proto__",
      detail({ constraints: JSON.parse('{"__proto__":1}') as object }),
    ],
    ["whose scope claim says more than its details", { scope: "tickets:read tickets:reply" }],
    ["whose scope claim says less", { scope: "" }],
    ["whose scope claim has two spaces", { scope: "tickets:read  " }],
    ["with a wildcard", { scope: "tickets:*", ...detail({ actions: ["tickets:*"] }) }],
    ["with a scope that is none", { scope: "tickets", ...detail({ actions: ["tickets"] }) }],
    [
      "with a megabyte of scope",
      { scope: `t:${"a".repeat(1e6)}`, ...detail({ actions: [`t:${"a".repeat(1e6)}`] }) },
    ],
    ["with a parent of another issuer", { parent: { ...PARENT, iss: "urn:other" } }],
    ["with a parent that says nothing of a grant", { parent: { ...PARENT, grants: [] } }],
    ["with a parent that says too much", { parent: { ...PARENT, grants: [0, 0] } }],
    ["with a parent whose uses are short", { parent: { ...PARENT, uses: [] } }],
    ["with a parent whose index is negative", { parent: { ...PARENT, grants: [-1] } }],
    ["with a parent that has no use to give", { parent: { ...PARENT, uses: [0] } }],
    ["with a parent of half a use", { parent: { ...PARENT, uses: [0.5] } }],
    ["with a parent whose id is empty", { parent: { ...PARENT, jti: "" } }],
    ["with a parent whose id is long", { parent: { ...PARENT, jti: "p".repeat(65) } }],
    ["with a parent whose kid is empty", { parent: { ...PARENT, kid: "" } }],
    ["with a parent whose kid is long", { parent: { ...PARENT, kid: "k".repeat(257) } }],
    ["with a parent without a kid", { parent: { ...PARENT, kid: undefined } }],
    ["with a parent of more members", { parent: { ...PARENT, nbf: 1 } }],
    ["with a parent without a date", { parent: { ...PARENT, iat: undefined } }],
    ["with a parent without an end", { parent: { ...PARENT, exp: undefined } }],
    ["with a parent younger than itself", { parent: { ...PARENT, iat: 1_767_225_600.001 } }],
    ["with a parent that ends before it", { parent: { ...PARENT, exp: 1_767_225_609.999 } }],
    [
      "with a grandparent younger than the parent",
      {
        parent: {
          ...PARENT,
          iat: 1_767_225_500,
          parent: { ...PARENT, iat: 1_767_225_501 },
        },
      },
    ],
    [
      "with a grandparent of another issuer",
      { parent: { ...PARENT, parent: { ...PARENT, iss: "urn:other" } } },
    ],
    ["with nine parents", { parent: nested(9) }],
  ];
  test.each(wrong)("%s", (_, over) => {
    expect(accepts(over)).toBe(false);
  });
});

test.each([
  ["a", true],
  ["ada lovelace\n", true],
  ["a".repeat(256), true],
  ["\u{1f600}".repeat(256), true],
  ["\u{1f600}".repeat(257), false],
  ["a".repeat(257), false],
  ["", false],
  ["\ud800", false],
  [undefined, false],
  [null, false],
  [7, false],
  [["a"], false],
])("%j is a name: %s, at once as by the schema", (value, expected) => {
  expect(isIdentifier(value)).toBe(expected);
  expect(identifierSchema.safeParse(value).success).toBe(expected);
});

test("the scope claim names each scope once, in order", () => {
  const grants = ["a:x", "b:y", "a:x", "a:z"].map((scope) => ({ scope }));
  expect(scopeClaim(grants)).toBe("a:x b:y a:z");
});

test("grants survive the way through authorization details, but for their life", () => {
  const grants = [
    { scope: "a:x", where: { id: { in: [1, 2] } }, only: true, uses: 2, expiresIn: 5 },
    { scope: "a:y", only: false },
  ] as const;
  expect(toGrants({ authorization_details: toDetails(grants) })).toStrictEqual([
    { scope: "a:x", where: { id: { in: [1, 2] } }, only: true, uses: 2 },
    { scope: "a:y" },
  ]);
});

test("parents and actors are listed the nearest first", () => {
  const grand = { ...PARENT, jti: "grand" };
  const refs = parentsOf({ parent: { ...PARENT, uses: [null], parent: grand } });
  expect(refs.map(({ jti }) => jti)).toEqual([PARENT.jti, "grand"]);
  expect(parentsOf({})).toEqual([]);
  expect(actors({ sub: "c", act: { sub: "b", act: { sub: "a" } } })).toEqual(["c", "b", "a"]);
});

describe("a detail is a grant by other names", () => {
  const texts = ["t-1", "", "\udc00", "x".repeat(1025), 7, Number.NaN, true, null, [], {}, ["t-1"]];
  const sets = [
    { in: ["a", 1] },
    { in: [] },
    { in: [], optional: true },
    { in: Array(201).fill("a") },
  ];
  const ranges = [
    { min: 1, max: 2 },
    { min: 2, max: 1 },
    { min: 1, prefix: "a" },
  ];
  const others = [
    { prefix: "a", maxLength: 0 },
    { suffix: "b" },
    { optional: true },
    { any: true },
  ];
  const odd = fc.constantFrom<unknown>(...texts, ...sets, ...ranges, ...others);
  const name = fc.constantFrom(
    "ticketId",
    "",
    "__proto__",
    "constructor",
    "a\u0000",
    "\ud800",
    "é",
  );
  const where = fc.oneof(
    { weight: 9, arbitrary: fc.array(fc.tuple(name, odd), { maxLength: 3 }).map(ownMembers) },
    fc.constantFrom(...[50, 51].map((count) => ownMembers(numbered(count)))),
    fc.constantFrom<unknown>(null, "ticketId", []),
  );
  const scope = fc.oneof(
    { weight: 6, arbitrary: fc.constant<unknown>("tickets:read") },
    fc.constantFrom<unknown>("tickets:*", "Tickets:read", "tickets", "a:b c", "", 7, "a:b\n"),
    fc.constantFrom<unknown>(`a:${"b".repeat(198)}`, `a:${"b".repeat(199)}`),
  );
  const limits = fc.record(
    {
      where,
      only: fc.constant(true),
      uses: fc.constantFrom<unknown>(1, 2, 0, -1, 1.5, "1", Number.NaN, Number.MAX_SAFE_INTEGER),
    },
    { requiredKeys: [] },
  );

  test("what one schema takes, the other takes", () => {
    const taken = { yes: 0, no: 0 };
    fc.assert(
      fc.property(scope, limits, (stated, { where: constraints, ...rest }) => {
        const inGrant = constraints === undefined ? rest : { ...rest, where: constraints };
        const inDetail = constraints === undefined ? rest : { ...rest, constraints };
        const detail = { type: "agent_key", actions: [stated], ...inDetail };
        const grant = grantSchema.safeParse({ scope: stated, ...inGrant }).success;
        expect(accepts({ scope: stated, authorization_details: [detail] })).toBe(grant);
        taken[grant ? "yes" : "no"] += 1;
      }),
      { seed: 20_261_123, numRuns: 5_000 },
    );
    expect(Math.min(taken.yes, taken.no)).toBeGreaterThan(500);
  });

  /** Own members all, also one that assigning would make the prototype. */
  function ownMembers(members: readonly (readonly [string, unknown])[]): object {
    return Object.fromEntries(members);
  }

  function numbered(count: number): [string, unknown][] {
    return Array.from({ length: count }, (_, index) => [`n${index}`, 1]);
  }
});

test("details hold what a grant says and nothing else, and name a counter that is not their own", () => {
  const grants = [
    { scope: "a:x", uses: 2 },
    { scope: "a:y", uses: 2, where: { id: 1 } },
  ];
  const [first, second] = [
    { type: "agent_key", actions: ["a:x"], uses: 2 },
    { type: "agent_key", actions: ["a:y"], constraints: { id: 1 }, uses: 2 },
  ];
  expect(toDetails(grants)).toStrictEqual([first, second]);
  const shared = toDetails(grants, [0, 0]);
  expect(shared).toStrictEqual([first, { ...second, counter: 0 }]);
  expect(toDetails([{ scope: "a:x" }])).toStrictEqual([{ type: "agent_key", actions: ["a:x"] }]);
  const claims = { authorization_details: shared };
  expect([counterOf(claims, 0), counterOf(claims, 1)]).toEqual([0, 0]);
});
