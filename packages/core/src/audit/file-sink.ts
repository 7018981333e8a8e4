import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import type { AuditEvent, AuditFact } from "./event.ts";
import { readNewest } from "./read-file.ts";
import type { Sink } from "./sink.ts";
import { writeAll } from "./write-all.ts";

/**
 * Appends events to a JSONL file: mode 0600, `O_APPEND`, one write a line, no lock, so several
 * processes may share it. Each keeps its own chain. A torn line at the end is never cut off: it is
 * ended with a newline and reported as `audit.repaired`. Opened at the first event.
 *
 * @param path - The file, made when missing; relative to the working directory of now.
 */
export function fileSink(path: string): Sink & Disposable {
  if (typeof path !== "string" || path === "") throw new TypeError("fileSink: path is missing");
  const absolute = resolve(path);
  let fd: number | undefined;
  let tornAt: number | undefined;
  const pending: AuditFact[] = [];

  return {
    notices() {
      if (fd === undefined) {
        fd = openForAppending(absolute);
        pending.push({ type: "audit.opened", pid: process.pid });
        tornAt = endOfTornLine(fd);
      }
      if (tornAt !== undefined) {
        writeAll(fd, "\n");
        pending.push({ type: "audit.repaired", atByte: tornAt });
        tornAt = undefined;
      }
      return pending.splice(0);
    },
    write(_event, line) {
      if (fd === undefined) throw new Error("the audit file is not open");
      const start = fd;
      let partly = false;
      try {
        writeAll(start, `${line}\n`, () => {
          partly = true;
        });
      } catch (error) {
        if (partly) tornAt = endOfTornLine(start);
        throw error;
      }
    },
    read: (filter): readonly AuditEvent[] => readNewest(absolute, filter),
    [Symbol.dispose]() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

function openForAppending(path: string): number {
  try {
    return openSync(path, "a+", 0o600);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new Error(
      `the audit file cannot be opened (${code}); where the disk is read-only, use jsonSink()`,
      { cause },
    );
  }
}

/** The size of a file that does not end with a newline, or `undefined` when it does. */
function endOfTornLine(fd: number): number | undefined {
  const { size } = fstatSync(fd);
  if (size === 0) return undefined;
  const last = Buffer.alloc(1);
  // A device such as a pipe or /dev/full has no size and cannot be read back.
  if (readSync(fd, last, 0, 1, size - 1) === 0) return undefined;
  return last[0] === 0x0a ? undefined : size;
}
