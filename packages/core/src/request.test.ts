import { describe, expect, test } from "vitest";
import type { Grant } from "./grant.ts";
import { checkRequest, failedNames } from "./request.ts";

const insufficient = { allowed: false, code: "insufficient_scope", failed: [] };
const failing = (...failed: readonly string[]): object => ({
  allowed: false,
  code: "constraint_failed",
  failed,
});
const allowedBy = (...grants: readonly number[]): object => ({ allowed: true, grants });

describe("one grant must allow the whole request", () => {
  const acme: Grant = {
    scope: "github:repos.read",
    where: { owner: "acme", repo: { prefix: "api" } },
  };
  const other: Grant = { scope: "github:repos.read", where: { owner: "beta", repo: "web" } };
  const scope = "github:repos.read";

  test.each<[string, readonly Grant[], string, Record<string, unknown>, object]>([
    ["no grants at all", [], scope, {}, insufficient],
    ["another scope", [acme], "github:repos.write", { owner: "acme", repo: "api" }, insufficient],
    ["a scope below", [{ scope: "github:repos" }], scope, {}, insufficient],
    ["every value fits", [acme], scope, { owner: "acme", repo: "api-2" }, allowedBy(0)],
    ["a value more is free", [acme], scope, { owner: "acme", repo: "api", x: 1 }, allowedBy(0)],
    ["one value does not fit", [acme], scope, { owner: "acme", repo: "web" }, failing("repo")],
    ["a value is missing", [acme], scope, { owner: "acme" }, failing("repo")],
    ["a value is undefined", [acme], scope, { owner: undefined, repo: "api" }, failing("owner")],
    ["a value is null", [acme], scope, { owner: null, repo: "api" }, failing("owner")],
    ["a value is an empty array", [acme], scope, { owner: [], repo: "api" }, failing("owner")],
    [
      "half by one grant, half by another",
      [acme, other],
      scope,
      { owner: "acme", repo: "web" },
      failing("repo", "owner"),
    ],
    ["the second grant", [acme, other], scope, { owner: "beta", repo: "web" }, allowedBy(1)],
    [
      "several grants, in their order",
      [{ scope }, acme, { scope: "github:repos.*" }],
      scope,
      { owner: "acme", repo: "api" },
      allowedBy(0, 1, 2),
    ],
    [
      "a failing grant of the scope beside one of another",
      [acme, { scope: "a:b" }],
      scope,
      {},
      failing("owner", "repo"),
    ],
  ])("%s", (_, grants, asked, values, decision) => {
    expect(checkRequest(grants, { scope: asked, values })).toEqual(decision);
  });

  test.each([
    ["a wildcard", "github:*"],
    ["the pattern itself", "github:repos.*"],
    ["nothing", ""],
    ["an ill-formed scope under the pattern", "github:repos.READ"],
    ["an empty segment under the pattern", "github:repos."],
    ["a megabyte", `github:repos.${"a".repeat(1_000_000)}`],
    ["no text", undefined as unknown as string],
  ])("%s cannot be asked for", (_, asked) => {
    const grants: readonly Grant[] = [{ scope: "github:*" }, { scope: "github:repos.*" }];
    expect(checkRequest(grants, { scope: asked })).toEqual(insufficient);
  });

  test("without values everything constrained is missing, and optional ones may be", () => {
    const grants: readonly Grant[] = [
      { scope, where: { owner: { in: ["acme"], optional: true } } },
    ];
    expect(checkRequest([acme], { scope })).toEqual(failing("owner", "repo"));
    expect(checkRequest(grants, { scope })).toEqual(allowedBy(0));
    expect(checkRequest(grants, { scope, values: null as unknown as undefined })).toEqual(
      allowedBy(0),
    );
    expect(checkRequest(grants, { scope, values: { owner: "evil" } })).toEqual(failing("owner"));
  });
});

describe("only", () => {
  const closed: Grant = {
    scope: "a:b",
    only: true,
    where: { x: 1, y: { any: true, optional: true } },
  };

  test.each<[string, Record<string, unknown>, readonly string[]]>([
    ["what where names", { x: 1, y: "any" }, []],
    ["an optional one left out", { x: 1 }, []],
    ["a name more", { x: 1, z: 1 }, ["z"]],
    ["a name more whose value is absent", { x: 1, z: undefined }, []],
    ["a name more whose value is null", { x: 1, z: null }, ["z"]],
    ["a name more whose value is an empty array", { x: 1, z: [] }, ["z"]],
    ["an empty name", { x: 1, "": "v" }, [""]],
    ["a name of the prototype", { x: 1, toString: "v" }, ["toString"]],
    ["a name that differs in case", { x: 1, X: 1 }, ["X"]],
    ["a missing one and one more", { z: 1 }, ["x", "z"]],
  ])("%s", (_, values, failed) => {
    expect(failedNames(closed, values)).toEqual(failed);
  });

  test("a value called __proto__ is seen", () => {
    const values = JSON.parse('{"x":1,"__proto__":"v"}') as Record<string, unknown>;
    expect(failedNames(closed, values)).toEqual(["__proto__"]);
  });

  test("only: false and no only are the same", () => {
    expect(failedNames({ scope: "a:b", only: false }, { z: 1 })).toEqual([]);
    expect(failedNames({ scope: "a:b" }, { z: 1 })).toEqual([]);
  });
});

test("what is inherited is no value: neither from a class nor from the object prototype", () => {
  const grant: Grant = { scope: "a:b", where: { owner: "acme" } };
  expect(
    failedNames(grant, Object.create({ owner: "acme" }) as object as Record<string, unknown>),
  ).toEqual(["owner"]);
  const natural: Grant = {
    scope: "a:b",
    where: { constructor: "x", toString: "x" },
  };
  expect(failedNames(natural, {})).toEqual(["constructor", "toString"]);
});
