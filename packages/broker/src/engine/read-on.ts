import { codeOf, isInitiator, isOpen, lengthOf, type Text, type Unit, unitsAt } from "./escapes.ts";
import type { Needles, Place } from "./needles.ts";

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const PLUS = 0x2b;

/** How far a secret reaches that begins in front of a place. */
export interface Reach {
  /** The byte after its last; 0 when it is not there as a whole. */
  readonly to: number;
  /** It may go on after the end. */
  readonly goesOn: boolean;
}

/** Two line ends in one place are one: a carriage return and a line feed. */
export const MOST_BREAKS = 2;

/** A text as it is read. */
export interface Read {
  readonly text: Text;
  readonly needles: Needles;
  /**
   * From where the secret was that was read on from a place of a form at a place of the text. Ways that
   * meet again are not gone twice, or there would be ever more of them.
   */
  readonly seen: Map<number, number>;
  /** The escapes that were read, by their place. */
  readonly escapes: Map<number, readonly Unit[]>;
  /** How often a byte was compared with one of a secret. */
  steps: number;
}

/** Before so many steps it is not worth to keep what is known. */
const FEW_STEPS = 500;

function escapesAt({ text, escapes, steps }: Read, at: number): readonly Unit[] {
  const known = steps < FEW_STEPS ? undefined : escapes.get(at);
  if (known !== undefined) return known;
  const units = unitsAt(text, at);
  if (steps >= FEW_STEPS) escapes.set(at, units);
  return units;
}

/** Reads the rest of a form, from one of its places on, in each way that the text can be read. */
export function readOn(read: Read, start: number, { form, index: first }: Place): Reach {
  const { text, needles, seen } = read;
  const { bytes, isWhole } = text;
  const { special, places } = needles;
  const { length } = form.bytes;
  const from = start - first;
  const left = [{ at: start, index: first, breaks: 0 }];
  let to = 0;
  let goesOn = false;
  for (let way = left.pop(); way !== undefined; way = left.pop()) {
    let { at, index, breaks } = way;
    while (index < length && at < bytes.length && special[bytes[at] ?? 0] === 0) {
      read.steps += 1;
      if (bytes[at] !== form.bytes[index]) break;
      at += 1;
      index += 1;
      breaks = 0;
    }
    if (index === length) {
      to = Math.max(to, at);
      continue;
    }
    read.steps += 1;
    const byte = bytes[at];
    if (byte === undefined) {
      goesOn ||= !isWhole;
      continue;
    }
    if (special[byte] === 0) continue;
    const mark = (at * places + form.offset + index) * (MOST_BREAKS + 1) + breaks;
    if (read.steps >= FEW_STEPS) {
      if ((seen.get(mark) ?? Infinity) <= from) continue;
      seen.set(mark, from);
    }
    const mayBreak = form.isBroken && index > 0 && breaks < MOST_BREAKS;
    const add = (code: number, bytesTaken: number): void => {
      for (const taken of standsFor(form.bytes, index, code)) {
        left.push({ at: at + bytesTaken, index: index + taken, breaks: 0 });
      }
      if (mayBreak && (code === LF || code === CR)) {
        left.push({ at: at + bytesTaken, index, breaks: breaks + 1 });
      }
    };
    add(byte, 1);
    if (!isInitiator(byte)) continue;
    for (const one of escapesAt(read, at)) {
      if (isOpen(one)) goesOn = true;
      else add(codeOf(one), lengthOf(one));
    }
  }
  return { to, goesOn };
}

/** How many bytes of a form a character may stand for, at one of its places. */
function standsFor(form: Buffer, index: number, code: number): readonly number[] {
  const byte = form[index];
  if (code < 0x80) return byte === code || (code === PLUS && byte === SPACE) ? [1] : [];
  const utf8 = Buffer.from(String.fromCodePoint(code));
  const ways = byte === code ? [1] : [];
  // A lone byte of a longer character is itself only.
  if (form.subarray(index, index + utf8.length).equals(utf8)) ways.push(utf8.length);
  return ways;
}
