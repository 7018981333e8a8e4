import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countersOf } from "./counters.ts";
import { AgentKeyError } from "./errors.ts";
import type { Grant } from "./grant.ts";
import { checkRequest, type KeyRequest } from "./request.ts";
import { testKeys } from "./testing/index.ts";

const scope = "a:b";
const x = (value: number, uses?: number): Grant => grant({ x: value }, uses);
const y = (value: number, uses?: number): Grant => grant({ y: value }, uses);

function grant(where: Record<string, number>, uses?: number): Grant {
  return { scope, where, ...(uses === undefined ? {} : { uses }) };
}

describe("grants share a counter", () => {
  test.each<[string, readonly Grant[], readonly Grant[], readonly number[]]>([
    ["when they are cut from one limit", [x(1, 2), y(1, 2)], [{ scope, uses: 2 }], [0, 0]],
    ["not when nothing limits them", [x(1), y(1)], [{ scope }], [0, 1]],
    ["not when each has its own", [x(1, 2), x(2, 2)], [x(1, 2), x(2, 2)], [0, 1]],
    ["not when they fit together", [x(1, 2), y(1, 3)], [{ scope, uses: 5 }], [0, 1]],
    ["when they fit not quite", [x(1, 2), y(1, 3)], [{ scope, uses: 4 }], [0, 0]],
    [
      "of which one has no part",
      [y(2), x(1, 1), x(2, 1)],
      [{ scope }, { scope: "a:*", uses: 1 }],
      [0, 1, 1],
    ],
    [
      "through a limit in common with each",
      [x(1, 3), x(2, 3), y(1, 3)],
      [
        { scope, where: { x: { in: [1, 2] } }, uses: 3 },
        { scope, uses: 5 },
      ],
      [0, 0, 0],
    ],
  ])("%s", (_, grants, limits, expected) => {
    expect(countersOf(grants, limits)).toEqual(expected);
  });
});

async function verdict(run: () => unknown): Promise<string> {
  try {
    await run();
    return "allowed";
  } catch (error) {
    if (!(error instanceof AgentKeyError)) throw error;
    return error.code;
  }
}

const all: KeyRequest = { scope: "a:b", values: { x: 1, y: 1, z: 1 } };
const parts: readonly Grant[] = [{ x: 1 }, { y: 1 }, { z: 1 }].map((where) => ({
  scope: "a:*",
  where,
}));

test("one use is one use, whatever number of rules it is cut by", async () => {
  const policy = { "*": { allow: parts } };
  const keys = testKeys({ policy });
  const key = keys.mint({ scope, uses: 1 });
  expect(key.grants).toHaveLength(3);
  const child = keys.for({ agent: "helper", parent: key }).mint(scope);
  const spend = (token: string) =>
    verdict(() => keys.verify(token, { request: all, consume: true }));
  expect(await spend(child.token)).toBe("allowed");
  for (const { token } of [key, child]) {
    for (const { where = {} } of parts) {
      const request = { scope, values: where };
      expect(await verdict(() => keys.verify(token, { request }))).toBe("key_used_up");
    }
    expect(await spend(token)).toBe("key_used_up");
  }
});

test("a rule's one use is one use of all that is asked for under it", async () => {
  const keys = testKeys({ policy: { "*": { allow: [{ scope: "a:*", uses: 1 }] } } });
  const key = keys.mint(["a:b", "a:c"]);
  const spend = (scoped: string) =>
    verdict(() => keys.verify(key.token, { request: { scope: scoped }, consume: true }));
  expect(await spend("a:c")).toBe("allowed");
  expect(await spend("a:b")).toBe("key_used_up");
});

const where = fc.dictionary(fc.constantFrom("x", "y"), fc.constantFrom(1, 2), { maxKeys: 2 });
const limited = (scopes: readonly string[]): fc.Arbitrary<Grant> =>
  fc
    .record({
      scope: fc.constantFrom(...scopes),
      where,
      uses: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    })
    .map(({ uses, ...rest }) => (uses === undefined ? rest : { ...rest, uses }));
const asks = fc.array(limited(["a:b", "a:c"]), { minLength: 1, maxLength: 4 });
const rules = fc.array(limited(["a:b", "a:c", "a:*"]), { minLength: 1, maxLength: 4 });
const requests = fc.array(
  fc.record({
    scope: fc.constantFrom("a:b", "a:c"),
    values: fc.record({ x: fc.constantFrom(1, 2), y: fc.constantFrom(1, 2) }),
    delegated: fc.boolean(),
  }),
  { minLength: 20, maxLength: 30 },
);

const allows = (limit: Grant, request: KeyRequest): boolean =>
  checkRequest([{ ...limit, scope: covers(limit.scope, request.scope) }], request).allowed;

function covers(outer: string, inner: string): string {
  return outer === "a:*" ? inner : outer;
}

/** For every set of limits: what only they allow is no more than their uses together. */
function expectWithin(limits: readonly Grant[], accepted: readonly KeyRequest[]): void {
  for (let set = 1; set < 2 ** limits.length; set += 1) {
    const inSet = (_: Grant, index: number): boolean => ((set >> index) & 1) === 1;
    const rest = limits.filter((limit, index) => !inSet(limit, index));
    const only = accepted.filter((request) => !rest.some((limit) => allows(limit, request)));
    const uses = limits.filter(inSet).reduce((sum, limit) => sum + (limit.uses ?? Infinity), 0);
    expect(only.length).toBeLessThanOrEqual(uses);
  }
}

test("what is accepted never exceeds what was asked, nor what the rules say", async () => {
  let spent = 0;
  await fc.assert(
    fc.asyncProperty(asks, asks, rules, requests, async (asked, passed, allow, tried) => {
      const keys = testKeys({ policy: { "*": { allow } } });
      if ((await verdict(() => keys.mint(asked))) !== "allowed") return;
      const key = keys.mint(asked);
      const helper = keys.for({ agent: "helper", parent: key });
      const child = (await verdict(() => helper.mint(passed))) === "allowed" && helper.mint(passed);
      const accepted: KeyRequest[] = [];
      const childs: KeyRequest[] = [];
      // Sharing takes nothing from the first request.
      const refused: KeyRequest[] = [];
      for (const { delegated, ...request } of tried) {
        const { token } = delegated && child !== false ? child : key;
        const code = await verdict(() => keys.verify(token, { request, consume: true }));
        if (token === key.token && accepted.length === 0) {
          const may = [asked, allow].every((list) => list.some((one) => allows(one, request)));
          if (may && code !== "allowed") refused.push(request);
        }
        if (code !== "allowed") continue;
        accepted.push(request);
        if (token !== key.token) childs.push(request);
      }
      spent += accepted.length;
      expect(refused).toEqual([]);
      expectWithin(asked, accepted);
      expectWithin(allow, accepted);
      expectWithin(passed, childs);
    }),
    { numRuns: 150 },
  );
  expect(spent).toBeGreaterThan(150);
}, 30_000);

test("on a counter already shared, the highest limit of its grants is the one that counts", () => {
  const limits = [
    { scope, where: { x: { in: [1, 2] } }, uses: 3 },
    { scope, uses: 5 },
  ];
  // The first two share a counter that may come to 3, with the third's 2 to no more than 5.
  expect(countersOf([x(1, 3), x(2, 1), y(1, 2)], limits)).toEqual([0, 0, 2]);
  expect(countersOf([x(1, 1), x(2, 3), y(1, 2)], limits)).toEqual([0, 0, 2]);
  expect(countersOf([x(1, 3), x(2, 1), y(1, 3)], limits)).toEqual([0, 0, 0]);
});
