import { BACKSLASH, codeOf, isOpen, type Text, unitsAt } from "./escapes.ts";
import { type Form, BACKSLASH_KIND, LINE_END, LOOK, type Needles, type Place } from "./needles.ts";
import { MOST_BREAKS, type Read, readOn } from "./read-on.ts";

/** From the first byte to the one after the last. */
export type Span = readonly [from: number, to: number];

const MOST_KNOWN = 20_000;

/** Where a text holds a secret. */
export interface Found {
  readonly spans: readonly Span[];
  /** From where on it may hold one that goes on after its end. Its length, when it does not. */
  readonly open: number;
  /** How often a byte was compared with one of a secret. */
  readonly steps: number;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const PLUS = 0x2b;

/**
 * Finds every secret, however each of its characters is escaped. A secret that is written out plainly is
 * searched for as it is. Any other has a first character that is escaped, and what stands before that is
 * plain: so it is enough to look around each escape that may stand for a character of a secret, and to
 * read on from there. Every byte is looked at a bounded number of times.
 */
export function findSecrets(text: Text, needles: Needles): Found {
  const { bytes, isWhole } = text;
  const spans = findPlain(bytes, needles);
  let open = isWhole ? bytes.length : plainBeginning(bytes, needles);
  let read: Read | undefined;
  const words = wordsOf(bytes);
  for (let at = 0; (at = nextPlace(bytes, at, words, needles)) < bytes.length; at += 1) {
    const places = placesFor(text, at, needles);
    if (places.length === 0) continue;
    read ??= { text, needles, seen: new Map(), escapes: new Map(), steps: 0 };
    // What is known of places that lie behind is of no use any more.
    if (read.seen.size > MOST_KNOWN) read.seen.clear();
    if (read.escapes.size > MOST_KNOWN) read.escapes.clear();
    for (const { form, index } of places) {
      const from = at - index;
      read.steps += index;
      const { to, goesOn } = readOn(read, at, { form, index });
      if (to > from) spans.push([from, to]);
      if (goesOn) open = Math.min(open, from);
    }
  }
  return { spans, open, steps: read?.steps ?? 0 };
}

/**
 * All at once: where no form can end its first `shortest` bytes, it is told by two bytes how far off the
 * next place is where one may (Wu and Manber, 1994). Most bytes are never looked at.
 */
function findPlain(bytes: Buffer, needles: Needles): Span[] {
  const { forms, shortest, shifts } = needles;
  if (shortest < 2) return findEach(bytes, needles);
  const spans: Span[] = [];
  for (let end = shortest; end <= bytes.length;) {
    const shift = shifts[(bytes[end - 2] as number) + (bytes[end - 1] as number) * 256] as number;
    end += shift;
    if (shift > 0) continue;
    for (const form of forms) {
      const from = end - shortest;
      const to = from + form.bytes.length;
      if (to <= bytes.length && isPlainBefore(bytes, to, form, form.bytes.length)) {
        spans.push([from, to]);
      }
    }
    end += 1;
  }
  return spans;
}

/** One after the other, where a secret of a single byte leaves nothing to tell them by. */
function findEach(bytes: Buffer, { forms }: Needles): Span[] {
  const spans: Span[] = [];
  for (const { bytes: form } of forms) {
    for (let at = bytes.indexOf(form); at !== -1; at = bytes.indexOf(form, at + 1)) {
      spans.push([at, at + form.length]);
    }
  }
  return spans;
}

/** From where on the end may be the plain beginning of a secret. */
function plainBeginning(bytes: Buffer, { longest, first }: Needles): number {
  const { length } = bytes;
  for (let from = Math.max(0, length - longest + 1); from < length; from += 1) {
    for (const form of first[bytes[from] as number] ?? []) {
      if (isPlainBefore(bytes, length, form, length - from)) return from;
    }
  }
  return length;
}

/** Whether the first bytes of a form stand in front of a place as they are. */
function isPlainBefore(bytes: Buffer, at: number, { bytes: form }: Form, index: number): boolean {
  if (index > at || index > form.length) return false;
  for (let back = 1; back <= index; back += 1) {
    if (bytes[at - back] !== form[index - back]) return false;
  }
  return true;
}

/** Fewer bytes are gone through one by one: a view on them would take longer. */
const WORTH_A_VIEW = 512;
const BLOCK = 8;

/** Two bytes at a time, from the first that is aligned. */
function wordsOf({ buffer, byteOffset, length }: Buffer): Uint16Array | undefined {
  if (length < WORTH_A_VIEW) return undefined;
  const skipped = byteOffset & 1;
  return new Uint16Array(buffer, byteOffset + skipped, (length - skipped) >> 1);
}

/** The next place that is worth a look, or the length. Every byte goes through this loop. */
function nextPlace(
  bytes: Buffer,
  from: number,
  words: Uint16Array | undefined,
  { special, looks, pairs, breaks, at: places }: Needles,
): number {
  const { length, byteOffset } = bytes;
  const skipped = byteOffset & 1;
  for (let at = from; at < length; at += 1) {
    if (words !== undefined && ((at - skipped) & (BLOCK - 1)) === 0) {
      at = skipped + 2 * nextBlock(words, (at - skipped) >> 1, pairs);
      if (at >= length) return length;
    }
    const kind = special[bytes[at] as number] as number;
    if (kind === 0) continue;
    // At the very end it is not known yet what it is.
    const look = at + 1 < length ? looks[kind * 256 + (bytes[at + 1] as number)] : 0;
    if (look === LOOK.always || (at + 1 === length && kind !== LINE_END)) {
      if (kind === BACKSLASH_KIND && isDullTwice(bytes, at, looks, places)) continue;
      return at;
    }
    if (look === 0 && kind !== LINE_END) continue;
    if (at > 0 && (breaks[bytes[at - 1] as number]?.length ?? 0) > 0) return at;
  }
  return length;
}

/** A backslash that is escaped, of which JSON in JSON is full, before what is dull after one alone too. */
function isDullTwice(
  bytes: Buffer,
  at: number,
  looks: Uint8Array,
  places: readonly (readonly Place[])[],
): boolean {
  if (bytes[at] !== BACKSLASH || bytes[at + 1] !== BACKSLASH) return false;
  const third = bytes[at + 2];
  if (third === undefined || (places[BACKSLASH]?.length ?? 0) > 0) return false;
  return looks[BACKSLASH_KIND * 256 + third] === 0;
}

/** The next four words any of which is worth a look, or what is left when there are no four. */
function nextBlock(words: Uint16Array, from: number, pairs: Uint8Array): number {
  const last = words.length - BLOCK / 2;
  let at = from;
  for (; at <= last; at += BLOCK / 2) {
    const any =
      (pairs[words[at] as number] as number) |
      (pairs[words[at + 1] as number] as number) |
      (pairs[words[at + 2] as number] as number) |
      (pairs[words[at + 3] as number] as number);
    if (any !== 0) break;
  }
  return at;
}

const NOWHERE: readonly Place[] = [];

/** Where in a secret the first escape of it may be, when it is here. */
function placesFor(text: Text, at: number, needles: Needles): readonly Place[] {
  const { bytes } = text;
  const { forms, at: places, after, breaks, special } = needles;
  const before = at === 0 ? undefined : bytes[at - 1];
  const byte = bytes[at] ?? 0;
  const mayBreak = before === undefined ? NOWHERE : (breaks[before] ?? NOWHERE);
  const broken = mayBreak.length === 0 ? NOWHERE : goneOn(bytes, at, mayBreak, special);
  if (special[byte] === LINE_END) return thoseHere(bytes, at, broken, NOWHERE);
  if (byte === PLUS) return thoseHere(bytes, at, places[SPACE], NOWHERE);
  let found = NOWHERE;
  for (const one of unitsAt(text, at)) {
    if (isOpen(one)) {
      const ahead = before === undefined ? NOWHERE : (after[before] ?? NOWHERE);
      return thoseHere(
        bytes,
        at,
        ahead,
        forms.map((form) => ({ form, index: 0 })),
      );
    }
    const code = codeOf(one);
    if (code === LF || code === CR) found = thoseHere(bytes, at, broken, found);
    if (code < 0x80) found = thoseHere(bytes, at, places[code], found);
    else for (const first of firstBytes(code)) found = thoseHere(bytes, at, places[first], found);
    if (code === PLUS) found = thoseHere(bytes, at, places[SPACE], found);
  }
  return found;
}

/** Those of a form's places that the next line may begin with, as far as that is told by its first byte. */
function goneOn(
  bytes: Buffer,
  from: number,
  places: readonly Place[],
  special: Uint8Array,
): readonly Place[] {
  let at = from;
  for (let breaks = 0; breaks < MOST_BREAKS; breaks += 1) {
    const byte = bytes[at];
    const next = bytes[at + 1];
    if (byte === LF || byte === CR) at += 1;
    else if (byte === BACKSLASH && (next === 0x6e || next === 0x72)) at += 2;
  }
  const first = bytes[at];
  if (at === from || first === undefined || special[first] !== 0) return places;
  return places.filter(({ form, index }) => form.bytes[index] === first);
}

/** Adds those places of forms whose bytes before them stand in front of this one as they are. */
function thoseHere(
  bytes: Buffer,
  at: number,
  places: readonly Place[] | undefined,
  found: readonly Place[],
): readonly Place[] {
  let all = found;
  for (const place of places ?? NOWHERE) {
    // Nearly always there is none, and nothing is made.
    if (!isPlainBefore(bytes, at, place.form, place.index) || all.includes(place)) continue;
    all = [...all, place];
  }
  return all;
}

/** The bytes that a character beyond ASCII may begin with, wherever it stands in a form. */
function firstBytes(code: number): readonly number[] {
  const [first = 0] = Buffer.from(String.fromCodePoint(code));
  return code <= 0xff ? [code, first] : [first];
}
