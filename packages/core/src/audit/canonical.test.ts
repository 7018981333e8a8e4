import { createHmac, createSecretKey } from "node:crypto";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { AgentKeyError } from "../errors.ts";
import { argsDigest, canonicalJson, MAX_DEPTH, MAX_VALUES } from "./canonical.ts";

describe("RFC 8785's own examples:", () => {
  test("section 3.2.2, the sample object", () => {
    const input = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    expect(canonicalJson(JSON.parse(input))).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test("section 3.2.3, sorting by UTF-16 code units", () => {
    const input = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    expect(Object.values(JSON.parse(canonicalJson(input)) as object).length).toBe(7);
    expect([...canonicalJson(input).matchAll(/:"([^"]+)"/g)].map(([, value]) => value)).toEqual([
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  test.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("appendix B, the number %s", (hex, text) => {
    const number = Buffer.from(hex, "hex").readDoubleBE();
    expect(canonicalJson([number])).toBe(`[${text}]`);
  });
});

describe("what JSON cannot say", () => {
  const itself = { a: 1, toJSON: (): unknown => itself };
  test.each<[string, unknown, string]>([
    ["undefined at the top", undefined, "null"],
    ["a function at the top", () => 1, "null"],
    ["an undefined member", { b: undefined, a: 1 }, '{"a":1}'],
    ["a function and a symbol as members", { f: () => 1, s: Symbol("s"), a: 1 }, '{"a":1}'],
    ["undefined in a list", [undefined, 1], "[null,1]"],
    // oxlint-disable-next-line no-sparse-arrays
    ["a hole in a list", [, 1], "[null,1]"],
    ["what is not a number", [Number.NaN, Infinity], "[null,null]"],
    ["a date", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ["an invalid date", { at: new Date(Number.NaN) }, '{"at":null}'],
    ["toJSON", { toJSON: () => ({ b: 1, a: 2 }) }, '{"a":2,"b":1}'],
    ["toJSON that returns its own object", itself, '{"a":1}'],
    ["toJSON that leaves the member out", { x: { toJSON: () => undefined } }, "{}"],
    ["half a character", ["\ud800"], String.raw`["\ud800"]`],
  ])("is as JSON.stringify would have it: %s", (_, value, text) => {
    expect(canonicalJson(value)).toBe(text);
    expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value) ?? "null"));
  });

  test("a bigint is its decimal text", () => {
    expect(canonicalJson({ n: 2n ** 64n })).toBe('{"n":"18446744073709551616"}');
  });

  test("a member may be called toJSON, constructor or prototype", () => {
    const text = '{"constructor":{"prototype":{}},"prototype":{"constructor":1},"toJSON":1}';
    expect(canonicalJson(JSON.parse(text))).toBe(text);
  });
});

/** What refuses a value; `undefined` when nothing does. */
const refusal = (value: unknown): unknown => {
  try {
    canonicalJson(value);
    return undefined;
  } catch (error) {
    return (error as AgentKeyError).code;
  }
};

describe("members that the text would not show", () => {
  const smuggled = (prototype: string): unknown => {
    const made: Record<string, unknown> = { owner: "acme" };
    made["__proto__"] = JSON.parse(prototype) as unknown;
    return made;
  };

  test.each<[string, unknown]>([
    ["an own __proto__", JSON.parse('{"__proto__":{"x":2}}')],
    ["an own __proto__ of null", JSON.parse('{"__proto__":null}')],
    ["a prototype from JSON", smuggled('{"admin":true}')],
    ["a prototype of a prototype", smuggled('{"__proto__":{"admin":true}}')],
    ["a prototype that poses as a class's", smuggled('{"constructor":{"prototype":{}}}')],
    ["an array as the prototype", smuggled("[1]")],
    ["an empty array as the prototype", smuggled("[]")],
    ["what inherits from what inherits", Object.create(smuggled('{"a":1}') as object)],
    ["what toJSON gives", { toJSON: () => smuggled('{"admin":true}') }],
  ])("are refused: %s, at every depth", (_, value) => {
    expect(refusal(value)).toBe("input_invalid");
    expect(refusal({ a: [{ b: value }] })).toBe("input_invalid");
  });

  test("are none of a class, with getters or methods, of old kind or new, or of another realm", () => {
    class Money {
      readonly amount = 1;
      get text(): string {
        return "1 EUR";
      }
    }
    class Price extends Money {}
    function Old(this: { amount: number }): void {
      this.amount = 1;
    }
    Object.assign(Old.prototype as object, { format: (): string => "1" });
    const old: unknown = Reflect.construct(Old, []);
    for (const value of [new Money(), new Price(), old, runInNewContext("({ amount: 1 })")]) {
      expect(canonicalJson(value)).toBe('{"amount":1}');
    }
    expect(canonicalJson(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
    expect(canonicalJson([new Map(), new Date(0), runInNewContext("[1]")])).toBe(
      '[{},"1970-01-01T00:00:00.000Z",[1]]',
    );
  });
});

describe("depth", () => {
  const nested = (levels: number): unknown =>
    JSON.parse(`${"[".repeat(levels)}1${"]".repeat(levels)}`);

  test(`of ${MAX_DEPTH} is taken, of one more is not, nor is a cycle`, () => {
    expect(canonicalJson(nested(MAX_DEPTH))).toHaveLength(2 * MAX_DEPTH + 1);
    expect(refusal(nested(MAX_DEPTH + 1))).toBe("input_invalid");
    expect(refusal(nested(100_000))).toBe("input_invalid");
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    expect(refusal(cycle)).toBe("input_invalid");
  });
});

describe("size", () => {
  const wide = (count: number): number[] => Array.from({ length: count }, () => 1);

  test(`of ${MAX_VALUES} values is taken, of one more is not`, () => {
    expect(() => canonicalJson(wide(MAX_VALUES - 1))).not.toThrow();
    expect(() => canonicalJson(Object.fromEntries(wide(MAX_VALUES - 1).entries()))).not.toThrow();
    expect(refusal(wide(MAX_VALUES))).toBe("input_invalid");
    expect(refusal([wide(MAX_VALUES / 2), wide(MAX_VALUES / 2)])).toBe("input_invalid");
    expect(refusal(Object.fromEntries(wide(MAX_VALUES).entries()))).toBe("input_invalid");
  });

  test("counts what is met by many ways as often as it is met", () => {
    let shared: unknown = 1;
    for (let level = 0; level < 100; level += 1) shared = [shared, shared];
    expect(refusal(shared)).toBe("input_invalid");
    const sparse: unknown[] = [];
    sparse.length = 2 ** 32 - 1;
    expect(refusal({ sparse })).toBe("input_invalid");
  });

  test("is not that of a text", () => {
    expect(canonicalJson(["x".repeat(10_000_000)])).toHaveLength(10_000_004);
  });
});

describe("the digest", () => {
  const key = createSecretKey(Buffer.alloc(32, 7));

  test("is HMAC-SHA-256 over the canonical JSON, base64url", () => {
    const expected = createHmac("sha256", Buffer.alloc(32, 7))
      .update('{"a":1,"b":2}')
      .digest("base64url");
    expect(argsDigest({ b: 2, a: 1 }, key)).toBe(expected);
  });

  test("is over the tool's name as well, and no two of a name and an input share one", () => {
    const expected = createHmac("sha256", Buffer.alloc(32, 7))
      .update('"send"{"a":1}')
      .digest("base64url");
    expect(argsDigest({ a: 1 }, key, "send")).toBe(expected);
    const others = [
      argsDigest({ a: 1 }, key),
      argsDigest({ a: 1 }, key, "reply"),
      argsDigest({ a: 1 }, key, ""),
      argsDigest('"', key, "x"),
      argsDigest("", key, 'x"'),
    ];
    expect(new Set([expected, ...others]).size).toBe(6);
  });

  test("is refused, without a word of the input, when that cannot be serialised", () => {
    const input = {
      get secret(): string {
        throw new Error("canary");
      },
    };
    let error: unknown;
    try {
      argsDigest(input, key);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AgentKeyError);
    expect(error).toMatchObject({ code: "input_invalid" });
    expect(String(((error as Error).cause as Error).stack)).not.toContain("canary");
  });
});
