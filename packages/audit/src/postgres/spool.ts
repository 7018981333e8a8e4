import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  appendTo,
  isLineStart,
  linesFrom,
  makeSpoolFile,
  openSpoolFiles,
  removeSpoolFile,
  type SpoolFile,
} from "./spool-files.ts";
import { makeFile } from "../record/make-file.ts";
import { holdLock } from "./spool-lock.ts";

/** Lines that wait to be sent, in order, in a directory that survives the process. */
export interface Spool extends Disposable {
  /**
   * Takes a line. When it returns, the operating system has it.
   *
   * @throws Error when the spool is full, was deleted, or the system did not take all of it.
   */
  append(line: string): void;
  /** How many bytes wait. */
  readonly waitingBytes: number;
  /** The next lines that wait, if there are any; they wait until `sent` is called. */
  next(mostBytes: number): { readonly lines: readonly string[]; sent(): void } | undefined;
  /** Keeps a line that no record can be made of, beside the spool. */
  setAside(line: string): void;
}

/** The spool is cut into about so many files, so that what was sent can be deleted. */
const PARTS = 8;
/** A file of a large spool. */
const PART_BYTES = 16 * 1024 * 1024;
const POSITION_CHARACTERS = 32;

/**
 * Opens a spool, or makes it: a directory 0700, its files 0600, held by this process alone.
 *
 * @param maxBytes - What it holds at most, on the disk.
 * @throws Error when another process holds it, or it cannot be made.
 */
export function openSpool(path: string, maxBytes: number): Spool {
  const directory = resolve(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lock = holdLock(join(directory, "lock"));
  makeFile(join(directory, "position"));
  const place = openSync(join(directory, "position"), "r+");
  const files = openSpoolFiles(directory);
  const partBytes = Math.min(PART_BYTES, Math.ceil(maxBytes / PARTS));
  let sentByte = readPosition(directory, files);

  const begin = (): SpoolFile => {
    const file = makeSpoolFile(directory, (files.at(-1)?.number ?? 0) + 1);
    files.push(file);
    return file;
  };
  const remove = (file: SpoolFile): void => {
    files.shift();
    sentByte = 0;
    removeSpoolFile(directory, file);
  };
  while (files.length > 0 && sentByte >= (files[0]?.sizeBytes ?? 0)) {
    const [file] = files;
    if (file !== undefined) remove(file);
  }
  begin();

  const diskBytes = (): number => files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  /** The file that the next line goes to. */
  const current = (bytes: number): SpoolFile => {
    const last = files.at(-1) ?? begin();
    if (last.sizeBytes === 0 || last.sizeBytes + bytes <= partBytes) return last;
    const next = begin();
    // All of it was sent, so nothing else would delete it.
    if (files[0] === last && sentByte >= last.sizeBytes) remove(last);
    return next;
  };

  return {
    append(line) {
      const bytes = Buffer.from(`${line}\n`);
      const file = current(bytes.length);
      if (diskBytes() + bytes.length > maxBytes) throw new Error("the spool is full");
      appendTo(file, bytes);
    },
    get waitingBytes() {
      return diskBytes() - sentByte;
    },
    next(mostBytes) {
      const [file] = files;
      if (file === undefined || sentByte >= file.sizeBytes) return undefined;
      const { lines, endByte } = linesFrom(file, sentByte, mostBytes);
      return {
        lines,
        sent() {
          sentByte = endByte;
          if (sentByte >= file.sizeBytes && files.length > 1) remove(file);
          const { number } = files[0] ?? file;
          writePosition(place, number, sentByte);
        },
      };
    },
    setAside(line) {
      const fd = openSync(join(directory, "set-aside"), "a", 0o600);
      try {
        writeSync(fd, `${line}\n`);
      } finally {
        closeSync(fd);
      }
    },
    [Symbol.dispose]() {
      for (const { fd } of files.splice(0)) closeSync(fd);
      closeSync(place);
      lock[Symbol.dispose]();
    },
  };
}

/**
 * Where to go on in the oldest file. Only to send less again: what was sent and is sent once more is in
 * the table already. So a position that does not fit is the beginning.
 */
function readPosition(directory: string, files: readonly SpoolFile[]): number {
  const text = readFileSync(join(directory, "position"), "utf8");
  const [, number, byte] = /^(\d{1,10}) +(\d{1,16}) *\n$/.exec(text) ?? [];
  const [first] = files;
  if (first === undefined || Number(number) !== first.number) return 0;
  return isLineStart(first, Number(byte)) ? Number(byte) : 0;
}

/** One write of one length, so that it is there whole or as it was before. */
function writePosition(fd: number, number: number, byte: number): void {
  if (fstatSync(fd).nlink === 0) return;
  writeSync(fd, `${`${number} ${byte}`.padEnd(POSITION_CHARACTERS)}\n`, 0);
}
