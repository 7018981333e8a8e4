import type { Stats } from "node:fs";
import { fs } from "../file-system.ts";
import { writeAll } from "./write-all.ts";

/** An audit file that is open, whatever its name is now. */
export interface AuditFile {
  /** As it was when it was opened. */
  readonly opened: Stats;
  /** Its size when it was last looked at. */
  readonly sizeBytes: number;
  /** Whether every name it had is gone, and what is written to it with them. */
  isDeleted(): boolean;
  /** Whether it is still what a name stands for. */
  isNamed(path: string): boolean;
  /**
   * Appends a line.
   *
   * @returns false when the file was deleted, and the line with it.
   * @throws the system's error when not all of it was accepted.
   */
  append(line: string): boolean;
  /** Ends a torn line, if there is one, and says where it ended. */
  endTornLine(): number | undefined;
  close(): void;
}

const NEWLINE = 0x0a;

/**
 * Opens an audit file, which is made when missing.
 *
 * @param toRotate - Then it must be what its name says, since it is renamed.
 * @throws Error that says why not.
 */
export function openAuditFile(path: string, toRotate: boolean): AuditFile {
  const fd = openForAppending(path);
  const opened = fs().fstatSync(fd);
  // Another writer may have put it aside by now.
  const named = toRotate ? fs().lstatSync(path, { throwIfNoEntry: false }) : undefined;
  if (toRotate && !(opened.isFile() && named?.isFile() !== false)) {
    fs().closeSync(fd);
    throw new Error(`the audit file ${path} cannot be rotated: it is a link or no regular file`);
  }
  let sizeBytes = opened.size;
  /** Where it ended after our last line. */
  let ownEndByte = opened.size;
  /** Where a torn line ends that has not been reported. */
  let tornAt = endOfTornLine(fd, opened.size);
  /** Whether that line is still without a newline. */
  let open = tornAt !== undefined;

  /**
   * Somebody else wrote too. Where that was a line which a dying process did not finish, ours stands
   * behind it on the same line. Looked for where ours must be, unless yet another came after it.
   */
  const lookBefore = (line: Buffer, end: number): void => {
    const start = end - line.length;
    if (start <= 0) return;
    const written = Buffer.alloc(line.length + 1);
    if (fs().readSync(fd, written, 0, written.length, start - 1) < written.length) return;
    if (written[0] !== NEWLINE && written.subarray(1).equals(line)) tornAt = start;
  };

  // What had no name from the start, such as a pipe, cannot lose it.
  const isDeleted = ({ nlink }: Stats): boolean => nlink === 0 && opened.nlink > 0;

  return {
    opened,
    get sizeBytes() {
      return sizeBytes;
    },
    isDeleted: () => isDeleted(fs().fstatSync(fd)),
    isNamed(named) {
      const stats = statOf(named);
      if (stats === "unknown") return true;
      if (stats?.ino !== opened.ino || stats.dev !== opened.dev) return false;
      sizeBytes = stats.size;
      return true;
    },
    append(line) {
      const bytes = Buffer.from(`${line}\n`);
      let partly = false;
      try {
        writeAll(fd, bytes, () => {
          partly = true;
        });
      } catch (error) {
        if (partly) {
          tornAt = endOfTornLine(fd, fs().fstatSync(fd).size);
          open = tornAt !== undefined;
        }
        throw error;
      }
      const now = fs().fstatSync(fd);
      if (now.size !== ownEndByte + bytes.length) lookBefore(bytes, now.size);
      ownEndByte = now.size;
      sizeBytes = now.size;
      return !isDeleted(now);
    },
    endTornLine() {
      const at = tornAt;
      if (open) writeAll(fd, "\n");
      open = false;
      tornAt = undefined;
      return at;
    },
    close: () => fs().closeSync(fd),
  };
}

function openForAppending(path: string): number {
  try {
    return fs().openSync(path, "a+", 0o600);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new Error(
      `the audit file ${path} cannot be opened (${code}); where the disk is read-only, use jsonSink()`,
      { cause },
    );
  }
}

/** The size of a file that does not end with a newline, or `undefined` when it does. */
function endOfTornLine(fd: number, size: number): number | undefined {
  if (size === 0) return undefined;
  const last = Buffer.alloc(1);
  // A device such as a pipe or /dev/full has no size and cannot be read back.
  if (fs().readSync(fd, last, 0, 1, size - 1) === 0) return undefined;
  return last[0] === NEWLINE ? undefined : size;
}

function statOf(path: string): Stats | undefined | "unknown" {
  try {
    return fs().statSync(path, { throwIfNoEntry: false });
  } catch {
    // As for a process that gave up its rights after it opened the file. Deletion still shows.
    return "unknown";
  }
}
