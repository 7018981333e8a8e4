import { closeSync, constants, fdatasync, fstatSync, openSync, readFileSync, write } from "node:fs";
import { promisify } from "node:util";
import { AgentKeyError, type Store } from "@agent-keys/core";
import type { Clock } from "@agent-keys/core/enforce";

type UseCounter = Store["uses"];
type Charges = Parameters<UseCounter["reserve"]>[0];

/** A counter that forgets with its process, and what it must not forget: of which keys it ever counted. */
export interface RememberingUses {
  readonly uses: UseCounter;
  /** By how much the clock is behind the last key that was counted, in milliseconds; 0 if it is not. */
  readonly behindMs: number;
  close(): Promise<void>;
}

/** Written down so far ahead that it is written once a second at most. */
const AHEAD_MS = 1_000;
const DIGITS = 16;

/**
 * A counter in memory goes by the clock to tell the keys from before its time. Where the clock was set back
 * between two processes, a key that the first counted would be from after the second began, and could be
 * used once more. So the latest moment that a counted key was minted at is kept in a file, written before
 * the count, and a later process refuses all keys from until then as `unknown`. After a crash that may be a
 * second more than was counted.
 *
 * @throws TypeError naming the file, when it is damaged, or others may write to it.
 */
export function rememberLatest(uses: UseCounter, path: string, now: Clock): RememberingUses {
  const fd = openSync(path, FLAGS, 0o600);
  let beforeMs: number;
  try {
    beforeMs = readMoment(fd, path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let latestMs = beforeMs;
  let writtenMs = beforeMs;
  let onDisk = Promise.resolve();

  const put = async (ms: number): Promise<void> => {
    const text = `${String(ms).padStart(DIGITS, "0")}\n`;
    await writeAt(fd, Buffer.from(text), 0, text.length, 0);
    await toDisk(fd);
  };
  /** Resolves when the disk has a moment that is no earlier. */
  const reach = async (ms: number): Promise<void> => {
    latestMs = Math.max(latestMs, ms);
    if (ms > writtenMs) {
      writtenMs = ms + AHEAD_MS;
      const untilMs = writtenMs;
      onDisk = onDisk.then(() => put(untilMs));
    }
    try {
      await onDisk;
    } catch (cause) {
      // Tried again with the next one.
      onDisk = Promise.resolve();
      writtenMs = beforeMs;
      throw new AgentKeyError("store_unavailable", { cause });
    }
  };
  const isForgotten = (charges: Charges): boolean =>
    charges.some((charge) => charge.kind === "uses" && charge.mintedAtMs <= beforeMs);

  return {
    uses: {
      async reserve(charges) {
        if (isForgotten(charges)) return "unknown";
        const minted = charges.flatMap((one) => (one.kind === "uses" ? [one.mintedAtMs] : []));
        if (minted.length > 0) await reach(Math.ceil(Math.max(...minted)));
        return uses.reserve(charges);
      },
      peek: async (charges) => (isForgotten(charges) ? "unknown" : uses.peek(charges)),
    },
    behindMs: Math.max(0, beforeMs - now()),
    async close() {
      // Nothing was counted beyond it.
      await onDisk.then(() => put(latestMs)).catch(() => undefined);
      closeSync(fd);
    },
  };
}

const writeAt = promisify(write);
const toDisk = promisify(fdatasync);

const FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

function readMoment(fd: number, path: string): number {
  const { mode } = fstatSync(fd);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new TypeError(`revocationsFile: ${path} is open to group or others; chmod 600 it first`);
  }
  const text = readFileSync(fd, "utf8");
  if (text === "") return 0;
  if (/^[0-9]{16}\n$/.test(text)) return Number(text);
  throw new TypeError(
    `revocationsFile: ${path} is damaged; without it, keys from before now could be used again`,
  );
}
