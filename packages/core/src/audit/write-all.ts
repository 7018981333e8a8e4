import { fs, hasFileSystem } from "../file-system.ts";

const STDERR = 2;
const FULL_PIPE_MS = 1_000;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * Hands a text to the operating system, whole. A full pipe is waited for up to a second, since
 * whoever reads it may only be slow.
 *
 * @param progress - Told the bytes of each partial write, so that a torn line can be known.
 * @throws the system's error when not everything was accepted.
 */
export function writeAll(
  fd: number,
  text: string | Buffer,
  progress?: (bytes: number) => void,
): void {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  const deadline = performance.now() + FULL_PIPE_MS;
  let written = 0;
  while (written < bytes.length) {
    try {
      written += fs().writeSync(fd, bytes, written);
      progress?.(written);
    } catch (error) {
      const busy = (error as NodeJS.ErrnoException).code === "EAGAIN";
      if (!busy || performance.now() > deadline) throw error;
      Atomics.wait(sleeper, 0, 0, 2);
    }
  }
}

/**
 * Writes lines to a stream that cannot be read back. When one is torn, the next begins on a line of
 * its own, so that no reader takes the two for one. Where there is no file system there are no file
 * descriptors either: then the console stands for stdout and stderr.
 */
export function lineWriter(fd: number): (line: string) => void {
  let torn = false;
  return (line) => {
    if (!hasFileSystem()) {
      const { log, error } = console;
      return fd === STDERR ? error(line) : log(line);
    }
    const text = torn ? `\n${line}\n` : `${line}\n`;
    const bytes = Buffer.byteLength(text);
    writeAll(fd, text, (written) => {
      torn = written < bytes;
    });
  };
}
