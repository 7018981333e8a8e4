import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type AuditEvent, auditEvent } from "./event.ts";
import { type LogFilter, passes } from "./sink.ts";

/** How many events are read when no limit is given. */
export const DEFAULT_READ_LIMIT = 1_000;

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
/** How every line starts. It cannot stand inside a JSON string, whose quotes are escaped. */
const LINE_START = '{"v":';

/**
 * The newest events of an audit file that pass a filter, oldest first. Reads from the end and no
 * further than it must. Damaged lines are passed over here; `agent-keys verify` names them. A file
 * that does not exist has no events.
 */
export function readNewest(path: string, filter: LogFilter): readonly AuditEvent[] {
  const limit = filter.limit ?? DEFAULT_READ_LIMIT;
  const newest: AuditEvent[] = [];
  if (limit <= 0) return newest;
  for (const line of readLinesBackward(path)) {
    const event = parseLine(line);
    if (event !== undefined && passes(event, filter)) newest.push(event);
    if (newest.length >= limit) break;
  }
  return newest.toReversed();
}

/**
 * Reads one line. When a torn line of another writer stands before the event on the same line, the
 * event is found behind it.
 *
 * @returns `undefined` when it is not an event of a version this reader knows.
 */
export function parseLine(line: string): AuditEvent | undefined {
  const parsed = auditEvent.safeParse(tryJson(line) ?? tryJson(afterTornLine(line)));
  return parsed.success ? parsed.data : undefined;
}

/** The last event on a line, behind what was torn off before it. */
export function afterTornLine(line: string): string {
  return line.slice(Math.max(0, line.lastIndexOf(LINE_START)));
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The lines of a file from the last to the first, without their newlines, and without empty ones. */
export function* readLinesBackward(path: string): Generator<string, void, undefined> {
  const fd = openIfThere(path);
  if (fd === undefined) return;
  try {
    let position = fstatSync(fd).size;
    let tails: Buffer[] = [];
    while (position > 0) {
      const length = Math.min(CHUNK_BYTES, position);
      position -= length;
      let chunk = readAt(fd, position, length);
      for (let at = chunk.lastIndexOf(NEWLINE); at >= 0; at = chunk.lastIndexOf(NEWLINE)) {
        const line = Buffer.concat([chunk.subarray(at + 1), ...tails]).toString("utf8");
        tails = [];
        chunk = chunk.subarray(0, at);
        if (line !== "") yield line;
      }
      tails.unshift(chunk);
    }
    const first = Buffer.concat(tails).toString("utf8");
    if (first !== "") yield first;
  } finally {
    closeSync(fd);
  }
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

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
