import * as fc from "fast-check";
import { expect, test } from "vitest";
import { needlesOf } from "./needles.ts";
import { scrubber, scrubText } from "./scrub.ts";

const SECRET = 'sk+c4n4ry/"ü~0PwQ3=end';

function scrubbed(chunks: readonly Buffer[], secret = SECRET): Buffer {
  const scrub = scrubber(needlesOf([secret]));
  // Copies, because what is pushed is overwritten.
  return Buffer.concat([...chunks.map((chunk) => scrub.push(Buffer.from(chunk))), scrub.end()]);
}

const FORMS: readonly (readonly [string, string])[] = [
  ["as it is", SECRET],
  ["base64, first place", Buffer.from(`${SECRET}tail`).toString("base64")],
  ["base64, second place", Buffer.from(`u${SECRET}t`).toString("base64")],
  ["base64, third place", Buffer.from(`us${SECRET}t`).toString("base64")],
  ["base64url", Buffer.from(`user:${SECRET}`).toString("base64url")],
  ["percent", encodeURIComponent(SECRET)],
  ["percent, lower case", encodeURIComponent(SECRET).toLowerCase().replace(/pwq3/, "PwQ3")],
  ["a form", new URLSearchParams({ q: SECRET }).toString()],
  ["JSON", JSON.stringify({ q: SECRET })],
  ["JSON in ASCII", JSON.stringify(SECRET).replaceAll("ü", String.raw`\u00fc`)],
  ["JSON in ASCII, upper case", JSON.stringify(SECRET).replaceAll("ü", String.raw`\u00FC`)],
  ["JSON with slashes escaped", JSON.stringify(SECRET).replaceAll("/", String.raw`\/`)],
];

/** The middle of each form: at the ends of base64 a character belongs to the neighbours too. */
function isGone(out: Buffer, form: string): boolean {
  const middle = form.slice(6, -8);
  return !out.includes(middle);
}

test.each(FORMS)("a secret is masked %s, wherever the chunks are cut", (_name, form) => {
  const text = Buffer.from(`before ${form} after ${form}`);
  for (let cut = 0; cut <= text.length; cut += 1) {
    const out = scrubbed([text.subarray(0, cut), text.subarray(cut)]);
    expect(out.length).toBe(text.length);
    expect(isGone(out, form), `cut at ${cut}: ${out.toString()}`).toBe(true);
    expect(out.toString()).toMatch(/^before .* after /);
  }
});

test("a secret is masked byte by byte", () => {
  const text = Buffer.from(`x${SECRET}${SECRET}y`);
  const out = scrubbed([...text].map((byte) => Buffer.from([byte])));
  expect(out.toString()).toBe(`x${"*".repeat(text.length - 2)}y`);
});

test("nothing else is changed, and only a partial match is held back", () => {
  const scrub = scrubber(needlesOf([SECRET]));
  expect(scrub.push(Buffer.from("data: 1\n\n")).toString()).toBe("data: 1\n\n");
  expect(scrub.push(Buffer.from("data: sk+")).toString()).toBe("data: ");
  expect(scrub.push(Buffer.from("!")).toString()).toBe("sk+!");
  expect(scrub.push(Buffer.from("sk+c4")).toString()).toBe("");
  expect(scrub.end().toString()).toBe("sk+c4");
});

test("whatever the bytes and the cuts: the length stays, what is not the secret stays, the secret goes", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "%", "2"), maxLength: 40 });
  const secret = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 8, maxLength: 12 });
  fc.assert(
    fc.property(secret, fc.array(fc.oneof(letters, secret), { maxLength: 8 }), (hidden, parts) => {
      const chunks = parts.map((part) => Buffer.from(part));
      const whole = Buffer.concat(chunks).toString();
      const out = scrubbed(chunks, hidden).toString();
      expect(out.length).toBe(whole.length);
      expect(out).not.toContain(hidden);
      expect(out).toBe(whole.includes(hidden) ? out : whole);
    }),
  );
});

test("header values are masked, and others are not touched", () => {
  const needles = needlesOf([SECRET]);
  expect(scrubText(`a=${encodeURIComponent(SECRET)}; b`, needles)).toMatch(/^a=\*+; b$/);
  expect(scrubText("plain", needles)).toBe("plain");
});
