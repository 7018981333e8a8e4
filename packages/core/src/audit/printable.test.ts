import { expect, test } from "vitest";
import { printable, printableJson } from "./printable.ts";

const HOSTILE: readonly (readonly [name: string, raw: string, shown: string])[] = [
  ["an escape sequence", "\u001b[2J", "\\x1b[2J"],
  ["an 8-bit escape sequence", "\u009b31m", "\\x9b31m"],
  ["a bell, a return, a newline", "\u0007\r\n", "\\x07\\x0d\\x0a"],
  ["DEL", "\u007f", "\\x7f"],
  ["a bidirectional override", "\u202e", "\\u{202e}"],
  ["isolates", "\u2066\u2069", "\\u{2066}\\u{2069}"],
  ["zero-width characters", "a\u200bb\ufeff", "a\\u{200b}b\\u{feff}"],
  ["line and paragraph separators", "\u2028\u2029", "\\u{2028}\\u{2029}"],
  ["a tag outside the basic plane", "\u{e0041}", "\\u{e0041}"],
  ["a lone surrogate", "\ud800", "\\u{d800}"],
];

test.each(HOSTILE)("%s becomes visible", (_name, raw, shown) => {
  expect(printable(raw)).toBe(shown);
});

test.each(HOSTILE)("%s is escaped in JSON, which still says the same", (_name, raw) => {
  const json = printableJson(JSON.stringify({ [raw]: raw }));
  expect(json).toMatch(/^[ -~]+$/);
  expect(JSON.parse(json)).toEqual({ [raw]: raw });
});

test("what is harmless stays as it is", () => {
  const text = "Grüße, 世界 👋🏽 é \\ \" '";
  expect(printable(text)).toBe(text);
  expect(printableJson(text)).toBe(text);
});
