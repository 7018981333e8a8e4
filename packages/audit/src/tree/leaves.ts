import { createHash, type Hash } from "node:crypto";
import { readSync } from "node:fs";
import { MAX_LINE_BYTES } from "@agent-keys/core/audit";
import { leafHash } from "../merkle/hashing.ts";

/** One line of a file, as a leaf. */
export interface Leaf {
  readonly hash: Buffer;
  /** The line without its newline, good until the next is asked for. Of an endless line, nothing. */
  readonly bytes: Buffer | undefined;
  /** Where the line begins in its file, and where the next one does. */
  readonly start: number;
  readonly next: number;
}

/** So that every line that a reader takes whole is held whole. */
const CHUNK_BYTES = MAX_LINE_BYTES + 1;
const NEWLINE = 0x0a;

/**
 * The lines of an open file that a newline ends, between two places. Each is a leaf, whatever it
 * holds, so that no byte before the last newline can change unnoticed. In bounded memory.
 */
export function* leavesOf(
  fd: number,
  start: number,
  end: number,
  chunkBytes: number = CHUNK_BYTES,
): Generator<Leaf, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(1, end - start)));
  let held = 0;
  let long: Hash | undefined;
  let lineStart = start;
  let position = start;
  while (position < end) {
    const got = readSync(
      fd,
      buffer,
      held,
      Math.min(buffer.length - held, end - position),
      position,
    );
    if (got === 0) return;
    position += got;
    const chunk = buffer.subarray(0, held + got);
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE, held); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const line = chunk.subarray(from, at);
      const next = position - chunk.length + at + 1;
      if (long === undefined) yield { hash: leafHash(line), bytes: line, start: lineStart, next };
      else yield { hash: long.update(line).digest(), bytes: undefined, start: lineStart, next };
      long = undefined;
      lineStart = next;
      from = at + 1;
    }
    held = chunk.length - from;
    buffer.copyWithin(0, from, chunk.length);
    if (held < buffer.length) continue;
    long ??= createHash("sha256").update(Buffer.of(0));
    long.update(buffer);
    held = 0;
  }
}
