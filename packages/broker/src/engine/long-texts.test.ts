import { expect, test } from "vitest";
import { findSecrets } from "./find-secrets.ts";
import { needlesOf } from "./needles.ts";

// Long texts are passed over in steps, and what was read is kept: nothing of a secret is missed by that.

const SECRET = 's3cr&t<x>/w+rd "q"';
const needles = needlesOf([SECRET]);

function isFound(before: string, form: string, after: string, of = needles): boolean {
  const bytes = Buffer.from(`${before}${form}${after}`, "latin1");
  const { spans } = findSecrets({ bytes, isWhole: true }, of);
  return spans.some(([from, to]) => from === before.length && to === before.length + form.length);
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const encoded = base64(SECRET);
const FORMS: readonly (readonly [string, string])[] = [
  ["as it is", SECRET],
  ["JSON", JSON.stringify(SECRET).slice(1, -1)],
  ["JSON in JSON", JSON.stringify(JSON.stringify(SECRET).slice(1, -1)).slice(1, -1)],
  ["HTML", "s3cr&amp;t&lt;x&gt;/w+rd &quot;q&quot;"],
  ["references", Array.from(SECRET, (one) => `&#${one.charCodeAt(0)};`).join("")],
  ["percent", encodeURIComponent(SECRET)],
  ["a form", new URLSearchParams([["", SECRET]]).toString().slice(1)],
  ["JavaScript", "s3cr\\x26t\\x3cx\\x3e/w+rd \\x22q\\x22"],
  ["base64 on two lines", `${encoded.slice(0, 9)}\n${encoded.slice(9)}`],
  ["base64 on two lines of Windows", `${encoded.slice(0, 9)}\r\n${encoded.slice(9)}`],
  ["base64 on two lines in JSON", `${encoded.slice(0, 9)}\\r\\n${encoded.slice(9)}`],
];
// Nearly the secret, all of it escaped: each is read on from, and is none.
const NEARLY = "%73%33cr%26t%3cx%3e/w%2brd+%22p ".repeat(60);

test.each(FORMS)("%s, behind so much that it stands at each place of a word", (_name, form) => {
  for (let more = 0; more < 20; more += 1) {
    expect([more, isFound("x".repeat(700 + more), form, "y".repeat(700))]).toEqual([more, true]);
    expect([more, isFound("x".repeat(700 + more), form, "")]).toEqual([more, true]);
  }
});

test.each(FORMS)("%s, behind much that is nearly one", (_name, form) => {
  expect(isFound(NEARLY, form, "")).toBe(true);
  expect(isFound(NEARLY, form, NEARLY)).toBe(true);
  const other = needlesOf(["another-s3cret", SECRET, "s3cr&t<x>/w+rd"]);
  expect(isFound(`${NEARLY}another%2ds3cret `, form, NEARLY, other)).toBe(true);
});

test("each of many, behind each other", () => {
  const text = FORMS.map(([, form]) => form)
    .join(" ")
    .repeat(5);
  const { spans } = findSecrets({ bytes: Buffer.from(text), isWhole: true }, needles);
  let from = 0;
  for (let round = 0; round < 5; round += 1) {
    for (const [name, form] of FORMS) {
      from = text.indexOf(form, from);
      const to = from + form.length;
      const hit = spans.some((span) => span[0] === from && span[1] === to);
      expect([round, name, hit]).toEqual([round, name, true]);
      from = to;
    }
  }
});

test.each([
  ["percent", encodeURIComponent(SECRET)],
  ["a form", new URLSearchParams([["", SECRET]]).toString().slice(1)],
  ["JSON", JSON.stringify(SECRET).slice(1, -1)],
  ["JSON with slashes escaped", JSON.stringify(SECRET).slice(1, -1).replaceAll("/", "\\/")],
])("%s in base64, at each of its places, also broken into lines", (_name, escaped) => {
  for (const before of ["", "a", "ab"]) {
    const bits = 8 * before.length;
    const to = Math.floor((bits + 8 * escaped.length) / 6);
    const alone = base64(before + escaped).slice(Math.ceil(bits / 6), to);
    expect([before, isFound("<", alone, "")]).toEqual([before, true]);
    const lines = `${alone.slice(0, 11)}\n${alone.slice(11)}`;
    expect([before, isFound("<", lines, "")]).toEqual([before, true]);
  }
});
