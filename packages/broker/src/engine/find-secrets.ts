import { codeOf, isInitiator, isOpen, shortEscape, type Text } from "./escapes.ts";
import type { Form, Needles, Place } from "./needles.ts";
import { escapesAt, type Read, readOn } from "./read-on.ts";

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
  const { special } = needles;
  const read: Read = { text, needles, seen: new Map(), escapes: new Map(), steps: 0 };
  for (let at = 0; at < bytes.length; at += 1) {
    if (special[bytes[at] ?? 0] === 0 || isDull(bytes, at, needles)) continue;
    // What is known of places that lie behind is of no use any more.
    if (read.seen.size > MOST_KNOWN) read.seen.clear();
    if (read.escapes.size > MOST_KNOWN) read.escapes.clear();
    for (const { form, index } of placesFor(read, at)) {
      const from = at - index;
      if (!isPlainBefore(bytes, at, form, index)) continue;
      read.steps += index;
      const { to, goesOn } = readOn(read, at, { form, index });
      if (to > from) spans.push([from, to]);
      if (goesOn) open = Math.min(open, from);
    }
  }
  return { spans, open, steps: read.steps };
}

function findPlain(bytes: Uint8Array, { forms }: Needles): Span[] {
  const spans: Span[] = [];
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const { bytes: form } of forms) {
    for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1)) {
      spans.push([at, at + form.length]);
    }
  }
  return spans;
}

/** From where on the end may be the plain beginning of a secret. */
function plainBeginning(bytes: Uint8Array, { forms, at: places }: Needles): number {
  const longest = forms.reduce((most, form) => Math.max(most, form.bytes.length), 0);
  for (let from = Math.max(0, bytes.length - longest + 1); from < bytes.length; from += 1) {
    for (const { form, index } of places[bytes[from] ?? 0] ?? []) {
      if (index === 0 && isPlainBefore(bytes, bytes.length, form, bytes.length - from)) return from;
    }
  }
  return bytes.length;
}

/** Whether the first bytes of a form stand in front of a place as they are. */
function isPlainBefore(
  bytes: Uint8Array,
  at: number,
  { bytes: form }: Form,
  index: number,
): boolean {
  if (index > at || index > form.length) return false;
  for (let back = 1; back <= index; back += 1) {
    if (bytes[at - back] !== form[index - back]) return false;
  }
  return true;
}

/** What most escapes are, told without reading them: of nothing that any secret holds. */
function isDull(bytes: Uint8Array, at: number, { at: places, breaks }: Needles): boolean {
  const byte = bytes[at] ?? 0;
  const next = bytes[at + 1];
  const isBroken = (): boolean => (breaks[bytes[at - 1] ?? 0]?.length ?? 0) > 0;
  if (byte === LF || byte === CR) return at === 0 || !isBroken();
  if (next === undefined || !isInitiator(byte) || isInitiator(next)) return false;
  if (byte === 0x5c) {
    const meant = shortEscape(next);
    // Of those that are longer, `\u` and `\x` only.
    if (meant === -1) return next !== 0x75 && next !== 0x78;
    if (meant === LF || meant === CR) return !isBroken() && places[meant]?.length === 0;
    return (places[meant]?.length ?? 0) === 0;
  }
  const isLetterOrDigit = /[0-9A-Za-z]/.test(String.fromCharCode(next));
  return byte === 0x25 ? !isLetterOrDigit : !isLetterOrDigit && next !== 0x23;
}

/** Where in a secret the first escape of it may be, when it is here. */
function placesFor(read: Read, at: number): readonly Place[] {
  const { text, needles } = read;
  const { forms, at: places, after, breaks } = needles;
  const before = text.bytes[at - 1];
  const byte = text.bytes[at] ?? 0;
  const broken = before === undefined ? [] : (breaks[before] ?? []);
  if (byte === LF || byte === CR) return broken;
  if (byte === PLUS) return places[SPACE] ?? [];
  const found = new Set<Place>();
  for (const one of escapesAt(read, at)) {
    if (isOpen(one)) {
      const ahead = before === undefined ? [] : (after[before] ?? []);
      return [...forms.map((form) => ({ form, index: 0 })), ...ahead];
    }
    const code = codeOf(one);
    for (const first of firstBytes(code)) {
      for (const place of places[first] ?? []) found.add(place);
    }
    if (code === LF || code === CR) for (const place of broken) found.add(place);
  }
  return [...found];
}

/** The bytes that a character may begin with, wherever it stands in a form. */
function firstBytes(code: number): readonly number[] {
  if (code === PLUS) return [PLUS, SPACE];
  if (code < 0x80) return [code];
  const [first = 0] = Buffer.from(String.fromCodePoint(code));
  return code <= 0xff ? [code, first] : [first];
}
