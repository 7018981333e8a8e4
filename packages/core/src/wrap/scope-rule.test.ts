import { describe, expect, test } from "vitest";
import type { DefaultScopeCall } from "./options.ts";
import {
  checkToolOptions,
  checkToolsOptions,
  scopeRule,
  type ScopeQuestion,
} from "./scope-rule.ts";

type Question = ScopeQuestion<Parameters<typeof scopeRule>[0]["stated"]>;

function rule(over: Partial<Question>): unknown {
  const question = { name: "act", tool: {}, option: "scopes.act", stated: undefined };
  const { stated, ...rest } = { ...question, executable: true, guarded: false, ...over };
  return scopeRule({ ...rest, stated });
}

describe("a tool that is executed here", () => {
  test.each([["a:b"], [false], [() => "a:b"]] as const)(
    "has the scope stated for it: %s",
    (stated) => {
      expect(rule({ stated })).toBe(stated);
      expect(rule({ stated, guarded: true })).toBe(stated);
      expect(rule({ stated, defaultScope: () => "c:d" })).toBe(stated);
    },
  );

  test("and was wrapped before is left as it is", () => {
    expect(rule({ guarded: true })).toBeUndefined();
    expect(rule({ guarded: true, defaultScope: () => "c:d" })).toBeUndefined();
  });

  test("must have a scope", () => {
    expect(() => rule({})).toThrow(
      new TypeError("scopes.act: missing; give the tool a scope, or false for no key"),
    );
  });

  test("gets the default scope for its name, annotations and input", () => {
    const calls: DefaultScopeCall[] = [];
    const annotated = (tool: object): unknown => {
      const decided = rule({
        tool,
        defaultScope: (call) => {
          calls.push(call);
          return "c:d";
        },
      }) as (input: unknown) => unknown;
      expect(decided({ id: 7 })).toBe("c:d");
      expect(calls.at(-1)).toMatchObject({ name: "act", input: { id: 7 } });
      return calls.at(-1)?.annotations;
    };
    expect(annotated({ metadata: { annotations: { readOnlyHint: true } } })).toEqual({
      readOnlyHint: true,
    });
    const none: readonly object[] = [
      {},
      { metadata: null },
      { metadata: "text" },
      { metadata: [] },
      { metadata: {} },
      { metadata: { annotations: null } },
      { metadata: { annotations: "text" } },
      { metadata: { annotations: [true] } },
    ];
    for (const tool of none) expect(annotated(tool)).toEqual({});
  });
});

describe("a tool that is not executed here", () => {
  test("needs no scope, and false says so", () => {
    for (const stated of [undefined, false] as const) {
      expect(rule({ executable: false, stated })).toBeUndefined();
      expect(rule({ executable: false, stated, defaultScope: () => "c:d" })).toBeUndefined();
    }
  });

  test("can have none", () => {
    for (const stated of ["a:b", () => "a:b"] as const) {
      expect(() => rule({ executable: false, stated })).toThrow(
        new TypeError('scopes.act: tool "act" is not executed here, so no key can be minted'),
      );
    }
  });
});

describe("options", () => {
  const shared = { keys: 1, expiresIn: 1, args: 1, context: 1 };

  test("of wrapTools are these and no others", () => {
    const defaultScope = (): string => "a:b";
    expect(() => checkToolsOptions({ ...shared, scopes: {}, defaultScope })).not.toThrow();
    expect(() => checkToolsOptions({ scopes: {} })).not.toThrow();
    expect(() => checkToolsOptions({ defaultScope })).not.toThrow();
    expect(() => checkToolsOptions({ ...shared, scope: "a:b" })).toThrow(TypeError);
    for (const scopes of [null, "a:b", [], 1]) {
      expect(() => checkToolsOptions({ scopes })).toThrow(
        new TypeError("scopes: must be an object, a scope for each tool's name"),
      );
    }
    for (const wrong of [null, "a:b", {}]) {
      expect(() => checkToolsOptions({ defaultScope: wrong })).toThrow(
        new TypeError("defaultScope: must be a function ({ name, annotations, input }) => scope"),
      );
    }
  });

  test("of wrapTool are these, and those of its adapter", () => {
    expect(() => checkToolOptions({ ...shared, scope: "a:b" })).not.toThrow();
    expect(() => checkToolOptions({ ...shared, scopes: {} })).toThrow(TypeError);
    expect(() => checkToolOptions({ name: "act" })).toThrow(TypeError);
    expect(() => checkToolOptions({ name: "act" }, ["name"])).not.toThrow();
  });
});
