import { findSecrets, type Span } from "./find-secrets.ts";
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
export function scrubber(needles: Needles): Scrubber {
  // As it came, since the end of one secret may be the beginning of another.
  let held = EMPTY;
  /** How much of it belongs to one that has been found. */
  let masked = 0;
  const pass = (all: Buffer, isWhole: boolean): Buffer => {
    const { spans, open } = findSecrets({ bytes: all, isWhole }, needles);
    held = open === all.length ? EMPTY : Buffer.from(all.subarray(open));
    let reach = masked;
    all.fill(MASK_BYTE, 0, Math.min(masked, open));
    for (const [from, to] of spans) {
      // What begins in what is held back is found there again.
      if (from >= open) continue;
      all.fill(MASK_BYTE, from, Math.min(to, open));
      reach = Math.max(reach, to);
    }
    masked = Math.max(0, reach - open);
    return open === all.length ? all : all.subarray(0, open);
  };
  return {
    push: (chunk) => pass(held.length === 0 ? chunk : Buffer.concat([held, chunk]), false),
    end: () => (held.length === 0 ? EMPTY : pass(held, true)),
  };
}

/** Where a header's value, or several, hold the secret. */
function findInText(text: string, needles: Needles): readonly Span[] {
  return findSecrets({ bytes: Buffer.from(text, "latin1"), isWhole: true }, needles).spans;
}

/** Whether any of several holds it. Told at once, because nearly always none does. */
export function holdsSecret(texts: readonly string[], needles: Needles): boolean {
  return findInText(texts.join("\0"), needles).length > 0;
}

/** A header's value without the secret. */
export function scrubText(text: string, needles: Needles): string {
  let clean = text;
  for (const [from, to] of findInText(text, needles)) {
    clean = clean.slice(0, from) + MASK.repeat(to - from) + clean.slice(to);
  }
  return clean;
}
