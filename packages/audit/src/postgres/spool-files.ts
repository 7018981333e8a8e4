import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** One file of a spool: lines that wait, in order. */
export interface SpoolFile {
  readonly number: number;
  readonly fd: number;
  /** The bytes of whole lines in it. */
  sizeBytes: number;
}

const NAME = /^(\d{10})\.jsonl$/;
const NEWLINE = 0x0a;
const CHUNK_BYTES = 64 * 1024;

function nameOf(number: number): string {
  return `${String(number).padStart(10, "0")}.jsonl`;
}

/** The files that are there, the oldest first. What a process had begun to write when it died is cut off. */
export function openSpoolFiles(directory: string): SpoolFile[] {
  return readdirSync(directory)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .toSorted()
    .map((digits) => {
      const file = openSpoolFile(directory, Number(digits), "r+");
      file.sizeBytes = afterLastNewline(file.fd, file.sizeBytes);
      ftruncateSync(file.fd, file.sizeBytes);
      return file;
    });
}

/** A new file, for its owner alone. */
export function makeSpoolFile(directory: string, number: number): SpoolFile {
  return openSpoolFile(directory, number, "wx+");
}

function openSpoolFile(directory: string, number: number, flags: string): SpoolFile {
  const fd = openSync(join(directory, nameOf(number)), flags, 0o600);
  return { number, fd, sizeBytes: fstatSync(fd).size };
}

/** Deletes a file that was sent. */
export function removeSpoolFile(directory: string, { number, fd }: SpoolFile): void {
  closeSync(fd);
  try {
    unlinkSync(join(directory, nameOf(number)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/**
 * Appends to a file, whole or not at all: what a full disk cut off is taken back, and until that works
 * nothing more is written.
 *
 * @throws the system's error; Error when the file was deleted.
 */
export function appendTo(file: SpoolFile, bytes: Buffer): void {
  const { fd, sizeBytes } = file;
  const { size, nlink } = fstatSync(fd);
  if (nlink === 0) throw new Error("the spool was deleted");
  if (size !== sizeBytes) ftruncateSync(fd, sizeBytes);
  let written = 0;
  try {
    while (written < bytes.length) {
      written += writeSync(fd, bytes, written, bytes.length - written, sizeBytes + written);
    }
  } catch (error) {
    if (written > 0) ftruncateSync(fd, sizeBytes);
    throw error;
  }
  file.sizeBytes += bytes.length;
}

/** Some whole lines from a place on, and where they end. At least one, however long it is. */
export function linesFrom(
  { fd, sizeBytes }: SpoolFile,
  fromByte: number,
  mostBytes: number,
): { readonly lines: readonly string[]; readonly endByte: number } {
  for (let most = mostBytes; ; most *= 2) {
    const chunk = readAt(fd, fromByte, Math.min(most, sizeBytes - fromByte));
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const lines = chunk.toString("utf8", 0, end - 1).split("\n");
      return { lines, endByte: fromByte + end };
    }
    if (fromByte + chunk.length >= sizeBytes) return { lines: [], endByte: sizeBytes };
  }
}

/** Whether a line begins there. */
export function isLineStart({ fd, sizeBytes }: SpoolFile, atByte: number): boolean {
  if (atByte === 0) return true;
  return atByte <= sizeBytes && readAt(fd, atByte - 1, 1)[0] === NEWLINE;
}

function afterLastNewline(fd: number, size: number): number {
  for (let end = size; end > 0; end = Math.max(0, end - CHUNK_BYTES)) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const at = readAt(fd, start, end - start).lastIndexOf(NEWLINE);
    if (at >= 0) return start + at + 1;
  }
  return 0;
}

function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const got = readSync(fd, buffer, read, length - read, position + read);
    if (got === 0) break;
    read += got;
  }
  return buffer.subarray(0, read);
}
