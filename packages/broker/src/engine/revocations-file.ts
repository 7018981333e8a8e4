import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import type { Revocation, Store } from "@agent-keys/core";
import type { Clock } from "@agent-keys/core/enforce";
import { replaceFile, stillNeeded, type WrittenAct } from "./compact-revocations.ts";

/** What an issuer revoked or restored, as a line. */
interface RevocationAct {
  readonly act: "revoke" | "restore";
  readonly revocation: Revocation & { readonly iss: string };
  readonly notice: SeenNotice;
}

/** The notice that it came in: taken once, also by the next broker. `exp` in seconds since the epoch. */
interface SeenNotice {
  readonly jti: string;
  readonly exp: number;
}

/** Where revocations outlive the broker: one JSON object a line, appended, until the next one starts. */
export interface RevocationsFile {
  /**
   * Writes all acts of a notice down, and resolves when they are on the disk: once for all of them.
   *
   * @throws Error (as a rejection) when they could not be written.
   */
  append(acts: readonly RevocationAct[]): Promise<void>;
  /** The notices that earlier brokers wrote down, oldest first. */
  readonly seen: readonly (SeenNotice & { readonly iss: string })[];
  /** Once what was written is on the disk. */
  close(): Promise<void>;
}

/**
 * Opens the file, 0600, and repeats in the store what stands there. When most of it is over and done with,
 * a shorter one takes its place. A last line that was torn was never
 * acknowledged; any other that cannot be read stops the broker, for it may be a revocation.
 *
 * @throws TypeError naming the file, and the line.
 */
export function openRevocationsFile(
  path: string,
  store: Store,
  now: Clock = Date.now,
): RevocationsFile {
  let fd = openSync(path, FLAGS, 0o600);
  const seen: (SeenNotice & { readonly iss: string })[] = [];
  try {
    const { mode } = fstatSync(fd);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new TypeError(
        `revocationsFile: ${path} is open to group or others; chmod 600 it first`,
      );
    }
    const acts: WrittenAct[] = [];
    const text = readFileSync(fd, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    for (const [index, line] of whole.split("\n").entries()) {
      // An empty one ends a line that was torn.
      if (line === "" || line.endsWith(TORN)) continue;
      const { act, notice, ...revocation } = parse(line, `${path}:${index + 1}`);
      repeat(act, revocation, store.keys);
      seen.push({ iss: revocation.iss, ...notice });
      acts.push({ act, revocation, exp: notice.exp, line });
    }
    const shorter = stillNeeded(acts, now())
      .map((line) => `${line}\n`)
      .join("");
    if (isWorthIt(text, shorter) && replaceFile(path, text, shorter)) {
      closeSync(fd);
      fd = openSync(path, FLAGS, 0o600);
    } else if (text.length > whole.length) {
      writeSync(fd, END_TORN);
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let torn = false;
  const pending = new Set<Promise<void>>();
  return {
    async append(acts) {
      if (acts.length === 0) return;
      const lines = acts.map(
        ({ act, revocation, notice }) => `${JSON.stringify({ act, ...revocation, notice })}\n`,
      );
      const bytes = Buffer.from(`${torn ? END_TORN : ""}${lines.join("")}`);
      // Nobody would read it again.
      if (fstatSync(fd).nlink === 0) throw new Error("the file is gone, or another broker's");
      torn = true;
      if (writeSync(fd, bytes) !== bytes.length) throw new Error("revocations not written whole");
      torn = false;
      // Not the synchronous one: a slow disk would hold up everybody's requests.
      const syncing = toDisk(fd);
      pending.add(syncing);
      try {
        await syncing;
      } finally {
        pending.delete(syncing);
      }
    },
    seen,
    async close() {
      await Promise.allSettled(pending);
      closeSync(fd);
    },
  };
}

/** It stands here at once. That a shared store cannot be told now is for the store to make good. */
function repeat(act: string, revocation: Revocation, keys: Store["keys"]): void {
  const told =
    act === "revoke" ? keys.revoke(revocation) : keys.restore(revocation.selector, revocation.iss);
  if (told instanceof Promise) told.catch(() => undefined);
}

/** Of a short file, what it once held tells more than it takes. */
const LONG = 64 * 1024;

function isWorthIt(text: string, shorter: string): boolean {
  return text.length > LONG && shorter.length * 2 < text.length;
}

const toDisk = promisify(fdatasync);

const FLAGS =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/** Marks the end of a line that was torn, so that the next reader does not take it for damage. */
const TORN = "#torn";
const END_TORN = `${TORN}\n`;

type Line = Revocation & {
  readonly iss: string;
  readonly act: string;
  readonly notice: SeenNotice;
};

function parse(line: string, place: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const { act, iss, selector, atMs, notice } = Object(value) as Record<string, unknown>;
  const { jti, exp } = Object(notice) as Record<string, unknown>;
  const known = act === "revoke" || act === "restore";
  const valid = typeof iss === "string" && typeof selector === "object" && selector !== null;
  const dated = typeof atMs === "number" && typeof jti === "string" && typeof exp === "number";
  if (known && valid && dated) return value as Line;
  throw new TypeError(
    `revocationsFile: ${place} is damaged; repair it, or some key may live again`,
  );
}
