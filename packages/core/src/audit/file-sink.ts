import { basename, resolve } from "node:path";
import { type AuditFile, openAuditFile } from "./audit-file.ts";
import type { AuditEvent, AuditFact } from "./event.ts";
import { readNewest } from "./read-file.ts";
import {
  type FileSinkOptions,
  putAside,
  removeSegments,
  requireFileSinkOptions,
  segmentsToRemove,
} from "./rotation.ts";
import { begunAt, nameNow } from "./segments.ts";
import type { Sink } from "./sink.ts";
import { takesLines } from "./takes-lines.ts";

/**
 * How old the knowledge may be that the name still stands for the open file. Looking costs about as
 * much as the write. What is renamed meanwhile is written to under its new name; what is deleted is
 * noticed at the very line.
 */
const LOOK_AGAIN_MS = 10;

/**
 * Appends events to a JSONL file: mode 0600, `O_APPEND`, one write a line, no lock, so several
 * processes may share it. Each keeps its own chain. A torn line is never cut off: it is ended with a
 * newline and reported as `audit.repaired`. Opened at the first event, or when a broker is made.
 *
 * With `maxBytes` a full file is put aside and a new one begun. Whoever renames or deletes the file,
 * every writer notices within 10 ms of writing, opens the name again and says so as `audit.rotated`;
 * its chain goes on there. A line that went into a deleted file is written again. Copying and
 * truncating, as logrotate's `copytruncate` does, loses lines and is not supported.
 *
 * @param path - The file, made when missing; relative to the working directory of now.
 * @throws TypeError when the path or an option is wrong.
 */
export function fileSink(path: string, options: FileSinkOptions = {}): Sink & Disposable {
  if (typeof path !== "string" || path === "") throw new TypeError("fileSink: path is missing");
  requireFileSinkOptions(options);
  const absolute = resolve(path);
  const { maxBytes = Infinity, keep } = options;
  const rotates = maxBytes !== Infinity;
  let file: AuditFile | undefined;
  let lookedMs = 0;
  let warned = false;
  const pending: AuditFact[] = [];

  /** Opens what the name stands for now. The old file stays until that has worked. */
  const moveOn = (from: AuditFile, removes: boolean): AuditFile => {
    const to = openAuditFile(absolute, rotates);
    pending.push(rotated(absolute, from, removes ? keep : undefined));
    from.close();
    file = to;
    return to;
  };

  const follow = (from: AuditFile, line: string): AuditFile => {
    const nowMs = performance.now();
    if (rotates || nowMs - lookedMs >= LOOK_AGAIN_MS) {
      lookedMs = nowMs;
      if (!from.isNamed(absolute)) return moveOn(from, false);
    }
    if (!rotates || from.sizeBytes + Buffer.byteLength(line) + 1 <= maxBytes) return from;
    try {
      putAside(absolute, from.opened);
    } catch (error) {
      const code = String((error as NodeJS.ErrnoException).code);
      if (!warned)
        process.emitWarning(`the audit file ${absolute} cannot be rotated (${code}); it grows on`);
      warned = true;
      return from;
    }
    return moveOn(from, true);
  };

  const opened = (): AuditFile => {
    file = openAuditFile(absolute, rotates);
    lookedMs = performance.now();
    pending.push({ type: "audit.opened", pid: process.pid });
    return file;
  };

  return {
    open() {
      if (file === undefined) opened();
    },
    notices(line) {
      const repair = (torn: AuditFile): void => {
        const atByte = torn.endTornLine();
        if (atByte !== undefined) pending.push({ type: "audit.repaired", atByte });
      };
      let now = file;
      // In the file that holds the torn line, before it is left.
      if (now !== undefined) repair(now);
      if (now === undefined) now = opened();
      else if (pending.length === 0) now = follow(now, line);
      repair(now);
      return pending.splice(0);
    },
    write: takesLines((line, fact) => {
      if (file === undefined) throw new Error("the audit file is not open");
      if (!file.append(line) && !moveOn(file, false).append(line)) {
        throw new Error("the audit file is deleted as fast as it is made");
      }
      if (fact.type === "audit.rotated" && fact.removed !== undefined) {
        removeSegments(absolute, fact.removed.segments);
      }
    }),
    read: (filter): readonly AuditEvent[] => readNewest(absolute, filter),
    [Symbol.dispose]() {
      file?.close();
      file = undefined;
    },
  };
}

function rotated(path: string, from: AuditFile, keep: number | undefined): AuditFact {
  const deleted = from.isDeleted();
  const name = deleted ? undefined : nameNow(path, from.opened);
  const removed = keep === undefined ? undefined : segmentsToRemove(path, keep);
  return {
    type: "audit.rotated",
    from: name ?? basename(path),
    begun: begunAt(from.opened),
    ...(deleted ? { deleted } : {}),
    ...(removed === undefined ? {} : { removed }),
  };
}
