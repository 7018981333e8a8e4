import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Revocation } from "@agent-keys/core";
import { LEEWAY_SECONDS } from "@agent-keys/core/enforce";

/** An act as it stands in the file. */
export interface WrittenAct {
  readonly act: string;
  readonly revocation: Revocation;
  /** When its notice ends, in seconds since the epoch. */
  readonly exp: number;
  readonly line: string;
}

/** No key lives so long, whatever its issuer says. */
const LONGEST_LIFE_MS = 24 * 60 * 60_000;

/**
 * The lines that the next broker needs: revocations that stand, and whatever came in a notice that could
 * be sent again. Repeated in this order they come to the same.
 */
export function stillNeeded(acts: readonly WrittenAct[], nowMs: number): readonly string[] {
  const last = new Map<string, WrittenAct>();
  const alive = new Set<string>();
  for (const act of acts) {
    last.set(nameOf(act), act);
    if (isAlive(act, nowMs)) alive.add(nameOf(act));
  }
  const needed = acts.filter((act) => {
    const name = nameOf(act);
    if (isAlive(act, nowMs)) return true;
    // A restore too, where the revocation before it is kept for its notice.
    return last.get(name) === act && (alive.has(name) || stands(act, nowMs));
  });
  return needed.map(({ line }) => line);
}

function nameOf({ revocation: { iss, selector } }: WrittenAct): string {
  return JSON.stringify([iss, selector]);
}

function isAlive({ exp }: WrittenAct, nowMs: number): boolean {
  return (exp + LEEWAY_SECONDS) * 1000 > nowMs;
}

function stands({ act, revocation: { selector, atMs } }: WrittenAct, nowMs: number): boolean {
  if (act !== "revoke") return false;
  return !("id" in selector) || atMs + LONGEST_LIFE_MS > nowMs;
}

/**
 * Puts a new file, 0600, in the place of another, whole or not at all, also when the power fails. Says
 * whether it could: who cannot goes on with the old one.
 *
 * @param before - What the old one must still hold: another broker may have appended to it.
 */
export function replaceFile(path: string, before: string, text: string): boolean {
  const beside = `${path}.new`;
  try {
    // What is left of a broker that was ended meanwhile.
    rmSync(beside, { force: true });
    const fd = openSync(beside, NEW, 0o600);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (readFileSync(path, "utf8") !== before) return false;
    renameSync(beside, path);
  } catch {
    rmSync(beside, { force: true });
    return false;
  }
  syncDirectory(dirname(path));
  return true;
}

/** Until then a power failure brings the old file back, which says the same. */
function syncDirectory(path: string): void {
  try {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Where directories are not opened, as on Windows, they need no sync.
  }
}

const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
