import { accessSync, constants, type Stats, statSync } from "node:fs";
import { ConsoleError } from "./console-error.ts";

/** Where `withAgentKey` writes when nothing was set up, and the README's agents do. */
export const AGENT_FILE = "agent-keys.audit.jsonl";
/** Where the broker of `init`'s configuration writes. */
export const BROKER_FILE = "agent-keys.broker.audit.jsonl";

/** One file at least. */
export type Files = readonly [string, ...string[]];

/**
 * The files to read: those that were named, each once; else the agent's record and the broker's, as far
 * as they are here.
 */
export function filesToRead(named: readonly string[]): Files {
  const [first, ...rest] = new Set(named);
  if (first !== undefined) return [first, ...rest];
  const [one = AGENT_FILE, ...more] = DEFAULT_FILES.filter((path) => statOf(path) !== undefined);
  return [one, ...more];
}

/**
 * The one record that a command is about.
 *
 * @throws ConsoleError where it could be either of two, or is no file.
 */
export function oneFile(named: string | undefined): string {
  const [file, other] = filesToRead(named === undefined ? [] : [named]);
  if (other !== undefined) {
    throw new ConsoleError(`${file} and ${other} are here`, "--file names the one that is meant");
  }
  requireFile(file);
  return file;
}

/** Where a record is when nothing is said of it. */
export const DEFAULT_FILES: Files = [AGENT_FILE, BROKER_FILE];

/** Files as a message names them. */
export function filesText(files: Files): string {
  return files.join(" and ");
}

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
    const hint =
      path === AGENT_FILE
        ? `nor ${BROKER_FILE}; --file names the audit file to read`
        : "--file names the audit file to read";
    throw new ConsoleError(`${path} does not exist`, hint);
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
