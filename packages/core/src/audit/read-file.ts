import { fs } from "../file-system.ts";
import { type AuditEvent, auditEvent } from "./event.ts";
import { lineStarts } from "./line-starts.ts";
import { segmentsOf } from "./segments.ts";
import { type LogFilter, passes } from "./sink.ts";
import { MAX_LINE_BYTES } from "./split-lines.ts";

/** How many events are read when no limit is given. */
export const DEFAULT_READ_LIMIT = 1_000;

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * The newest events of an audit file and its full segments that pass a filter, oldest first. Reads from the end and no
 * further than it must. Damaged lines are passed over here; `agent-keys verify` names them. A file
 * that does not exist has no events.
 */
export function readNewest(path: string, filter: LogFilter): readonly AuditEvent[] {
  const limit = filter.limit ?? DEFAULT_READ_LIMIT;
  const newest: AuditEvent[] = [];
  if (limit <= 0) return newest;
  for (const line of readRecordBackward(path)) {
    const event = parseLine(line);
    if (event !== undefined && passes(event, filter)) newest.push(event);
    if (newest.length >= limit) break;
  }
  return newest.toReversed();
}

/** An event, and the text on its line that says so. */
export interface ReadEvent {
  readonly event: AuditEvent;
  /** Without what another writer's torn line left before it. */
  readonly line: string;
}

/**
 * Reads one line. When a torn line of another writer stands before the event on the same line, the
 * event is found behind it.
 *
 * @returns `undefined` when it is not an event of a version this reader knows.
 */
export function readEvent(line: string): ReadEvent | undefined {
  const whole = tryEvent(line);
  if (whole !== undefined) return { event: whole, line };
  for (const start of lineStarts(line)) {
    const behind = line.slice(start);
    const event = tryEvent(behind);
    if (event !== undefined) return { event, line: behind };
  }
  return undefined;
}

/** The event on a line: see {@link readEvent}. */
export function parseLine(line: string): AuditEvent | undefined {
  return readEvent(line)?.event;
}

function tryEvent(text: string): AuditEvent | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = auditEvent.safeParse(json);
  return parsed.success ? parsed.data : undefined;
}

/**
 * The lines of a file, and then of the full segments that were put aside beside it, from the newest
 * to the oldest. Around the border of two, lines of several writers may be out of order.
 *
 * @param endByte - Where in the file to begin. Default: its end.
 */
export function* readRecordBackward(
  path: string,
  endByte?: number,
): Generator<string, void, undefined> {
  const current = fs().statSync(path, { throwIfNoEntry: false });
  yield* readLinesBackward(path, endByte);
  for (const segment of segmentsOf(path).toReversed()) {
    const stats = fs().statSync(segment, { throwIfNoEntry: false });
    // Put aside while it was read.
    if (stats?.ino === current?.ino && stats?.dev === current?.dev) continue;
    yield* readLinesBackward(segment);
  }
}

/**
 * The lines of a file from the last to the first, without their newlines, and without empty ones. Of
 * a line longer than {@link MAX_LINE_BYTES} only the end is given.
 *
 * @param endByte - Where to begin. Default: the end of the file.
 */
export function* readLinesBackward(
  path: string,
  endByte: number = Infinity,
): Generator<string, void, undefined> {
  const fd = openIfThere(path);
  if (fd === undefined) return;
  try {
    let position = Math.min(endByte, fs().fstatSync(fd).size);
    let tails: Buffer[] = [];
    let tailBytes = 0;
    while (position > 0) {
      const length = Math.min(CHUNK_BYTES, position);
      position -= length;
      let chunk = readAt(fd, position, length);
      for (let at = chunk.lastIndexOf(NEWLINE); at >= 0; at = chunk.lastIndexOf(NEWLINE)) {
        // Of an overlong line the part before what is kept was dropped, this one with it.
        if (tailBytes < MAX_LINE_BYTES) tails.unshift(chunk.subarray(at + 1));
        const line = Buffer.concat(tails).toString("utf8");
        tails = [];
        tailBytes = 0;
        chunk = chunk.subarray(0, at);
        if (line !== "") yield line;
      }
      if (tailBytes < MAX_LINE_BYTES) {
        tails.unshift(chunk);
        tailBytes += chunk.length;
      }
    }
    const first = Buffer.concat(tails).toString("utf8");
    if (first !== "") yield first;
  } finally {
    fs().closeSync(fd);
  }
}

function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const got = fs().readSync(fd, buffer, read, length - read, position + read);
    if (got === 0) break;
    read += got;
  }
  return buffer.subarray(0, read);
}

function openIfThere(path: string): number | undefined {
  try {
    return fs().openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
