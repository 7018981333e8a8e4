import { closeSync, openSync, readFileSync, readSync } from "node:fs";

/** What something must not hold, by the name of its form. */
export type Needles = ReadonlyMap<string, Buffer>;

/** The forms of a secret. Its halves: one that was masked in part would still be told. */
export function formsOf(secret: string): Needles {
  const half = Math.ceil(secret.length / 2);
  const halves = [secret.slice(0, half), secret.slice(half)];
  const forms = new Map<string, Buffer>();
  for (const [index, text] of halves.entries()) {
    forms.set(`half ${index}`, Buffer.from(text));
    forms.set(`half ${index}, UTF-16`, Buffer.from(text, "utf16le"));
    forms.set(`half ${index}, hex`, Buffer.from(Buffer.from(text).toString("hex")));
  }
  for (const before of [0, 1, 2]) {
    const text = Buffer.from("x".repeat(before) + secret).toString("base64");
    // Without what it shares with its neighbours.
    forms.set(`base64 after ${before}`, Buffer.from(text.slice(4, -8)));
  }
  return forms;
}

/** Which of them a text holds. */
export function foundInText(text: string, needles: Needles): readonly string[] {
  const bytes = Buffer.from(text);
  return [...needles].filter(([, needle]) => bytes.includes(needle)).map(([name]) => name);
}

const PIECE_BYTES = 1 << 22;

/** Which of them a file holds. */
export function foundInFile(path: string, needles: Needles): readonly string[] {
  const fd = openSync(path, "r");
  try {
    return [...searchRange(fd, { from: 0, to: Infinity }, needles)];
  } finally {
    closeSync(fd);
  }
}

/**
 * Which of them another process holds in memory that it has written to: buffers too, which a heap
 * snapshot says nothing of. It is stopped meanwhile.
 */
export function foundInMemory(pid: number, needles: Needles): readonly string[] {
  const found = new Set<string>();
  process.kill(pid, "SIGSTOP");
  const fd = openSync(`/proc/${pid}/mem`, "r");
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const [, from = "", to = ""] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === "") continue;
      const range = { from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) };
      for (const name of searchRange(fd, range, needles)) found.add(name);
    }
  } finally {
    closeSync(fd);
    process.kill(pid, "SIGCONT");
  }
  return [...found];
}

function searchRange(
  fd: number,
  { from, to }: { readonly from: number; readonly to: number },
  needles: Needles,
): ReadonlySet<string> {
  const found = new Set<string>();
  const longest = Math.max(...[...needles.values()].map(({ length }) => length));
  const buffer = Buffer.alloc(PIECE_BYTES + longest);
  let kept = 0;
  for (let at = from; at < to;) {
    const wanted = Math.min(PIECE_BYTES, to - at);
    const length = readAt(fd, { buffer, offset: kept, length: wanted, position: at });
    if (length === 0) return found;
    const piece = buffer.subarray(0, kept + length);
    for (const [name, needle] of needles) if (piece.includes(needle)) found.add(name);
    // What may be the beginning of one is looked at again with what follows.
    kept = Math.min(longest, piece.length);
    piece.copy(buffer, 0, piece.length - kept);
    at += length;
  }
  return found;
}

/** 0 at the end, and for memory that cannot be read, such as a device's. */
function readAt(
  fd: number,
  {
    buffer,
    offset,
    length,
    position,
  }: {
    readonly buffer: Buffer;
    readonly offset: number;
    readonly length: number;
    readonly position: number;
  },
): number {
  try {
    return readSync(fd, buffer, offset, length, position);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EIO") return 0;
    throw error;
  }
}
