/** The longest line a reader takes whole, in bytes. Of a longer one only the end is kept. */
export const MAX_LINE_BYTES: number = 1024 * 1024;

const NEWLINE = 0x0a;

/** One line of a file, as its raw bytes. */
export interface RawLine {
  /** Without the newline; of an overlong line the last {@link MAX_LINE_BYTES}. */
  readonly bytes: Buffer;
  /** Where `bytes` begin in the file. */
  readonly byte: number;
  /** How many bytes at the line's front were passed over because it is too long. */
  readonly cutBytes: number;
  /** Whether a newline ends it. */
  readonly ended: boolean;
}

/** Cuts a stream of bytes into lines, in bounded memory. */
export interface LineSplitter {
  /** Takes the next bytes and gives the lines that they end. Empty lines are given too. */
  push(chunk: Uint8Array): RawLine[];
  /** What came after the last newline, if anything. The splitter starts afresh behind it. */
  rest(): RawLine | undefined;
  /** Where the next byte stands in the file. */
  readonly position: number;
}

/**
 * A splitter for a file that is read from the start to the end.
 *
 * @param startByte - Where in the file the first chunk begins. Default 0.
 */
export function lineSplitter(startByte = 0): LineSplitter {
  let position = startByte;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let cutBytes = 0;

  const hold = (part: Buffer): void => {
    held.push(part);
    heldBytes += part.length;
    // Trimmed at twice the size, so that a line of any length is copied a bounded number of times.
    if (heldBytes > 2 * MAX_LINE_BYTES) trim();
  };
  const trim = (): void => {
    const all = Buffer.concat(held);
    const excess = Math.max(0, all.length - MAX_LINE_BYTES);
    cutBytes += excess;
    held = [Buffer.from(all.subarray(excess))];
    heldBytes = all.length - excess;
  };
  const take = (ended: boolean): RawLine => {
    if (heldBytes > MAX_LINE_BYTES) trim();
    const [only] = held;
    const bytes = held.length === 1 && only !== undefined ? only : Buffer.concat(held);
    const line = { bytes, byte: position - bytes.length - (ended ? 1 : 0), cutBytes, ended };
    held = [];
    heldBytes = 0;
    cutBytes = 0;
    return line;
  };

  return {
    push(chunk) {
      const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const lines: RawLine[] = [];
      let from = 0;
      for (let at = buffer.indexOf(NEWLINE); at >= 0; at = buffer.indexOf(NEWLINE, from)) {
        hold(buffer.subarray(from, at));
        position += at + 1 - from;
        from = at + 1;
        lines.push(take(true));
      }
      if (from < buffer.length) {
        // Copied, because whoever reads may fill the same buffer again.
        hold(Buffer.from(buffer.subarray(from)));
        position += buffer.length - from;
      }
      return lines;
    },
    rest: () => (heldBytes === 0 ? undefined : take(false)),
    get position() {
      return position;
    },
  };
}

/** The lines of a file that comes in chunks. */
export function* splitLines(chunks: Iterable<Uint8Array>): Generator<RawLine, void, undefined> {
  const splitter = lineSplitter();
  for (const chunk of chunks) yield* splitter.push(chunk);
  const rest = splitter.rest();
  if (rest !== undefined) yield rest;
}
