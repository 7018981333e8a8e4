import { describe, expect, test } from "vitest";
import { AgentKeyError } from "../errors.ts";
import type { Grant } from "../grant.ts";
import {
  type ArgumentCheck,
  bindArguments,
  grantsForArguments,
  ownArguments,
  TEXT_INPUT,
  valueNames,
} from "./bind-arguments.ts";

describe("bindArguments names a call's arguments as constraints do", () => {
  test.each<[string, unknown, Record<string, string>, object]>([
    ["by their own names", { owner: "a", repo: "b" }, {}, { owner: "a", repo: "b" }],
    [
      "by the mapping",
      { repoOwner: "a", repo: "b" },
      { owner: "repoOwner" },
      { owner: "a", repo: "b" },
    ],
    [
      "by the mapping, and not by its own name beside it",
      { owner: "x", repoOwner: "a" },
      { owner: "repoOwner" },
      { owner: "a", "\u0000owner": "x" },
    ],
    [
      "by both of two names for one argument",
      { o: "a" },
      { owner: "o", org: "o" },
      { owner: "a", org: "a" },
    ],
    ["crosswise", { a: 1, b: 2 }, { a: "b", b: "a" }, { a: 2, b: 1 }],
    ["to itself", { a: 1 }, { a: "a" }, { a: 1 }],
    ["not at all where the call lacks the argument", { x: 1 }, { owner: "repoOwner" }, { x: 1 }],
    ["undefined as carried", { owner: undefined }, {}, { owner: undefined }],
    ["a text as one value", "text", {}, { [TEXT_INPUT]: "text" }],
    ["a text by the mapping", "text", { query: TEXT_INPUT }, { query: "text" }],
    ["null as one value", null, {}, { [TEXT_INPUT]: null }],
    ["nothing as none", undefined, {}, {}],
    ["an array by its indices", ["a", "b"], {}, { 0: "a", 1: "b" }],
  ])("%s", (_, input, args, values) => {
    expect(bindArguments(input, args).values).toEqual(values);
  });

  test("an argument or a mapping called __proto__ or constructor is one like any other", () => {
    const input = JSON.parse('{"__proto__":"a","constructor":"b"}') as unknown;
    const binding = bindArguments(input, {});
    expect(Object.entries(binding.values)).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
    expect(["__proto__", "constructor", "toString"].map((name) => binding.carries(name))).toEqual([
      true,
      true,
      false,
    ]);
    const args = JSON.parse('{"__proto__":"constructor"}') as Record<string, string>;
    expect(Object.entries(bindArguments({ constructor: "b" }, args).values)).toEqual([
      ["__proto__", "b"],
    ]);
    expect(bindArguments({}, { owner: "constructor" }).carries("owner")).toBe(false);
  });

  test("an argument that the mapping passes over for one that is missing is ambiguous", () => {
    const args = { owner: "repoOwner" };
    expect(bindArguments({ owner: "x" }, args).ambiguous("owner")).toBe(true);
    expect(bindArguments({ owner: "x", repoOwner: "a" }, args).ambiguous("owner")).toBe(false);
    expect(bindArguments({ repoOwner: "a" }, args).ambiguous("owner")).toBe(false);
    expect(bindArguments({}, args).ambiguous("owner")).toBe(false);
    expect(bindArguments({ x: 1 }, args).ambiguous("x")).toBe(false);
  });
});

test("a mapping concerns a tool if it has the argument, or may have it", () => {
  const args = { owner: "repoOwner", team: "group" };
  expect(ownArguments(args, ["repoOwner", "x"])).toEqual({ owner: "repoOwner" });
  expect(ownArguments(args, ["owner"])).toEqual({});
  expect(ownArguments(args, undefined)).toEqual(args);
});

test.each<[string, readonly string[], Record<string, string>, readonly string[]]>([
  ["its own", ["a", "b"], {}, ["a", "b"]],
  ["mapped", ["repoOwner", "b"], { owner: "repoOwner" }, ["owner", "b"]],
  ["by two names", ["o"], { owner: "o", org: "o" }, ["owner", "org"]],
  ["mapped away", ["owner"], { team: "owner" }, ["team"]],
  ["unmapped where the tool lacks the argument", ["owner"], { owner: "repoOwner" }, ["owner"]],
])("a tool's values are named: %s", (_, parameters, args, names) => {
  expect(new Set(valueNames(parameters, args))).toEqual(new Set(names));
});

describe("grantsForArguments", () => {
  const acme: Grant = { scope: "a:b", where: { owner: "acme" } };

  interface Case {
    readonly input: unknown;
    readonly granted: readonly Grant[];
    readonly args?: Record<string, string>;
    readonly check?: Partial<ArgumentCheck>;
  }

  function outcome({ input, granted, args = {}, check = {} }: Case): readonly Grant[] | string {
    const binding = bindArguments(input, args);
    const checked = {
      binding,
      stated: () => false,
      parameters: undefined,
      leaveUnbound: false,
      ...check,
    };
    try {
      return grantsForArguments(granted, checked);
    } catch (error) {
      if (!(error instanceof AgentKeyError)) throw error;
      return `${error.code} (${(error.cause as Error).message})`;
    }
  }

  const failed = "constraint_failed (constrained: owner)";
  const unbound = "constraint_unbound (constrained: owner)";
  const optional: Grant = { scope: "a:b", where: { owner: { in: ["acme"], optional: true } } };
  const closed: Grant = { ...acme, only: true };
  const other = "constraint_failed (constrained: an argument that `where` does not name)";

  test.each<[string, Case, readonly Grant[] | string]>([
    ["a value that fits", { input: { owner: "acme" }, granted: [acme] }, [acme]],
    ["a value that does not", { input: { owner: "evil" }, granted: [acme] }, failed],
    [
      "a value that is there and undefined",
      { input: { owner: undefined }, granted: [acme] },
      failed,
    ],
    ["no value, parameters unknown", { input: {}, granted: [acme] }, unbound],
    [
      "no value of a known parameter",
      { input: {}, granted: [acme], check: { parameters: ["owner"] } },
      failed,
    ],
    ["no such parameter", { input: {}, granted: [acme], check: { parameters: ["x"] } }, unbound],
    [
      "no value, left to the audience",
      { input: {}, granted: [acme], check: { leaveUnbound: true } },
      [acme],
    ],
    [
      "no value of a known parameter is not left to anybody",
      { input: {}, granted: [acme], check: { leaveUnbound: true, parameters: ["owner"] } },
      failed,
    ],
    [
      "a value that does not fit is not left to anybody",
      { input: { owner: "evil" }, granted: [acme], check: { leaveUnbound: true } },
      failed,
    ],
    ["an optional value that is absent", { input: {}, granted: [optional] }, [optional]],
    [
      "an optional value that does not fit",
      { input: { owner: "evil" }, granted: [optional] },
      failed,
    ],
    [
      "a stated value is not compared",
      { input: { owner: "evil" }, granted: [acme], check: { stated: () => true } },
      [acme],
    ],
    [
      "another value is stated",
      {
        input: { owner: "evil" },
        granted: [acme],
        check: { stated: (_, name) => name === "repo" },
      },
      failed,
    ],
    [
      "only the grants that allow the call are kept",
      {
        input: { owner: "acme" },
        granted: [{ ...acme, where: { owner: "beta" } }, acme, optional],
      },
      [acme, optional],
    ],
    [
      "a grant that does not apply beside one that fails",
      { input: { owner: "evil" }, granted: [acme, { scope: "a:b", where: { team: "x" } }] },
      "constraint_unbound (constrained: team)",
    ],
    [
      "an argument more, where the set is closed",
      { input: { owner: "acme", x: 1 }, granted: [closed] },
      other,
    ],
    ["a closed set that is met", { input: { owner: "acme" }, granted: [closed] }, [closed]],
    [
      "a closed set sees a shadowed argument",
      { input: { owner: "x", o: "acme" }, args: { owner: "o" }, granted: [closed] },
      other,
    ],
    ["nothing granted", { input: {}, granted: [] }, "constraint_failed (constrained: )"],
    [
      "the mapped argument decides",
      { input: { owner: "acme", o: "evil" }, args: { owner: "o" }, granted: [acme] },
      failed,
    ],
    [
      "the argument that is passed over does not count",
      { input: { owner: "acme" }, args: { owner: "o" }, granted: [acme] },
      unbound,
    ],
    [
      "nor does it pass for absent",
      { input: { owner: "evil" }, args: { owner: "o" }, granted: [optional] },
      unbound,
    ],
    [
      "unless the tool is known to have the other",
      {
        input: { owner: "x" },
        args: { owner: "o" },
        granted: [optional],
        check: { parameters: ["owner"] },
      },
      [optional],
    ],
    [
      "an audience sees the argument itself",
      {
        input: { owner: "x" },
        args: { owner: "o" },
        granted: [optional],
        check: { leaveUnbound: true },
      },
      [optional],
    ],
  ])("%s", (_, one, expected) => {
    expect(outcome(one)).toEqual(expected);
  });

  test("no error repeats a name or a value that the model chose", () => {
    const canary = { "canary-name": "canary-value", owner: "canary-owner" };
    expect(outcome({ input: canary, granted: [closed] })).toBe(
      "constraint_failed (constrained: owner, an argument that `where` does not name)",
    );
  });
});

test("a text is the value `input`, and no input at all is no value", () => {
  expect(bindArguments("hello", {}).values).toStrictEqual({ input: "hello" });
  expect(bindArguments(null, {}).values).toStrictEqual({ input: null });
  expect(bindArguments(undefined, {}).values).toStrictEqual({});
  expect(bindArguments(undefined, {}).carries("input")).toBe(false);
});
