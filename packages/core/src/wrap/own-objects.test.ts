import { describe, expect, test } from "vitest";
import { refusal, refusedCode, wrap } from "../../test/wrapped-tool.ts";
import { MAX_VALUES } from "../audit/canonical.ts";

interface Loose {
  readonly owner: string;
  readonly grant: string;
  readonly grants: string;
  readonly where: object;
  readonly a: readonly { readonly b: string }[];
}

/** A scope function that was written for texts, and an input that nothing validated. */
const scopeOf =
  (decide: (input: Loose) => unknown) =>
  (input: Loose): string =>
    decide(input) as string;

describe("a scope function's grant holds no object of the input:", () => {
  const asValue = scopeOf(({ owner }) => ({ scope: "a:b", where: { owner } }));
  const inAList = scopeOf(({ owner }) => ({ scope: "a:b", where: { owner: { in: owner } } }));
  const any = { any: true };
  const grant = { scope: "a:b", where: { owner: { any: true } } };

  test.each<[string, (input: Loose) => string, object]>([
    ["an operator in a value's place", asValue, { owner: any }],
    ["a prefix in a value's place", asValue, { owner: { prefix: "" } }],
    ["a list in a value's place", asValue, { owner: ["acme"] }],
    ["a list of values", inAList, { owner: ["acme"] }],
    ["a whole grant", scopeOf(({ grant: given }) => given), { grant }],
    ["a list of grants", scopeOf(({ grants }) => grants), { grants: [grant] }],
    ["a grant in a list", scopeOf(({ grant: given }) => ["a:b", given]), { grant }],
    ["the input itself", scopeOf((input) => input), grant],
    ["where alone", scopeOf(({ where }) => ({ scope: "a:b", where })), { where: { owner: any } }],
    [
      "what a copy holds",
      scopeOf(({ where }) => ({ scope: "a:b", where: { ...where } })),
      {
        where: { owner: any },
      },
    ],
    [
      "from deep within",
      scopeOf((input) => ({
        scope: "a:b",
        where: { owner: input.a[0]?.b },
      })),
      { a: [{ b: any }] },
    ],
  ])("%s is refused", (_, scope, input) => {
    expect(refusedCode(wrap({ scope }), input)).toBe("scope_invalid");
  });

  test("texts, numbers, booleans, and what is copied from a list, are its own", () => {
    expect(wrap({ scope: asValue }).call({ owner: "acme", other: any })?.grants).toEqual([
      { scope: "a:b", where: { owner: "acme" } },
    ]);
    const copied = scopeOf(({ owner }) => ({
      scope: "a:b",
      where: { owner: { in: Array.from(owner) } },
    }));
    expect(wrap({ scope: copied }).call({ owner: ["acme"] })?.grants).toEqual([
      { scope: "a:b", where: { owner: { in: ["acme"] } } },
    ]);
  });

  test("an input of a cycle, or of more than can be looked through, is refused as such", () => {
    const cycle: Record<string, unknown> = { owner: "acme" };
    cycle["self"] = cycle;
    expect(refusedCode(wrap({ scope: asValue }), cycle)).toBe("input_invalid");
    const many = Array.from({ length: MAX_VALUES + 1 }, () => ({}));
    expect(refusedCode(wrap({ scope: asValue }), { owner: "acme", many })).toBe("input_invalid");
  });
});

describe("members that a tool would read and a constraint not see are refused:", () => {
  const allow = [{ scope: "a:b", only: true, where: { owner: "acme" } }];
  const optional = [{ scope: "a:b", where: { region: { in: ["eu"], optional: true as const } } }];

  test.each([
    ["only", allow],
    ["optional", optional],
  ])("where policy says %s", (_, rules) => {
    const inherits = Object.assign(Object.create({ region: "evil" }) as object, { owner: "acme" });
    const own: unknown = JSON.parse('{"owner":"acme","__proto__":{"region":"evil"}}');
    for (const input of [inherits, own, { owner: "acme", nested: [inherits] }]) {
      const error = refusal(wrap({ allow: rules }), input);
      expect(error.code).toBe("input_invalid");
      expect(String((error.cause as Error).stack)).not.toContain("evil");
    }
  });

  test("in every call, whatever a scope function makes of them", () => {
    const input: unknown = JSON.parse('{"__proto__":{"region":"evil"}}');
    expect(refusedCode(wrap(), input)).toBe("input_invalid");
    const scope = (): never => {
      throw new Error("no");
    };
    expect(refusedCode(wrap({ scope }), input)).toBe("input_invalid");
  });

  test("but a class's getters are the developer's", () => {
    class Ticket {
      readonly owner = "acme";
      get region(): string {
        return "eu";
      }
    }
    expect(wrap({ allow }).call(new Ticket())).toBeDefined();
  });
});
