import { codeOf, isOpen, type Text, unitsAt } from "./escapes.ts";
import { type Form, LINE_END, LOOK, type Needles, type Place } from "./needles.ts";
import { type Read, readOn } from "./read-on.ts";

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
  const read: Read = { text, needles, seen: new Map(), escapes: new Map(), steps: 0 };
  // A view, since a Buffer's own elements are slower to reach.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; (at = nextPlace(view, at, needles)) < view.length; at += 1) {
    // What is known of places that lie behind is of no use any more.
    if (read.seen.size > MOST_KNOWN) read.seen.clear();
    if (read.escapes.size > MOST_KNOWN) read.escapes.clear();
    for (const { form, index } of placesFor(text, at, needles)) {
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

/** The next place that is worth a look, or the length. This is the loop that every byte goes through. */
function nextPlace(bytes: Uint8Array, from: number, { special, looks, breaks }: Needles): number {
  const { length } = bytes;
  for (let at = from; at < length; at += 1) {
    const kind = special[bytes[at] as number] as number;
    if (kind === 0) continue;
    // At the very end it is not known yet what it is.
    const look = at + 1 < length ? looks[kind * 256 + (bytes[at + 1] as number)] : 0;
    if (look === LOOK.always || (at + 1 === length && kind < LINE_END)) return at;
    if (look === 0 && kind !== LINE_END) continue;
    if (at > 0 && (breaks[bytes[at - 1] as number]?.length ?? 0) > 0) return at;
  }
  return length;
}

const NOWHERE: readonly Place[] = [];

/** Where in a secret the first escape of it may be, when it is here. */
function placesFor(text: Text, at: number, needles: Needles): readonly Place[] {
  const { forms, at: places, after, breaks, special } = needles;
  const before = text.bytes[at - 1];
  const byte = text.bytes[at] ?? 0;
  const broken = before === undefined ? NOWHERE : (breaks[before] ?? NOWHERE);
  if (special[byte] === LINE_END) return broken;
  if (byte === PLUS) return places[SPACE] ?? NOWHERE;
  let found: Set<Place> | undefined;
  const add = (more: readonly Place[] = NOWHERE): void => {
    if (more.length === 0) return;
    found ??= new Set();
    for (const place of more) found.add(place);
  };
  for (const one of unitsAt(text, at)) {
    if (isOpen(one)) {
      const ahead = before === undefined ? NOWHERE : (after[before] ?? NOWHERE);
      return [...forms.map((form) => ({ form, index: 0 })), ...ahead];
    }
    const code = codeOf(one);
    if (code === LF || code === CR) add(broken);
    if (code < 0x80) add(places[code]);
    else for (const first of firstBytes(code)) add(places[first]);
    if (code === PLUS) add(places[SPACE]);
  }
  return found === undefined ? NOWHERE : [...found];
}

/** The bytes that a character beyond ASCII may begin with, wherever it stands in a form. */
function firstBytes(code: number): readonly number[] {
  const [first = 0] = Buffer.from(String.fromCodePoint(code));
  return code <= 0xff ? [code, first] : [first];
}
