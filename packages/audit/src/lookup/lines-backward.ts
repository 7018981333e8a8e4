import { readSync } from "node:fs";

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Lines between two places of an open file, the last first and without empty ones. The first place begins a line. */
export function* linesBackward(
  fd: number,
  start: number,
  end: number,
): Generator<string, void, undefined> {
  let position = end;
  let held: Buffer = Buffer.alloc(0);
  while (position > start) {
    const length = Math.min(CHUNK_BYTES, position - start);
    const bytes = Buffer.alloc(length + held.length);
    const got = readSync(fd, bytes, 0, length, position - length);
    if (got < length) return;
    held.copy(bytes, length);
    position -= length;
    let to = bytes.length;
    for (let at = bytes.lastIndexOf(NEWLINE); at >= 0; at = bytes.lastIndexOf(NEWLINE, at - 1)) {
      if (at + 1 < to) yield bytes.toString("utf8", at + 1, to);
      to = at;
      if (at === 0) break;
    }
    held = bytes.subarray(0, to);
  }
  if (held.length > 0) yield held.toString("utf8");
}
