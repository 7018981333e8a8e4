import { describe, expect, test } from "vitest";
import * as z from "zod";
import * as mini from "zod/mini";
import * as z3 from "zod/v3";
import { parameterNames } from "./parameters.ts";

const schema = (rest: object): object => ({
  type: "object",
  properties: { a: {}, b: {} },
  ...rest,
});

describe("all parameters are known", () => {
  test.each<[string, unknown]>([
    ["a zod object", z.object({ a: z.string(), b: z.string().optional() })],
    ["a strict zod object", z.strictObject({ a: z.string(), b: z.number() })],
    ["a refined zod object", z.object({ a: z.string(), b: z.string() }).refine(() => true)],
    [
      "a zod object with catchall never",
      z.object({ a: z.string(), b: z.string() }).catchall(z.never()),
    ],
    ["a zod mini object", mini.object({ a: mini.string(), b: mini.string() })],
    ["a strict zod mini object", mini.strictObject({ a: mini.string(), b: mini.string() })],
    ["a zod 3 object", z3.object({ a: z3.string(), b: z3.string() })],
    ["a strict zod 3 object", z3.object({ a: z3.string(), b: z3.string() }).strict()],
    ["a closed JSON Schema", schema({ additionalProperties: false })],
    ["the AI SDK's wrapper of one", { jsonSchema: schema({ additionalProperties: false }) }],
  ])("%s", (_, of) => {
    expect(parameterNames(of)).toEqual(["a", "b"]);
  });

  test("an object without members has none", () => {
    expect(parameterNames(z.object({}))).toEqual([]);
    expect(parameterNames({ properties: {}, additionalProperties: false })).toEqual([]);
  });

  test("names that a prototype has are read as own ones", () => {
    expect(parameterNames(z.object({ constructor: z.string() }))).toEqual(["constructor"]);
    const json = '{"properties":{"__proto__":{}},"additionalProperties":false}';
    expect(parameterNames(JSON.parse(json))).toEqual(["__proto__"]);
  });
});

describe("not known for certain", () => {
  const a = z.object({ a: z.string() });
  const b = z.object({ b: z.string() });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a text", "schema"],
    ["an empty object", {}],
    ["a zod text", z.string()],
    ["a loose zod object", z.looseObject({ a: z.string() })],
    ["a zod object with a catchall", a.catchall(z.string())],
    ["a zod union", z.union([a, b])],
    ["a zod intersection", z.intersection(a, b)],
    ["a zod transform, whose output may have other names", a.transform(({ a: c }) => ({ c }))],
    ["a zod preprocess", z.preprocess((value) => value, a)],
    ["a zod record", z.record(z.string(), z.string())],
    ["a loose zod mini object", mini.looseObject({ a: mini.string() })],
    [
      "a zod mini object with a catchall",
      mini.catchall(mini.object({ a: mini.string() }), mini.string()),
    ],
    ["a zod 3 object that passes others through", z3.object({ a: z3.string() }).passthrough()],
    ["a zod 3 object with a catchall", z3.object({ a: z3.string() }).catchall(z3.string())],
    ["a zod 3 effect", z3.object({ a: z3.string() }).transform(({ a: c }) => ({ c }))],
    ["an open JSON Schema", schema({})],
    ["a JSON Schema that says so", schema({ additionalProperties: true })],
    ["a JSON Schema that types others", schema({ additionalProperties: { type: "string" } })],
    [
      "a JSON Schema with patterns of names",
      schema({ additionalProperties: false, patternProperties: { "^x": {} } }),
    ],
    ["a JSON Schema elsewhere", { $ref: "#/$defs/x", additionalProperties: false }],
    ["a boolean schema", true],
    ["a promise of one", { jsonSchema: Promise.resolve(schema({ additionalProperties: false })) }],
  ])("%s", (_, of) => {
    expect(parameterNames(of)).toBeUndefined();
  });
});
