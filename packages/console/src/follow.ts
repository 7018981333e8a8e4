import { setTimeout as wait } from "node:timers/promises";
import { statOf } from "./audit-file.ts";
import { type OpenTail, openTail } from "./open-tail.ts";

/** How a file is followed. */
export interface FollowOptions {
  /** What is being followed already. */
  readonly tail?: OpenTail | undefined;
  /** Whether a file that is not there yet is worth no word. Default `false`. */
  readonly isOptional?: boolean | undefined;
  /** Told what happens to the file itself. */
  readonly notice: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** How often to look. Default 200 ms: watching does not work on every file system. */
  readonly pollMs?: number | undefined;
}

/**
 * A writer keeps the file it opened, whatever its name is now. So a file that was renamed away is
 * still read for as long as this many newer ones have not come.
 */
const OLDER_FILES = 2;

/**
 * The lines that are added to a file, until the signal. A file that is not there is waited for; one
 * that was cut off is read from its start again; one that was replaced is read on beside the new.
 */
export async function* followLines(
  path: string,
  { tail, isOptional = false, notice, signal, pollMs = 200 }: FollowOptions,
): AsyncGenerator<readonly string[], void, undefined> {
  const tails: OpenTail[] = tail === undefined ? [] : [tail];
  let missing = false;

  /** Opens what the name stands for now, if that is another file than before. */
  const look = (): void => {
    const stats = statOf(path);
    if (stats === undefined) {
      const isNews = tails.length > 0 || !isOptional;
      if (!missing && isNews) notice(`waiting for ${path}`);
      missing = true;
      return;
    }
    missing = false;
    if (!stats.isFile() || tails.at(-1)?.isSameFile(stats) === true) return;
    if (tails.length > 0) notice(`${path} was replaced; following the new file too`);
    const opened = openIfThere(path);
    if (opened !== undefined) tails.push(opened);
    if (tails.length > 1 + OLDER_FILES) tails.shift()?.[Symbol.dispose]();
  };

  try {
    for (;;) {
      look();
      for (const open of tails) {
        for (let lines = open.read(); lines.length > 0; lines = open.read()) {
          if (open.wasTruncated()) notice(`${path} was cut off; following it from its start`);
          yield lines;
        }
        if (open.wasTruncated()) notice(`${path} was cut off; following it from its start`);
      }
      await wait(pollMs, undefined, { signal }).catch(ignoreAbort);
      if (signal?.aborted === true) return;
    }
  } finally {
    for (const open of tails) open[Symbol.dispose]();
  }
}

/** Between looking and opening, a file may go. */
function openIfThere(path: string): OpenTail | undefined {
  try {
    return openTail(path, "start");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function ignoreAbort(error: unknown): void {
  if ((error as Error | undefined)?.name !== "AbortError") throw error;
}
