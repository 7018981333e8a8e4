import { inspect } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseReference } from "./parse-reference.ts";
import { SecretReferenceError } from "./reference-error.ts";
import type { Reference } from "./scheme.ts";
import { SCHEMES } from "./schemes.ts";
import { textOf } from "./text-of.ts";

/** What it says of a text that is none. */
function refusalOf(text: unknown): SecretReferenceError {
  const { refused } = read(text);
  if (refused === undefined) throw new Error(`was taken: ${inspect(text)}`);
  return refused;
}

describe("what is read", () => {
  test.each([
    ["env:GITHUB_TOKEN", { segments: ["GITHUB_TOKEN"], field: [], isRooted: false }],
    ["file:/run/secrets/a", { segments: ["run", "secrets", "a"], field: [], isRooted: true }],
    [
      "file:../a b/c%23#github.token",
      { segments: ["..", "a b", "c#"], field: ["github", "token"] },
    ],
    ["file:世界#a%2Eb.%F0%9F%97%9D", { segments: ["世界"], field: ["a.b", "🗝"] }],
  ])("%s", (text, expected) => {
    expect(parseReference(text)).toMatchObject(expected);
  });
});

describe("the error points at the character", () => {
  test.each<[string, string, string]>([
    ["file:/run//x", "a part of the path is missing", "file:/run//…"],
    ["file:/run/x#", "the name of a field is missing", "file:/run/x#"],
    ["file:/run/x#a..b", "the name of a field is missing", "file:/run/x#a..…"],
    ["file:/run/x#a#b", "stands here once", "file:/run/x#a#…"],
    ["file:/run/%zz", "two hexadecimal digits", "file:/run/%…"],
    ["file:/run/%ff", "not UTF-8", "file:/run/%…"],
    ["file:/run/a%00", "no control character", "file:/run/a%…"],
    ["file:/run/a%2Fb", "has no slash", "file:/run/a…"],
    ["file:/run/x ", "a space at an end", "file:/run/x "],
    ["file:/run/x?a=b#c", "the field stands before the ?", "file:/run/x?…"],
    ["file:/run/x?mode=1", "there is no such parameter, but none", "file:/run/x?m…"],
    ["file:/run/\u001b[2Jx", "must be written escaped", "file:/run/\u{fffd}…"],
    ["file:/run/\u202egnp.x", "must be written escaped", "file:/run/\u{fffd}…"],
    ["file:/run/\ud800x", "must be written escaped", "file:/run/\u{fffd}…"],
  ])("%j: %s", (text, problem, shown) => {
    const { message, at } = refusalOf(text);
    expect(message).toContain(problem);
    const [, line = "", caret = ""] = message.split("\n");
    expect(line).toBe(`  ${shown}`);
    // The caret stands below the last character that is shown of it, or behind the end.
    expect(caret.length - 1).toBe(2 + Array.from(text.slice(0, at)).length);
    expect(caret.trim()).toBe("^");
  });

  test("of a long reference the end is shown", () => {
    const { message } = refusalOf(`file:/${"a/".repeat(100)}/b`);
    for (const line of message.split("\n")) expect(line.length).toBeLessThan(80);
  });
});

describe("what may be the credential itself is not repeated", () => {
  test.each([
    ["canary-4Rfv"],
    ["ghp_canary4Rfv"],
    ["postgres://me:canary-4Rfv@db/orders"],
    ["canary:4Rfv"],
    ["constructor:canary-4Rfv"],
    ["__proto__:canary-4Rfv"],
    ["env:sk-proj-canary-4Rfv"],
    ["file:/run/x?token=canary-4Rfv"],
    ["file:/run/x?token=canary-4Rfv#field"],
    ["file:/run/x?token=canary-4Rfv?x=y"],
    [`${"canary-4Rfv".repeat(1_000)}:x`],
    [{ toString: (): string => "file:canary-4Rfv" }],
    [["file:canary-4Rfv"]],
  ])("%j", (text) => {
    const error = refusalOf(text);
    const shown = inspect(error, { depth: null, showHidden: true }).replace(/^ {4}at .*$/gm, "");
    expect(shown).not.toMatch(/canary|4Rfv/);
  });
});

const name = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
  fc.constantFrom("a", "#", "?", "%", "/", ".", "&", "=", " ", "a b", " a", "%41", "世界", "👨‍👩‍👧"),
);
/** No control character can be meant, and half of a surrogate pair is no text. */
const meant = name.filter((text) => !/\p{Cc}/u.test(text) && text.isWellFormed());
const inFile = meant.filter((text) => !text.includes("/"));

test("what is written is read again, whatever the names", () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(inFile, { minLength: 1, maxLength: 5 }),
      fc.array(meant, { maxLength: 4 }),
      (isRooted, segments, field) => {
        const reference = { scheme: "file", isRooted, segments, field, parameters: new Map() };
        const text = textOf(reference);
        expect(parseReference(text)).toEqual(reference);
        expect(textOf(parseReference(text))).toBe(text);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("it throws nothing but its own error, which points into the text", () => {
  const scheme = fc.constantFrom(...Object.keys(SCHEMES), "https", "", "constructor");
  const rest = fc.array(fc.oneof(name, fc.constantFrom("#", "?", "/", "=", "%2f", "\ud800")));
  const text = fc.oneof(
    fc.tuple(scheme, rest).map(([first, parts]) => `${first}:${parts.join("")}`),
    fc.string({ unit: "binary" }),
    fc.anything(),
  );
  fc.assert(
    fc.property(text, (given) => {
      const { reference, refused } = read(given);
      expect(reference === undefined || read(textOf(reference)).reference).toEqual(
        reference ?? true,
      );
      expect(refused?.at ?? 0).toBeGreaterThanOrEqual(0);
      expect(refused?.at ?? 0).toBeLessThanOrEqual(typeof given === "string" ? given.length : 0);
      expect(refused?.message ?? "").not.toMatch(UNPRINTABLE);
    }),
    { numRuns: 5_000 },
  );
});

/** What it makes of a text; another error than its own is thrown on. */
function read(text: unknown): { reference?: Reference; refused?: SecretReferenceError } {
  try {
    return { reference: parseReference(text) };
  } catch (error) {
    if (error instanceof SecretReferenceError) return { refused: error };
    throw error;
  }
}

/** Our own lines are broken by nothing but the line feed. */
const UNPRINTABLE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

test("a megabyte is refused at once", () => {
  for (const text of [
    "file:" + "a/".repeat(500_000),
    "%".repeat(1_000_000),
    "file:/#" + "a.".repeat(500_000),
  ]) {
    const startMs = performance.now();
    refusalOf(text);
    expect(performance.now() - startMs).toBeLessThan(500);
  }
});
