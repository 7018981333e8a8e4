import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import type { Revocation } from "@agent-keys/core";
import { revocationId } from "../names.ts";

/** What a process did or learned: one JSON object a line, appended and never changed. */
export type JournalLine =
  /** Revoked here, and not yet in Redis. */
  | { readonly act: "revoke"; readonly revocation: Revocation }
  /** It stands in Redis, or does not any more. */
  | { readonly act: "stands" | "lifted"; readonly revocation: Revocation }
  /** All lines before are what stood in this epoch. */
  | { readonly act: "epoch"; readonly epoch: string };

/** What stood when the journal was last written. */
export interface Remembered {
  readonly epoch: string;
  readonly stands: ReadonlyMap<string, Revocation>;
  /** What Redis was not yet told: nothing that was restored, for that is never done later. */
  readonly owed: ReadonlyMap<string, Owed & { readonly act: "revoke" }>;
}

/** An act that Redis is still to be told. */
export interface Owed {
  readonly act: "revoke" | "restore";
  readonly revocation: Revocation;
}

/** Where revocations outlive the process, and a Redis that forgot them. */
export interface Journal {
  readonly remembered: Remembered;
  /** @throws Error when it could not be written. */
  append(lines: readonly JournalLine[]): void;
  close(): void;
}

const FLAGS =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
/** Ends a line that was torn, so that the next reader does not take it for damage. */
const TORN = "#torn";

/**
 * Opens it, 0600. A last line that was torn was never relied on; any other that cannot be read is an
 * error, for it may be a revocation.
 *
 * @throws TypeError naming the file, and the line.
 */
export function openJournal(path: string): Journal {
  const fd = openSync(path, FLAGS, 0o600);
  try {
    const { mode } = fstatSync(fd);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new TypeError(
        `redisStore: journal: ${path} is open to group or others; chmod 600 it first`,
      );
    }
    const text = readFileSync(fd, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    const remembered = replay(whole, path);
    if (text.length > whole.length) writeSync(fd, `${TORN}\n`);
    let torn = false;
    return {
      remembered,
      append(lines) {
        if (lines.length === 0) return;
        const written = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
        const bytes = Buffer.from(torn ? `${TORN}\n${written}` : written);
        torn = true;
        if (writeSync(fd, bytes) !== bytes.length) throw new Error("a line was not written whole");
        torn = false;
        fdatasyncSync(fd);
      },
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function replay(text: string, path: string): Remembered {
  let epoch = "";
  const stands = new Map<string, Revocation>();
  const owed = new Map<string, Owed & { readonly act: "revoke" }>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "" || line.endsWith(TORN)) continue;
    const known = parse(line, `${path}:${index + 1}`);
    if (known.act === "epoch") {
      epoch = known.epoch;
      continue;
    }
    const { act, revocation } = known;
    // Of an earlier version, for Redis to be told. What Redis took of it is on a line of its own.
    if (act === "restore") continue;
    const name = revocationId(revocation.selector, revocation.iss);
    if (act === "revoke") owed.set(name, { act, revocation });
    else owed.delete(name);
    if (act === "lifted") stands.delete(name);
    else stands.set(name, revocation);
  }
  return { epoch, stands, owed };
}

const ACTS: ReadonlySet<unknown> = new Set(["revoke", "restore", "stands", "lifted"]);

function parse(
  line: string,
  place: string,
): JournalLine | { readonly act: "restore"; readonly revocation: Revocation } {
  try {
    const value = JSON.parse(line) as ReturnType<typeof parse>;
    if (value.act === "epoch" && typeof value.epoch === "string") return value;
    if (value.act !== "epoch" && ACTS.has(value.act) && isRevocation(value.revocation))
      return value;
  } catch {
    // Said below.
  }
  throw new TypeError(
    `redisStore: journal: ${place} is damaged; repair it, or some key may live again`,
  );
}

/** Whether it has the shape of one: what is in a file, or in Redis, somebody else may have written. */
export function isRevocation(value: unknown): value is Revocation {
  const { selector, iss, atMs } = Object(value) as Partial<Record<keyof Revocation, unknown>>;
  const named = typeof selector === "object" && selector !== null;
  return named && (iss === undefined || typeof iss === "string") && typeof atMs === "number";
}
