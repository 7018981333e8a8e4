import { BACKSLASH, INITIATORS, isInitiator, isLong, shortEscape } from "./escapes.ts";

/** One way to write a secret out, each character of which may then be escaped. */
export interface Form {
  readonly bytes: Buffer;
  /** May be broken into lines, which base64 is in mail and in PEM. */
  readonly isBroken: boolean;
  /** How many places the forms before it have. */
  readonly offset: number;
}

/** A place within a form. */
export interface Place {
  readonly form: Form;
  readonly index: number;
}

/** What a response is searched for. */
export interface Needles {
  readonly forms: readonly Form[];
  /** By a byte: the places where it stands. */
  readonly at: readonly (readonly Place[])[];
  /** By a byte: the forms that it is the first of. */
  readonly first: readonly (readonly Form[])[];
  /** By a byte: the places that it stands in front of. */
  readonly after: readonly (readonly Place[])[];
  /** By a byte: those of them where a line may end. */
  readonly breaks: readonly (readonly Place[])[];
  /** By a byte: above 0 where it may be the first of an escape, of a line's end, or a space of a form. */
  readonly special: Uint8Array;
  /** Whether it is worth a look, by `special` of a byte and the byte after it: see `LOOK`. */
  readonly looks: Uint8Array;
  /** By two bytes, the first of them the lower: 1 where either may be worth a look. */
  readonly pairs: Uint8Array;
  /** The shortest form, in bytes. */
  readonly shortest: number;
  /**
   * By two bytes, the first of them the lower: how many bytes behind them the first `shortest` of some
   * form end at the earliest, 0 where they may end with these two.
   */
  readonly shifts: Uint8Array;
  /** The longest form, in bytes. */
  readonly longest: number;
  /** How many places there are in all. */
  readonly places: number;
}

/** A shorter form would be found in every second response by chance. */
const SHORTEST_ENCODED = 6;

/**
 * The forms that a secret may be reflected in: as it is; in hexadecimal; in base64 and base64url at each
 * of the three places it can have in a longer text. Each character of each may be escaped besides.
 */
export function needlesOf(secrets: readonly string[]): Needles {
  const found = new Map<string, Form>();
  let places = 0;
  const add = (bytes: Buffer, isBroken: boolean): void => {
    const key = bytes.toString("latin1");
    if (found.has(key)) return;
    found.set(key, { bytes, isBroken, offset: places });
    places += bytes.length + 1;
  };
  const encoded = (text: string, isBroken: boolean): void => {
    if (text.length >= SHORTEST_ENCODED) add(Buffer.from(text, "latin1"), isBroken);
  };
  for (const secret of secrets) {
    if (secret === "") continue;
    for (const raw of bytesOf(secret)) {
      add(raw, false);
      const hex = raw.toString("hex");
      encoded(hex, false);
      encoded(hex.toUpperCase(), false);
      for (const text of inBase64(raw)) encoded(text, true);
    }
    for (const escaped of escapedWhole(secret)) {
      for (const text of inBase64(Buffer.from(escaped))) encoded(text, true);
    }
  }
  return indexed([...found.values()], places);
}

/** What `special` may be, above those of the bytes that begin escapes. */
export const LINE_END = 4;
export const BACKSLASH_KIND: number = INITIATORS.indexOf(BACKSLASH) + 1;
const PLUS = 5;

/** What `looks` may be: never, always, or where a line may end only. */
export const LOOK = { always: 1, atLineEnd: 2 } as const;

function indexed(forms: readonly Form[], places: number): Needles {
  const at = byByte<Place>();
  const first = byByte<Form>();
  const after = byByte<Place>();
  const breaks = byByte<Place>();
  const special = new Uint8Array(256);
  for (const [index, initiator] of INITIATORS.entries()) special[initiator] = index + 1;
  for (const form of forms) {
    const { bytes, isBroken } = form;
    for (const [index, byte] of bytes.entries()) {
      const before = bytes[index - 1];
      const place = { form, index };
      at[byte]?.push(place);
      if (before === undefined) first[byte]?.push(form);
      if (before !== undefined) after[before]?.push(place);
      if (before !== undefined && isBroken) breaks[before]?.push(place);
    }
    if (isBroken) special[0x0a] = special[0x0d] = LINE_END;
    if (bytes.includes(" ")) special[0x2b] = PLUS;
  }
  const looks = looksFor(at);
  const pairs = pairsFor(special, looks, breaks);
  const longest = forms.reduce((most, { bytes }) => Math.max(most, bytes.length), 0);
  const shortest = forms.reduce((least, { bytes }) => Math.min(least, bytes.length), MOST_SHIFTED);
  const shifts = shiftsFor(forms, shortest);
  return {
    forms,
    at,
    first,
    after,
    breaks,
    special,
    looks,
    pairs,
    shortest,
    shifts,
    longest,
    places,
  };
}

/** As far as a byte tells. Of longer forms only so many bytes are told by. */
const MOST_SHIFTED = 256;

function shiftsFor(forms: readonly Form[], shortest: number): Uint8Array {
  // Past two bytes that are in none, but for the second, which may be the first of one.
  const shifts = new Uint8Array(65_536).fill(Math.max(0, shortest - 1));
  for (const { bytes } of forms) {
    for (let index = 1; index < shortest; index += 1) {
      const pair = (bytes[index - 1] as number) + (bytes[index] as number) * 256;
      shifts[pair] = Math.min(shifts[pair] as number, shortest - 1 - index);
    }
  }
  return shifts;
}

function pairsFor(
  special: Uint8Array,
  looks: Uint8Array,
  breaks: readonly (readonly Place[])[],
): Uint8Array {
  const pairs = new Uint8Array(65_536);
  for (const [byte, kind] of special.entries()) {
    if (kind === 0) continue;
    for (let other = 0; other < 256; other += 1) {
      // What stands in front of the one, or behind the other, is not in the pair.
      if (kind === LINE_END || looks[kind * 256 + other] !== 0) pairs[byte + other * 256] = 1;
      const mayBreak = (breaks[other]?.length ?? 0) > 0;
      if (kind !== LINE_END || mayBreak) pairs[other + byte * 256] = 1;
    }
  }
  return pairs;
}

/** What most escapes are is told by their second byte: of nothing that any secret holds. */
function looksFor(at: readonly (readonly Place[])[]): Uint8Array {
  const looks = new Uint8Array(256 * (PLUS + 1));
  for (let next = 0; next < 256; next += 1) {
    for (const [index, initiator] of INITIATORS.entries()) {
      looks[(index + 1) * 256 + next] = worth(initiator, next, at);
    }
    looks[PLUS * 256 + next] = LOOK.always;
    looks[LINE_END * 256 + next] = LOOK.atLineEnd;
  }
  return looks;
}

function worth(initiator: number, next: number, at: readonly (readonly Place[])[]): number {
  if (isInitiator(next) || isLong(initiator, next)) return LOOK.always;
  const meant = initiator === BACKSLASH ? shortEscape(next) : -1;
  if (meant === -1) return 0;
  if ((at[meant]?.length ?? 0) > 0) return LOOK.always;
  return meant === 0x0a || meant === 0x0d ? LOOK.atLineEnd : 0;
}

function byByte<T>(): T[][] {
  return Array.from({ length: 256 }, () => []);
}

/** In UTF-8, and as a header carries it: a byte for each character up to U+00FF. */
function bytesOf(secret: string): readonly Buffer[] {
  const utf8 = Buffer.from(secret, "utf8");
  const isPlain = utf8.length === secret.length;
  return isPlain || /[^\0-\u00ff]/.test(secret) ? [utf8] : [utf8, Buffer.from(secret, "latin1")];
}

/** What does not depend on the neighbours, which share a character with the first and last bytes. */
function inBase64(raw: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), raw]);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    const text = padded.toString("base64").slice(from, to);
    return [text, text.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** What may have been put into base64 in its stead: no character of base64 can be told apart then. */
function escapedWhole(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const percent = secret.isWellFormed() ? encodeURIComponent(secret) : secret;
  const form = new URLSearchParams([["", secret]]).toString().slice(1);
  return [json, json.replaceAll("/", String.raw`\/`), percent, form].filter(
    (text) => text !== secret,
  );
}
