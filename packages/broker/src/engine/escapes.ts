/** Bytes that end where they end (`isWhole`), or that more may follow. */
export interface Text {
  readonly bytes: Buffer;
  readonly isWhole: boolean;
}

/**
 * A character as it stands in a text, escaped or not, in one number: its code point, and how many bytes
 * it takes there. Below zero: `NONE`, or `OPEN`.
 */
export type Unit = number;

/** Nothing that is an escape. */
const NONE: Unit = -1;
/** What may become an escape with the bytes that follow. */
const OPEN: Unit = -2;

const LENGTHS = 1024;
const unit = (code: number, length: number): Unit => code * LENGTHS + length;

export const isOpen = (one: Unit): boolean => one === OPEN;
export const codeOf = (one: Unit): number => Math.floor(one / LENGTHS);
export const lengthOf = (one: Unit): number => one % LENGTHS;

const code = (character: string): number => character.charCodeAt(0);
const PERCENT = code("%");
export const BACKSLASH: number = code("\\");
const AMPERSAND = code("&");
const SEMICOLON = code(";");

/** What may begin an escape. */
export const INITIATORS: readonly number[] = [PERCENT, BACKSLASH, AMPERSAND];

/** Whether a byte may begin an escape. */
export function isInitiator(byte: number): boolean {
  return byte === PERCENT || byte === BACKSLASH || byte === AMPERSAND;
}

/**
 * Every character that the escape at a place may stand for: percent-encoding, the escapes of JSON and of
 * JavaScript, character references of HTML, and any of these within any other, two deep. What follows
 * the first byte may itself be written in any of these ways.
 */
export function unitsAt(text: Text, at: number): readonly Unit[] {
  const { bytes } = text;
  const initiator = bytes[at] ?? 0;
  const next = bytes[at + 1] ?? 0;
  // By far the most are of these two: `\n`, and `\\n` of JSON in JSON.
  if (initiator === BACKSLASH && next !== BACKSLASH && shortEscape(next) !== -1) {
    return [unit(shortEscape(next), 2)];
  }
  const third = bytes[at + 2];
  if (initiator === BACKSLASH && next === BACKSLASH && third !== undefined) {
    if (!isInitiator(third) && !isLong(BACKSLASH, third)) {
      const meant = shortEscape(third);
      return meant === -1 ? [unit(BACKSLASH, 2)] : [unit(BACKSLASH, 2), unit(meant, 3)];
    }
  }
  const once = escape(text, at + 1, initiator, false);
  const found: Unit[] = [];
  const add = (rest: Unit, before: number): void => {
    const one = rest < 0 ? rest : rest + before;
    if (one !== NONE && !found.includes(one)) found.push(one);
  };
  add(once, 1);
  add(escape(text, at + 1, initiator, true), 1);
  if (once >= 0 && isInitiator(codeOf(once))) {
    const length = 1 + lengthOf(once);
    add(escape(text, at + length, codeOf(once), true), length);
    add(escape(text, at + length, codeOf(once), false), length);
  }
  return found;
}

/** What an escape stands for, after its first byte. The length does not count that byte. */
function escape(text: Text, at: number, initiator: number, deep: boolean): Unit {
  switch (initiator) {
    case PERCENT:
      return hexadecimal(text, at, { digits: 2, before: 0, deep });
    case BACKSLASH:
      return backslashed(text, at, deep);
    default:
      return reference(text, at, deep);
  }
}

/** One character of an escape, which may be escaped itself where `deep`. */
function read({ bytes, isWhole }: Text, at: number, deep: boolean): Unit {
  const byte = bytes[at];
  if (byte === undefined) return isWhole ? NONE : OPEN;
  if (!deep || !isInitiator(byte)) return unit(byte, 1);
  const one = escape({ bytes, isWhole }, at + 1, byte, false);
  return one < 0 ? one : one + 1;
}

interface Digits {
  readonly digits: number;
  /** What of the escape stands before them. */
  readonly before: number;
  readonly deep: boolean;
}

function hexadecimal(text: Text, at: number, { digits, before, deep }: Digits): Unit {
  let value = 0;
  let length = before;
  for (let left = digits; left > 0; left -= 1) {
    const one = read(text, at + length, deep);
    if (one < 0) return one;
    const digit = hexDigit(codeOf(one));
    if (digit === -1) return NONE;
    value = value * 16 + digit;
    length += lengthOf(one);
  }
  return unit(value, length);
}

/** The value of a hexadecimal digit; -1 for what is none. */
function hexDigit(character: number): number {
  if (character >= 48 && character <= 57) return character - 48;
  const lower = character | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

const SHORT: Int16Array = new Int16Array(256).fill(-1);
for (const mark of `"'\\/`) SHORT[code(mark)] = code(mark);
const LETTERS = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "0": "\0" };
for (const [letter, meant] of Object.entries(LETTERS)) SHORT[code(letter)] = code(meant);

/** What a backslash makes of a character after it; -1 when it depends on more, or is no escape. */
export function shortEscape(character: number): number {
  return SHORT[character] ?? -1;
}

/** Whether an escape that begins with these two bytes may have more. */
export function isLong(initiator: number, next: number): boolean {
  if (initiator === PERCENT) return hexDigit(next) !== -1;
  if (initiator === BACKSLASH) return next === code("u") || next === code("x");
  const letter = next | 0x20;
  return next === code("#") || (letter >= code("a") && letter <= code("z"));
}

function backslashed(text: Text, at: number, deep: boolean): Unit {
  const kind = read(text, at, deep);
  if (kind < 0) return kind;
  const before = lengthOf(kind);
  const letter = codeOf(kind);
  if (letter === code("x")) return hexadecimal(text, at, { digits: 2, before, deep });
  if (letter !== code("u")) {
    const short = shortEscape(letter);
    return short === -1 ? NONE : unit(short, before);
  }
  const first = hexadecimal(text, at, { digits: 4, before, deep });
  if (first < 0 || codeOf(first) < 0xd800 || codeOf(first) > 0xdbff) return first;
  return withLowSurrogate(text, at, first, deep);
}

function withLowSurrogate(text: Text, at: number, high: Unit, deep: boolean): Unit {
  let length = lengthOf(high);
  for (const wanted of ["\\", "u"]) {
    const one = read(text, at + length, deep && wanted !== "\\");
    if (one < 0) return one;
    if (codeOf(one) !== code(wanted)) return NONE;
    length += lengthOf(one);
    // A backslash that is itself escaped with one.
    if (wanted === "\\" && deep && text.bytes[at + length] === BACKSLASH) length += 1;
  }
  const low = hexadecimal(text, at, { digits: 4, before: length, deep });
  if (low < 0) return low;
  const value = codeOf(low) - 0xdc00;
  if (value < 0 || value > 0x3ff) return NONE;
  return unit(0x10000 + (codeOf(high) - 0xd800) * 0x400 + value, lengthOf(low));
}

/** Leading zeros are allowed, but not without end. */
const MOST_DIGITS = 8;

/** A character reference of HTML, with or without its semicolon. */
function reference(text: Text, at: number, deep: boolean): Unit {
  const first = read(text, at, deep);
  if (first < 0) return first;
  if (codeOf(first) !== code("#")) return named(text, at, deep);
  const kind = read(text, at + lengthOf(first), deep);
  if (kind < 0) return kind;
  const isHex = codeOf(kind) === code("x") || codeOf(kind) === code("X");
  const radix = isHex ? 16 : 10;
  let length = lengthOf(first) + (isHex ? lengthOf(kind) : 0);
  let value = 0;
  for (let digits = 0; digits <= MOST_DIGITS; digits += 1) {
    const one = read(text, at + length, deep);
    if (one === OPEN) return OPEN;
    const digit = one === NONE ? -1 : hexDigit(codeOf(one));
    if (digit === -1 || digit >= radix) {
      if (digits === 0 || value > 0x10ffff) return NONE;
      const isEnded = one !== NONE && codeOf(one) === SEMICOLON;
      return unit(value, length + (isEnded ? lengthOf(one) : 0));
    }
    value = value * radix + digit;
    length += lengthOf(one);
  }
  return NONE;
}

/** The names that HTML has for what is in ASCII and is no letter or digit. */
const NAMED: ReadonlyMap<string, number> = new Map(
  Object.entries({
    "\t": "Tab",
    "\n": "NewLine",
    "!": "excl",
    '"': "quot QUOT",
    "#": "num",
    $: "dollar",
    "%": "percnt",
    "&": "amp AMP",
    "'": "apos",
    "(": "lpar",
    ")": "rpar",
    "*": "ast midast",
    "+": "plus",
    ",": "comma",
    ".": "period",
    "/": "sol",
    ":": "colon",
    ";": "semi",
    "<": "lt LT",
    "=": "equals",
    ">": "gt GT",
    "?": "quest",
    "@": "commat",
    "[": "lsqb lbrack",
    "\\": "bsol",
    "]": "rsqb rbrack",
    "^": "Hat",
    _: "lowbar UnderBar",
    "`": "grave DiacriticalGrave",
    "{": "lcub lbrace",
    "|": "verbar vert VerticalLine",
    "}": "rcub rbrace",
  }).flatMap(([mark, names]) => names.split(" ").map((name) => [name, code(mark)] as const)),
);
/** What a name may begin with, so that no longer one is read. */
const BEGINNINGS: ReadonlySet<string> = new Set(
  Array.from(NAMED.keys(), (name) => Array.from(name, (_, at) => name.slice(0, at + 1))).flat(),
);
/** These few are read without a semicolon as well. */
const UNENDED: ReadonlySet<string> = new Set([
  "quot",
  "QUOT",
  "amp",
  "AMP",
  "lt",
  "LT",
  "gt",
  "GT",
]);

function named(text: Text, at: number, deep: boolean): Unit {
  let name = "";
  let length = 0;
  for (;;) {
    const one = read(text, at + length, deep);
    if (one === OPEN) return OPEN;
    const meant = NAMED.get(name);
    if (one >= 0 && codeOf(one) === SEMICOLON) {
      return meant === undefined ? NONE : unit(meant, length + lengthOf(one));
    }
    if (meant !== undefined && UNENDED.has(name)) return unit(meant, length);
    if (one === NONE) return NONE;
    name += String.fromCharCode(codeOf(one));
    if (!BEGINNINGS.has(name)) return NONE;
    length += lengthOf(one);
  }
}
