import { accessSync, constants, type Stats, statSync } from "node:fs";
import { ConsoleError } from "./console-error.ts";

/**
 * Makes sure that a file can be read from its end.
 *
 * @throws ConsoleError that says why not.
 */
export function requireFile(path: string): void {
  if (!requireReadable(path).isFile()) {
    throw new ConsoleError(`${path} is not a regular file`, FILE_HINT);
  }
}

/**
 * Makes sure that something can be read from its start: a file, or a pipe.
 *
 * @throws ConsoleError that says why not.
 */
export function requireReadable(path: string): Stats {
  const stats = statOf(path);
  if (stats === undefined) {
    throw new ConsoleError(`${path} does not exist`, "--file names the audit file to read");
  }
  if (stats.isDirectory()) throw new ConsoleError(`${path} is a directory`, FILE_HINT);
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw unreadable(path, error);
  }
  return stats;
}

/** What is known of a file, or `undefined` when it is not there. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, error);
  }
}

const FILE_HINT = "an audit file is what fileSink(path) writes";

function unreadable(path: string, error: unknown): ConsoleError {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown";
  const hint = code === "EACCES" ? "audit files are for their owner only, mode 0600" : FILE_HINT;
  return new ConsoleError(`${path} cannot be read (${code})`, hint);
}
