import type { Needles } from "./needles.ts";

/** Takes a secret out of a body as it streams. Replaces byte by byte, so the length stays. */
export interface Scrubber {
  /** What of the bytes so far may go on. Overwrites `chunk` where it holds the secret. */
  push(chunk: Buffer): Buffer;
  /** What was held back, at the end. */
  end(): Buffer;
}

const MASK = "*";
const MASK_BYTE = 0x2a;
const EMPTY = Buffer.alloc(0);

/** Holds back only what may be the beginning of the secret. */
export function scrubber({ bytes, longest }: Needles): Scrubber {
  let held = EMPTY;
  return {
    push(chunk) {
      const all = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      // Before anything is masked, or the beginning of one form could hide behind the end of another.
      const keep = partialMatch(all, bytes, longest);
      const ends = mask(all, bytes);
      // A whole match that reaches into what is held back was masked there as well.
      const from = Math.max(all.length - keep, ends);
      held = from === all.length ? EMPTY : Buffer.from(all.subarray(from));
      return from === all.length ? all : all.subarray(0, from);
    },
    end() {
      const last = held;
      held = EMPTY;
      return last;
    },
  };
}

/** Masks every match. Returns where the last of them ends. */
function mask(all: Buffer, needles: readonly Buffer[]): number {
  let last = 0;
  for (const needle of needles) {
    for (let at = all.indexOf(needle); at !== -1; at = all.indexOf(needle, at + needle.length)) {
      all.fill(MASK_BYTE, at, at + needle.length);
      last = Math.max(last, at + needle.length);
    }
  }
  return last;
}

/** How many bytes at the end may be the beginning of a needle. */
function partialMatch(all: Buffer, needles: readonly Buffer[], longest: number): number {
  const tail = all.subarray(Math.max(0, all.length - longest + 1));
  let most = 0;
  for (const needle of needles) {
    const [first = 0] = needle;
    // From the left: the first match is the longest.
    let at = tail.indexOf(first, Math.max(0, tail.length - needle.length + 1));
    while (at !== -1 && tail.length - at > most) {
      if (needle.compare(tail, at, tail.length, 0, tail.length - at) === 0) most = tail.length - at;
      at = tail.indexOf(first, at + 1);
    }
  }
  return most;
}

/** A header's value without the secret. */
export function scrubText(text: string, { texts }: Needles): string {
  let clean = text;
  for (const needle of texts) {
    if (clean.includes(needle)) clean = clean.replaceAll(needle, MASK.repeat(needle.length));
  }
  return clean;
}
