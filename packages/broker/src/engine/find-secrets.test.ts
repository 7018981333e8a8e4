import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findSecrets } from "./find-secrets.ts";
import { needlesOf } from "./needles.ts";
import { scrubber } from "./scrub.ts";

const SEED = Number(process.env["AGENT_KEYS_SEED"] ?? 20_261_124);

/** Ways to write a character, given how the rest of its escape is written. */
type Way = (character: string, inner: (escape: string) => string) => string;

const hex = (character: string, digits: number): string =>
  character.charCodeAt(0).toString(16).padStart(digits, "0");
const NAMES: Readonly<Record<string, string>> = {
  "&": "amp",
  "<": "lt",
  ">": "gt",
  '"': "quot",
  "'": "apos",
  "+": "plus",
  "/": "sol",
  "=": "equals",
  _: "lowbar",
};

const WAYS: Readonly<Record<string, Way>> = {
  raw: (character) => character,
  percent: (character, inner) =>
    [...Buffer.from(character)].map((byte) => inner(`%${byte.toString(16)}`)).join(""),
  PERCENT: (character, inner) =>
    [...Buffer.from(character)]
      .map((byte) => inner(`%${byte.toString(16).toUpperCase()}`))
      .join(""),
  unicode: (character, inner) => inner(`\\u${hex(character, 4)}`),
  UNICODE: (character, inner) => inner(`\\u${hex(character, 4).toUpperCase()}`),
  javascript: (character, inner) =>
    character < "\u0100" ? inner(`\\x${hex(character, 2)}`) : character,
  short: (character, inner) => (`"'\\/`.includes(character) ? inner(`\\${character}`) : character),
  decimal: (character, inner) => inner(`&#${character.charCodeAt(0)};`),
  zeros: (character, inner) => inner(`&#00${character.charCodeAt(0)};`),
  hexadecimal: (character, inner) => inner(`&#x${hex(character, 1)};`),
  HEXADECIMAL: (character, inner) => inner(`&#X00${hex(character, 1).toUpperCase()};`),
  named: (character, inner) =>
    NAMES[character] === undefined ? character : inner(`&${NAMES[character]};`),
  plus: (character) => (character === " " ? "+" : character),
};
const way = fc.constantFrom(...Object.keys(WAYS)).map((name) => WAYS[name] as Way);
const plain = (text: string): string => text;

/** What is done to an escape: nothing, its initiator escaped again, or every character of it. */
const around = fc.tuple(fc.nat(2), way).map(([how, again]) => (escape: string): string => {
  if (how === 0) return escape;
  if (how === 1) return again(escape.slice(0, 1), plain) + escape.slice(1);
  return Array.from(escape, (one) => again(one, plain)).join("");
});

/** A text in which each character is written in a way of its own. */
const written = (text: string): fc.Arbitrary<string> =>
  fc
    .tuple(...Array.from(text, () => fc.tuple(way, around)))
    .map((ways) => Array.from(text, (one, at) => ways[at]?.[0](one, ways[at][1]) ?? "").join(""));

const LETTERS = Array.from("abcXYZ0189-_.~+/=%&\\\"'<> !ü");
const secrets = fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 8, maxLength: 24 });

const cut = (bytes: Buffer, at: readonly number[]): readonly Buffer[] => {
  const places = [0, ...at.map((one) => one % (bytes.length + 1)), bytes.length];
  places.sort((a, b) => a - b);
  return places.slice(1).map((to, index) => Buffer.from(bytes.subarray(places[index], to)));
};

function scrubbed(secret: string, chunks: readonly Buffer[]): Buffer {
  const scrub = scrubber(needlesOf([secret]));
  return Buffer.concat([...chunks.map((chunk) => Buffer.from(scrub.push(chunk))), scrub.end()]);
}

const cuts = fc.array(fc.nat(), { maxLength: 6 });

test("however each character is escaped, once or twice, and however it is cut, nothing of it goes out", () => {
  const cases = secrets.chain((secret) => fc.tuple(fc.constant(secret), written(secret), cuts));
  fc.assert(
    fc.property(cases, ([secret, form, at]) => {
      const out = scrubbed(secret, cut(Buffer.from(`<<${form}>>`), at)).toString();
      expect(out).toBe(`<<${"*".repeat(Buffer.byteLength(form))}>>`);
    }),
    { seed: SEED, numRuns: 1_500 },
  );
});

const ALPHABETS = ["base64", "base64url", "hex", "HEX"] as const;

/** What of an encoded text belongs to the secret alone. */
function encodedAlone(alphabet: (typeof ALPHABETS)[number], before: string, secret: string) {
  if (alphabet === "HEX") return Buffer.from(secret).toString("hex").toUpperCase();
  if (alphabet === "hex") return Buffer.from(secret).toString("hex");
  const bits = 8 * before.length;
  const to = Math.floor((bits + 8 * Buffer.byteLength(secret)) / 6);
  return Buffer.from(before + secret)
    .toString(alphabet)
    .slice(Math.ceil(bits / 6), to);
}

test("the same in base64, at each of its places, broken into lines, and in hexadecimal", () => {
  const cases = fc
    .tuple(secrets, fc.constantFrom(...ALPHABETS), fc.constantFrom("", "a", "ab"))
    .map(([secret, alphabet, before]) => ({
      secret,
      alone: encodedAlone(alphabet, before, secret),
      mayBreak: alphabet.startsWith("base64"),
    }));
  const broken = fc.tuple(fc.nat(40), fc.constantFrom("\n", "\r\n", "\\r\\n", "%0D%0A", "\\\\n"));
  fc.assert(
    fc.property(
      cases.chain((one) => fc.tuple(fc.constant(one), written(one.alone), fc.nat(5))),
      broken,
      cuts,
      ([{ secret, alone, mayBreak }, form, kind], [at, end], places) => {
        const breakAt = 1 + (at % (alone.length - 1));
        const lines = `${alone.slice(0, breakAt)}${end}${alone.slice(breakAt)}`;
        const text = kind === 0 && mayBreak ? lines : form;
        const out = scrubbed(secret, cut(Buffer.from(`<<${text}>>`), places)).toString();
        expect(out).toBe(`<<${"*".repeat(text.length)}>>`);
      },
    ),
    { seed: SEED, numRuns: 1_000 },
  );
});

test("what holds no secret goes through byte for byte, escapes of every kind included", () => {
  const secret = "~s3cret~/~";
  const pieces = fc.oneof(
    fc.constantFrom("%", "\\", "&", "&#", "\\u00", "%7", "&amp", "\n", "\r\n", "~", "~s3cre", "+"),
    written("abc/~%&"),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), cuts, (parts, at) => {
      const whole = Buffer.concat(parts.map((part) => Buffer.from(part)));
      fc.pre(!whole.includes("s3cret"));
      expect(scrubbed(secret, cut(whole, at)).equals(whole)).toBe(true);
    }),
    { seed: SEED, numRuns: 1_500 },
  );
});

test.each([
  ["Go", '{"a":"s3cr\\u0026t\\u003cx\\u003e/w0rd"}', "s3cr&t<x>/w0rd"],
  ["PHP", '{"a":"s3cr&t<x>\\/w0rd"}', "s3cr&t<x>/w0rd"],
  ["HTML", "s3cr&amp;t&lt;x&gt;/w0rd", "s3cr&t<x>/w0rd"],
  ["HTML of HTML", "s3cr&amp;amp;t&amp;lt;x&amp;gt;/w0rd", "s3cr&t<x>/w0rd"],
  ["JSON of HTML", "s3cr\\u0026amp;t\\u0026lt;x\\u0026gt;/w0rd", "s3cr&t<x>/w0rd"],
  ["HTML without semicolons", "s3cr&ampt&#60x&gt/w0rd", "s3cr&t<x>/w0rd"],
  ["a form of a form", "s3cr%2526t%253Cx%253E%2Fw0rd", "s3cr&t<x>/w0rd"],
  ["JSON in JSON", String.raw`two\\\"quotes\\\"\\/and`, 'two"quotes"/and'],
  ["JSON in JSON in ASCII", String.raw`\\ud83d\\ude00\\u00fc-secret`, "😀ü-secret"],
  ["percent of UTF-8", "%F0%9F%98%80%c3%bc-secret", "😀ü-secret"],
  ["percent of Latin-1", "p%E4ssw%F6rd", "pässwörd"],
  ["a space as a plus", "s3cret+with+space", "s3cret with space"],
])("what %s makes of a secret is found as a whole", (_by, text, secret) => {
  const { spans } = findSecrets({ bytes: Buffer.from(text), isWhole: true }, needlesOf([secret]));
  const from = text.indexOf('{"a":"') === 0 ? 6 : 0;
  const to = Buffer.byteLength(text) - (from === 0 ? 0 : 2);
  // In UTF-8 and in Latin-1 it may be found twice.
  expect(spans.filter(([first]) => first < from)).toEqual([]);
  expect(spans.some((span) => span[0] === from && span[1] === to)).toBe(true);
});

test("of an end that may be a secret's beginning, no more is held back than that", () => {
  const held = (text: string): string => {
    const { open } = findSecrets(
      { bytes: Buffer.from(text), isWhole: false },
      needlesOf(["k3y/of+mine"]),
    );
    return text.slice(open);
  };
  expect(held("data: {}\n\n")).toBe("");
  expect(held("to k3y")).toBe("k3y");
  expect(held("to k3y\\")).toBe("k3y\\");
  expect(held("to k3y\\/o%6")).toBe("k3y\\/o%6");
  expect(held("to k3x\\")).toBe("\\");
  expect(held("%6b3y&am")).toBe("%6b3y&am");
  expect(held("%6b3x&ax")).toBe("");
  expect(held("AT&T & 100% C:\\q")).toBe("");
});

/** Of each, and of a secret that it looks like all over. */
const HOSTILE: readonly (readonly [string, string, string])[] = [
  ["backslashes", "\\", "\\\\\\\\\\\\\\\\\\\\\\\\"],
  ["percents", "%25", "%25%25%25%25"],
  ["percents of percents", "%2525", "%%%%%%%%"],
  ["ampersands", "&amp;", "&&&&&&&&&&&&"],
  ["open references", "&#0000", "secret-&-secret"],
  ["line ends", "YWFh\r\n", "aaaaaaaaaaaaaaaaaa"],
  ["one letter", "a", "aaaaaaaaaaaaaaaaaaaaaaaa"],
  ["one letter escaped", "%61", "aaaaaaaaaaaaaaaaaaaaaaaa"],
  ["nearly the secret", "%73ecret-secre", "secret-secret-secret"],
];

test.each(HOSTILE)("a text of %s is read in time that grows as it does", (_what, piece, secret) => {
  const needles = needlesOf([secret]);
  const steps = (bytes: number): number =>
    findSecrets({ bytes: Buffer.alloc(bytes, piece), isWhole: false }, needles).steps;
  const once = steps(2_000);
  expect(steps(4_000)).toBeLessThan(2.2 * once + 500);
  // At most once for each byte of each form, escapes included.
  expect(once / 2_000).toBeLessThan(8 * needles.places);
});

test("whatever stands around them, every plain form is found, in each of its places", () => {
  // Of few characters, so that forms begin in each other, and half of one is followed by another.
  const few = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 7 });
  const long = few.map((text) => text.repeat(70));
  const secrets = fc.array(fc.oneof(few, few, long), { minLength: 1, maxLength: 3 });
  const property = fc.property(secrets, fc.array(few, { maxLength: 20 }), (given, parts) => {
    const needles = needlesOf(given);
    const encoded = needles.forms.map((form) => form.bytes.toString("latin1"));
    const text = [...parts, ...encoded, ...parts.toReversed(), ...given].join("");
    const { spans } = findSecrets({ bytes: Buffer.from(text, "latin1"), isWhole: true }, needles);
    const expected = new Set<string>();
    for (const form of encoded) {
      for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1)) {
        expected.add(`${at} ${at + form.length}`);
      }
    }
    expect(new Set(spans.map(([from, to]) => `${from} ${to}`))).toEqual(expected);
  });
  fc.assert(property, { seed: SEED, numRuns: 500 });
});
