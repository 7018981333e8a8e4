import { writeSync } from "node:fs";

/** Where a command writes, and what it may know of its surroundings. */
export interface Terminal {
  /**
   * Writes to stdout: what was asked for, and nothing else.
   *
   * @throws the system's error; `EPIPE` when whoever read it has gone.
   */
  out(text: string): void;
  /** Writes to stderr: everything else. Never throws. */
  err(text: string): void;
  /** How wide a line may be; `Infinity` when nobody looks at it. May change as a window does. */
  readonly columns: number;
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean;
  /** Only `NO_COLOR`, `FORCE_COLOR` and `TERM` are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Ends what would go on for ever. */
  readonly signal?: AbortSignal | undefined;
}

const STDOUT = 1;
const STDERR = 2;

/** The terminal, pipe or file that this process writes to. */
export function processTerminal(): Terminal {
  const { env, stdout } = process;
  return {
    // Synchronous, so that nothing is lost when the process ends, and a closed pipe is known at once.
    out: (text) => writeWhole(STDOUT, text),
    err(text) {
      try {
        writeWhole(STDERR, text);
      } catch {
        // Nobody is left to be told.
      }
    },
    get columns() {
      if (stdout.isTTY) return stdout.columns > 0 ? stdout.columns : 80;
      const asked = Number(env["COLUMNS"]);
      return Number.isInteger(asked) && asked > 0 ? asked : Infinity;
    },
    isTerminal: stdout.isTTY,
    env,
    now: Date.now,
  };
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** A pager may take as long as it likes to make room in a pipe. */
function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(sleeper, 0, 0, 5);
    }
  }
}
