import { constants, type Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { AgentKeyError, type SecretSource } from "@agent-keys/core";
import { secretValue } from "./secret-value.ts";
import { kindOf, unavailable } from "./unavailable.ts";

/** The largest file that is read. Credentials are short; this one is a mistake, or an attack. */
const MAX_BYTES = 64 * 1024;

/**
 * A credential in a file of its own, read anew each time: UTF-8, at most 64 KiB, without the line break
 * at its end. Only this user may own it, and nobody else may read it: mode 0600 or stricter. A symbolic
 * link is refused, and so is a file in a directory where everybody may replace it (writable by others, no
 * sticky bit). Anything else than that is `secret_unavailable`, with the reason in its `cause`. On
 * Windows, which has no such modes, owner and mode are not looked at.
 *
 * @param path - A relative path is taken from the directory that the process is in now.
 * @throws TypeError when there is no path.
 *
 * @example
 * ```ts
 * import { file } from "@agent-keys/secrets";
 *
 * const secrets = { github: file("/run/secrets/github") };
 * ```
 */
export function file(path: string): SecretSource {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw new TypeError("file: must be the path of a file");
  }
  const name = `file:${path}`;
  const absolute = resolve(path);
  return Object.freeze({
    name,
    async read({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
      signal?.throwIfAborted();
      const bytes = await readPrivate(absolute, name);
      const text = textOf(bytes, name);
      bytes.fill(0);
      signal?.throwIfAborted();
      return secretValue(name, text);
    },
    async readableBy() {
      // Others were refused when it was read.
      const { mode, uid } = await stat(absolute);
      return `user ${uid} alone (mode ${(mode & 0o777).toString(8).padStart(4, "0")})`;
    },
  });
}

// Without O_NONBLOCK, opening a named pipe that nobody writes to would hang for ever.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

async function readPrivate(path: string, name: string): Promise<Uint8Array> {
  await requireOwnPlace(dirname(path), name);
  const handle = await open(path, FLAGS).catch((error: unknown) => {
    throw unavailable(name, whyNotOpened(error));
  });
  try {
    // Of the descriptor that is read, so that what was checked cannot be swapped for something else.
    requirePrivate(await handle.stat(), name);
    return await readWhole(handle, name);
  } catch (error) {
    if (error instanceof AgentKeyError) throw error;
    throw unavailable(name, `the file cannot be read (${kindOf(error)})`);
  } finally {
    await handle.close();
  }
}

/**
 * Where everybody may rename and replace files, anybody chooses which of this user's files is read here,
 * and so which credential is sent. The sticky bit, as on `/tmp`, keeps them from it.
 */
async function requireOwnPlace(directory: string, name: string): Promise<void> {
  if (process.geteuid === undefined) return;
  // What is wrong with a directory that is not there is said of the file.
  const stats = await stat(directory).catch(() => undefined);
  if (stats === undefined || (stats.mode & WRITABLE_BY_OTHERS) === 0) return;
  if ((stats.mode & STICKY) !== 0) return;
  throw unavailable(name, "everybody may replace files in its directory; chmod o-w that first");
}

const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;

function whyNotOpened(error: unknown): string {
  const code = kindOf(error);
  if (code === "ENOENT") return "there is no such file";
  // ELOOP is O_NOFOLLOW's answer; EMLINK is what FreeBSD says instead.
  if (code === "ELOOP" || code === "EMLINK") return "is a symbolic link; name the file itself";
  return `the file cannot be opened (${code})`;
}

function requirePrivate(stats: Stats, name: string): void {
  if (!stats.isFile()) throw unavailable(name, "is not a file");
  if (stats.size > MAX_BYTES) throw tooLarge(name);
  const user = process.geteuid?.();
  if (user === undefined) return;
  if (stats.uid !== user) throw unavailable(name, "the file belongs to another user");
  if ((stats.mode & 0o077) !== 0) {
    throw unavailable(name, "the file is open to group or others; chmod 600 it first");
  }
}

/** A file may grow while it is read, so its size alone bounds nothing. */
async function readWhole(handle: FileHandle, name: string): Promise<Uint8Array> {
  const buffer = new Uint8Array(MAX_BYTES + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
    if (length > MAX_BYTES) throw tooLarge(name);
  }
}

function textOf(bytes: Uint8Array, name: string): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw unavailable(name, "the file is not UTF-8 text");
  }
  // A file in UTF-16 is valid UTF-8, and no credential has a NUL.
  if (text.includes("\0")) throw unavailable(name, "the file is not UTF-8 text");
  const value = text.replace(/\r?\n$/, "");
  if (value.trim() === "") throw unavailable(name, "the file is empty");
  return value;
}

function tooLarge(name: string): Error {
  return unavailable(name, `the file is larger than ${MAX_BYTES} bytes`);
}
