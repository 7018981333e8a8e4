import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from "node:fs";

const NEWLINE = 0x0a;

/** A file of whole lines that only grows, mode 0600. */
export interface AppendFile extends Disposable {
  /**
   * Appends lines. What a dying process left unfinished before them is ended first.
   *
   * @param isDurable - Whether they are on the disk when this returns. Default true.
   */
  append(lines: string, isDurable?: boolean): void;
  /**
   * What was added since the last time, up to the last newline.
   *
   * @throws Error when the file was deleted, or cut off before what was read.
   */
  readNew(): string;
}

/** @throws the system's error when it cannot be opened. */
export function openAppendFile(path: string): AppendFile {
  const fd = openSync(path, "a+", 0o600);
  let position = 0;
  return {
    append(lines, isDurable = true) {
      const { size } = fstatSync(fd);
      const last = Buffer.alloc(1);
      const torn = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
      const bytes = Buffer.from(`${torn ? "\n" : ""}${lines}`);
      const written = writeSync(fd, bytes);
      if (written < bytes.length) throw new Error(`${path}: the disk took only a part of a line`);
      if (isDurable) fdatasyncSync(fd);
    },
    readNew() {
      const { size, nlink } = fstatSync(fd);
      // Whatever is written from here on would be read by nobody, or taken for what was there.
      if (nlink === 0) throw new Error(`${path} was deleted; it is made anew by the next process`);
      if (size < position) throw new Error(`${path} was cut off behind what was read`);
      const bytes = Buffer.alloc(size - position);
      const got = readSync(fd, bytes, 0, bytes.length, position);
      const whole = bytes.subarray(0, bytes.subarray(0, got).lastIndexOf(NEWLINE) + 1);
      position += whole.length;
      return whole.toString("utf8");
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}
