import { closeSync, fstatSync, openSync } from "node:fs";
import { segmentsOf } from "@agent-keys/core/audit";
import { leavesOf } from "./leaves.ts";

/** One file of a record, open for reading. */
export interface RecordFile extends Disposable {
  readonly path: string;
  readonly fd: number;
  /**
   * What it is known by, whatever its name is now: the hash of its first line, which no other file
   * begins with.
   */
  readonly id: string;
  /** Its size when it was opened. */
  readonly sizeBytes: number;
  /** When it was begun, ISO 8601. */
  readonly begun: string;
}

/** The files of a record that are open, the oldest first. */
export interface RecordFiles extends Disposable {
  readonly files: readonly RecordFile[];
}

/**
 * Opens the full segments of a record and its file. What has no whole line yet is left out.
 *
 * @throws the system's error, but not for what is gone.
 */
export function openRecord(path: string): RecordFiles {
  const opened: RecordFile[] = [];
  // Before the segments are listed: a file that is put aside meanwhile is then among them too,
  // and stands where it belongs, before the new file that has its name.
  const current = openFile(path);
  for (const segment of segmentsOf(path)) {
    const file = openFile(segment);
    if (file !== undefined) opened.push(file);
  }
  if (current !== undefined) {
    if (opened.some(({ fd }) => isSame(fd, current.fd))) current[Symbol.dispose]();
    else opened.push(current);
  }
  return {
    files: opened,
    [Symbol.dispose]: () => opened.forEach((file) => file[Symbol.dispose]()),
  };
}

function openFile(path: string): RecordFile | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const { size, birthtimeMs } = fstatSync(fd);
  const id = firstOf(fd, size);
  if (id === undefined) {
    closeSync(fd);
    return undefined;
  }
  return {
    path,
    fd,
    id,
    sizeBytes: size,
    begun: new Date(birthtimeMs).toISOString(),
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function firstOf(fd: number, sizeBytes: number): string | undefined {
  // Most lines end soon; only for one that does not is more read.
  for (const end of [Math.min(sizeBytes, 4_096), sizeBytes]) {
    for (const { hash } of leavesOf(fd, 0, end)) return hash.toString("base64");
  }
  return undefined;
}

function isSame(one: number, other: number): boolean {
  const [a, b] = [fstatSync(one), fstatSync(other)];
  return a.ino === b.ino && a.dev === b.dev;
}
