import { hash } from "node:crypto";
import { readSync } from "node:fs";

const TAIL_BYTES = 4_096;

/** What a file's bytes before a place are known by: a file that was cut off or changed there is another. */
export function tailHash(fd: number, end: number): string {
  const bytes = Buffer.alloc(Math.min(TAIL_BYTES, end));
  readSync(fd, bytes, 0, bytes.length, end - bytes.length);
  return hash("sha256", bytes, "base64");
}
