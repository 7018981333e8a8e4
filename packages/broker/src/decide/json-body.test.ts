import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseUnambiguous } from "./json-body.ts";

const plain = (text: string): unknown => JSON.parse(text);
const parse = (text: string): unknown => parseUnambiguous(Buffer.from(text));

describe("what parsers disagree on is refused:", () => {
  test.each([
    ['{"channel":"C1","channel":"C2"}', "a name twice"],
    ['{"channel":"C1","ch\\u0061nnel":"C2"}', "a name twice, once escaped"],
    ['{"a":{"b":1,"b":2}}', "a name twice, deeper"],
    ['[{"b":1},{"b":1,"b":2}]', "a name twice, in a list"],
    ['{"":1,"":2}', "an empty name twice"],
    ['{"__proto__":1,"__proto__":2}', "a prototype twice"],
    ['{"id":12345678901234567890}', "an integer that is rounded"],
    ['{"id":9007199254740993}', "the first integer that is rounded"],
    ['{"id":1e999}', "a number that is none"],
    ["\uFEFF{}", "a byte order mark"],
    ['{"a":1,}', "a trailing comma"],
    ["{'a':1}", "single quotes"],
    ['{"a":NaN}', "NaN"],
    ["", "nothing"],
    ["[".repeat(65) + "]".repeat(65), "65 levels"],
  ])("%s (%s)", (text) => {
    expect(parse(text)).toBeUndefined();
  });

  test("text that is not UTF-8", () => {
    expect(parseUnambiguous(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
  });
});

test.each([
  '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}',
  '{"a":"\\"a\\":","b":"\\\\","\\\\":"}"}',
  '{"a":":","b":"{\\"a\\":1,\\"a\\":2}"}',
  '{"id":9007199254740991,"x":-1.5e3}',
  "[0,-0,7,1180591620717411303424,0.1,1e23]",
  "[".repeat(64) + "]".repeat(64),
  '"text"',
])("%s is taken as it is", (text) => {
  expect(parse(text)).toEqual({ json: plain(text) });
});

test("every value is taken in whatever form JSON.stringify gives it", () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 6 }),
      fc.constantFrom(undefined, 1, "\t"),
      (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        expect(parse(text)).toEqual({ json: plain(text) });
      },
    ),
    { numRuns: 2000 },
  );
});

test("a name that is put in a second time is always found", () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 });
  fc.assert(
    fc.property(objects, fc.nat(), (object, seed) => {
      const names = Object.keys(object);
      const twice = JSON.stringify(names[seed % names.length]);
      const text = JSON.stringify(object);
      expect(parse(`${text.slice(0, -1)},${twice}:0}`)).toBeUndefined();
    }),
    { numRuns: 2000 },
  );
});

test("a long text of backslashes and quotes takes no time to speak of", () => {
  const text = JSON.stringify({ a: '\\"'.repeat(1_000_000), b: "\\".repeat(1_000_000) });
  expect(parse(text)).toEqual({ json: plain(text) });
});

test("20,000 names are taken, over all that is inside each other, and one more is not", () => {
  const object = (names: number): string =>
    `{${Array.from({ length: names }, (_, at) => `"${at}":1`).join(",")}}`;
  const text = `[${object(8_000)},[${object(12_000)}]]`;
  expect(parse(text)).toEqual({ json: plain(text) });
  expect(parse(`[${object(8_000)},[${object(12_000)},{"a":1}]]`)).toBeUndefined();
});

test("50,000 values are looked at, and of millions nothing is made", () => {
  // Each list counts, and each comma.
  expect(parse(`[${"[],".repeat(24_999)}1]`)).toBeDefined();
  expect(parse(`[${"[],".repeat(25_000)}1]`)).toBeUndefined();
  expect(parse(`[${"1,".repeat(49_999)}1]`)).toBeDefined();
  expect(parse(`[${"1,".repeat(50_000)}1]`)).toBeUndefined();
  expect(parse(`["${"[{,:".repeat(50_000)}"]`)).toBeDefined();
  // Not JSON at all, and nobody waits for its end.
  expect(parse(`["${"a".repeat(60_000)}`)).toBeUndefined();
  expect(parse(`["${"a".repeat(60_000)}\\`)).toBeUndefined();
  for (const part of ["[],", "{},", "1,", '"",', '"\\"",', '{"":', ":"]) {
    const bytes = Buffer.from(`[${part.repeat(4_000_000 / part.length)}1]`);
    const took = [1, 2, 3].map(() => {
      const startedMs = performance.now();
      expect(parseUnambiguous(bytes)).toBeUndefined();
      return performance.now() - startedMs;
    });
    // A tenth of what it took to make them.
    expect([part, Math.min(...took) < 100]).toEqual([part, true]);
  }
});

test("an object in a list counts beside its comma", () => {
  expect(parse(`[${"{},".repeat(30_000)}{}]`)).toBeUndefined();
  expect(parse(`[${"{},".repeat(24_000)}{}]`)).toBeDefined();
});
