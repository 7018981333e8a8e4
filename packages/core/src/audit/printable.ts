/**
 * Makes a text safe to show on a terminal: control characters, escape sequences, line separators
 * and what changes the direction of writing become visible escapes.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/**
 * Makes JSON safe to show on a terminal, without changing what it says: characters that
 * {@link printable} escapes become `\u` escapes. JSON itself escapes C0 only, not DEL, C1 or what
 * changes the direction of writing.
 *
 * @param json - Valid JSON.
 */
export function printableJson(json: string): string {
  // Outside of strings only white space can be unsafe; inside, JSON has escaped these three itself.
  return json
    .replace(/[\t\r\n]+/g, " ")
    .replace(UNSAFE, (character) =>
      Array.from(
        { length: character.length },
        (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
      ).join(""),
    );
}

// Cc: C0, DEL and C1. Cf: bidirectional overrides, zero-width and other invisible characters.
// Zl, Zp: line and paragraph separators. Cs: lone surrogates.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
