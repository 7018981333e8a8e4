import { closeSync, openSync, readSync } from "node:fs";
import { segmentsOf } from "@agent-keys/core/audit";

const CHUNK_BYTES = 256 * 1024;

/** A file's bytes from the start to the end, each chunk good only until the next is asked for. */
export function* readChunks(path: string): Generator<Uint8Array, void, undefined> {
  const fd = openSync(path, "r");
  const buffer = Buffer.alloc(CHUNK_BYTES);
  try {
    for (;;) {
      const got = readSync(fd, buffer, 0, CHUNK_BYTES, null);
      if (got === 0) return;
      yield buffer.subarray(0, got);
    }
  } finally {
    closeSync(fd);
  }
}

/** The bytes of a file's full segments, the oldest first, and then its own. */
export function* readRecord(path: string): Generator<Uint8Array, void, undefined> {
  for (const segment of [...segmentsOf(path), path]) yield* readChunks(segment);
}
