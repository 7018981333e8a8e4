import { closeSync, openSync } from "node:fs";

/**
 * Makes a file for its owner alone, where there is none. One that is there is not opened: closing it
 * would drop every lock that this process holds on it, SQLite's too (POSIX `fcntl`).
 */
export function makeFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
