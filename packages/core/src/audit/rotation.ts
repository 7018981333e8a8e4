import type { Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fs } from "../file-system.ts";
import type { RemovedSegments } from "./event.ts";
import { begunAt, nextSegment, segmentsOf } from "./segments.ts";

/** How large an audit file grows, and how many are kept. */
export interface FileSinkOptions {
  /**
   * Bytes, at least 4,096. A file that the next line would push over it is put aside as
   * `<path>.<UTC time>-<chance>`, a name that sorts by age, and a new one is begun. When several
   * processes share the file, it may grow over this by a line of each. Default: never.
   */
  readonly maxBytes?: number | undefined;
  /**
   * How many files that were put aside are kept, at least 1; older ones are deleted when the next
   * one is. Needs `maxBytes`. Default: all.
   */
  readonly keep?: number | undefined;
}

const LEAST_BYTES = 4_096;
/** An event that names more would be a very long line. The next rotation removes the rest. */
const REMOVED_AT_ONCE = 100;

/** @throws TypeError naming the option that is wrong. */
export function requireFileSinkOptions(options: FileSinkOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("fileSink: options must be an object, such as { maxBytes: 100_000_000 }");
  }
  const unknown = Object.keys(options).find((name) => name !== "maxBytes" && name !== "keep");
  if (unknown !== undefined) throw new TypeError(`fileSink: there is no option ${unknown}`);
  const { maxBytes, keep } = options;
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= LEAST_BYTES)) {
    throw new TypeError(`fileSink: maxBytes must be a whole number, ${LEAST_BYTES} or more`);
  }
  if (keep === undefined) return;
  if (!(Number.isSafeInteger(keep) && keep >= 1)) {
    throw new TypeError("fileSink: keep must be a whole number, 1 or more");
  }
  if (maxBytes === undefined) throw new TypeError("fileSink: keep needs maxBytes");
}

/**
 * Puts a full file aside. Renaming is the one step that cannot lose anything, whoever else does the
 * same: at worst two writers put aside one file each, of which the second is short.
 *
 * @throws the system's error when the name still stands for the full file.
 */
export function putAside(path: string, full: Stats): void {
  const named = fs().lstatSync(path, { throwIfNoEntry: false });
  if (named?.ino !== full.ino || named.dev !== full.dev) return;
  try {
    fs().renameSync(path, nextSegment(path, segmentsOf(path), Date.now()));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** The segments beyond the newest `keep`, if there are any. */
export function segmentsToRemove(path: string, keep: number): RemovedSegments | undefined {
  const segments = segmentsOf(path);
  const oldest = segments.slice(0, Math.max(0, segments.length - keep)).slice(0, REMOVED_AT_ONCE);
  const begun = oldest
    .map((segment) => fs().lstatSync(segment, { throwIfNoEntry: false }))
    .flatMap((stats) => (stats === undefined ? [] : begunAt(stats)));
  const begunUntil = begun.toSorted().at(-1);
  if (begunUntil === undefined) return undefined;
  return { segments: oldest.map((segment) => basename(segment)), begunUntil };
}

/** Deletes what an event on record says is deleted; another writer may have been faster. */
export function removeSegments(path: string, segments: readonly string[]): void {
  for (const segment of segments) {
    try {
      fs().unlinkSync(join(dirname(path), segment));
    } catch (error) {
      const code = String((error as NodeJS.ErrnoException).code);
      if (code === "ENOENT") continue;
      process.emitWarning(`the audit segment ${segment} cannot be removed (${code})`);
    }
  }
}
