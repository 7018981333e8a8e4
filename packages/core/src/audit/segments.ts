import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fs } from "../file-system.ts";

/** What follows a file's name in the name of a full segment: when it was put aside, and chance. */
const SUFFIX = /^\.\d{8}T\d{9}Z-[0-9a-f]{8}$/;
const TIME_CHARACTERS = ".20260101T000000000Z".length;

/**
 * The full segments that `fileSink` put aside beside a file, the oldest first. Files that something
 * else renamed are not among them.
 */
export function segmentsOf(path: string): readonly string[] {
  const directory = dirname(path);
  const base = basename(path);
  return namesIn(directory)
    .filter((name) => name.startsWith(base) && SUFFIX.test(name.slice(base.length)))
    .toSorted()
    .map((name) => join(directory, name));
}

/**
 * A name for a full segment that nobody else chooses, since renaming to a name that is taken would
 * destroy what has it. Sorts behind the segments that are there, also when the clock was set back.
 */
export function nextSegment(path: string, segments: readonly string[], nowMs: number): string {
  const chance = randomBytes(4).toString("hex");
  const time = `.${new Date(nowMs).toISOString().replaceAll(/[-:.]/g, "")}`;
  const newest = segments.at(-1)?.slice(path.length, path.length + TIME_CHARACTERS) ?? "";
  if (time > newest) return `${path}${time}-${chance}`;
  return `${path}${newest}-${behind(segments, path, newest)}${chance.slice(4)}`;
}

/** Four digits that sort behind those of every segment of the same instant. */
function behind(segments: readonly string[], path: string, instant: string): string {
  const taken = segments
    .map((segment) => segment.slice(path.length))
    .filter((suffix) => suffix.startsWith(instant))
    .map((suffix) => Number.parseInt(suffix.slice(TIME_CHARACTERS + 1, TIME_CHARACTERS + 5), 16));
  return Math.min(Math.max(...taken) + 1, 0xffff)
    .toString(16)
    .padStart(4, "0");
}

/** When a file was begun, ISO 8601: of two segments, the earlier is the older. */
export function begunAt({ birthtimeMs }: Stats): string {
  return new Date(birthtimeMs).toISOString();
}

/** What a file is called now, looked for beside the name that it had. */
export function nameNow(path: string, { dev, ino }: Stats): string | undefined {
  const directory = dirname(path);
  const base = basename(path);
  return namesIn(directory).find((name) => {
    if (!name.startsWith(base)) return false;
    const stats = fs().lstatSync(join(directory, name), { throwIfNoEntry: false });
    return stats?.ino === ino && stats.dev === dev;
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return fs().readdirSync(directory);
  } catch {
    // Whoever may open files in it by name need not be allowed to list it.
    return [];
  }
}
