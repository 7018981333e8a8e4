import { closeSync, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { type LineSplitter, lineSplitter } from "@agent-keys/core/audit";

/** One open file that grows. It is the file, not the name: it stays when the name goes to another. */
export interface OpenTail extends Disposable {
  /** Where the line begins that is not finished yet; all before it was read. */
  readonly lineByte: number;
  /** The next lines; none when the file has not grown. Bounded: call it until there are none. */
  read(): readonly string[];
  /** Whether the file was cut off and begun again since the last time this was asked. */
  wasTruncated(): boolean;
  isSameFile(stats: Stats): boolean;
}

const CHUNK_BYTES = 256 * 1024;
/** The bytes before the place that was read to. If they change, it is another content. */
const GUARD_BYTES = 64;
const NEWLINE = 0x0a;

/**
 * Opens a file to follow it.
 *
 * @param from - `"end"`: what is there was seen already, but for a line that is not finished.
 * @throws the system's error.
 */
export function openTail(path: string, from: "start" | "end"): OpenTail {
  const fd = openSync(path, "r");
  const opened = fstatSync(fd);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let position = from === "end" ? afterLastNewline(fd, opened.size) : 0;
  const lineByte = position;
  let splitter: LineSplitter = lineSplitter(position);
  let guard = readAt(fd, Math.max(0, position - GUARD_BYTES), Math.min(GUARD_BYTES, position));
  let seenMs = opened.mtimeMs;
  let seenSize = -1;
  let truncated = false;

  const startAgain = (): void => {
    position = 0;
    splitter = lineSplitter();
    guard = Buffer.alloc(0);
    truncated = true;
  };
  const isOtherContent = (size: number): boolean =>
    size < position || !readAt(fd, position - guard.length, guard.length).equals(guard);

  return {
    lineByte,
    read() {
      const { size, mtimeMs } = fstatSync(fd);
      if (size === seenSize && mtimeMs === seenMs && size === position) return [];
      if (isOtherContent(size)) startAgain();
      seenSize = size;
      seenMs = mtimeMs;
      const lines: string[] = [];
      while (lines.length === 0) {
        const got = readSync(fd, buffer, 0, CHUNK_BYTES, position);
        if (got === 0) break;
        const chunk = buffer.subarray(0, got);
        position += got;
        guard = Buffer.concat([guard, chunk.subarray(-GUARD_BYTES)]).subarray(-GUARD_BYTES);
        for (const { bytes } of splitter.push(chunk)) {
          if (bytes.length > 0) lines.push(bytes.toString("utf8"));
        }
      }
      return lines;
    },
    wasTruncated() {
      const was = truncated;
      truncated = false;
      return was;
    },
    isSameFile: ({ dev, ino }) => dev === opened.dev && ino === opened.ino,
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** Where the last line begins, looked for from the end. */
function afterLastNewline(fd: number, size: number): number {
  let end = size;
  while (end > 0) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const at = readAt(fd, start, end - start).lastIndexOf(NEWLINE);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, length === 0 ? 0 : readSync(fd, buffer, 0, length, position));
}
