import type { KeyObject } from "node:crypto";
import { fdatasyncSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { compactRange } from "../merkle/compact-range.ts";
import {
  readCheckpoint,
  readCheckpoints,
  signCheckpoint,
  type SignedCheckpoint,
} from "../note/checkpoint.ts";
import { isSignedBy, type NoteSigner, noteSigner } from "../note/note.ts";
import { type AppendFile, openAppendFile } from "./append-file.ts";
import { extentLine, type Extent, journalState, sealLine } from "./journal.ts";
import { leavesOf } from "./leaves.ts";
import { openRecord, type RecordFile } from "./record-files.ts";
import { checkpointsPath, journalPath } from "./side-files.ts";

/** Why a record is not checkpointed. What was signed already stands; the audit goes on. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** How a record is checkpointed. */
export interface CheckpointOptions {
  /** What signs: a private Ed25519 key, as PKCS #8 PEM or a key object. */
  readonly key: string | KeyObject;
  /**
   * The log's name in its checkpoints, like a URL without its scheme: `example.com/audit`. Default:
   * the one it had before, else `agent-keys/` and the beginning of its first line's hash.
   */
  readonly origin?: string | undefined;
}

/** Checkpoints one record again and again, and reads only what is new. */
export interface Checkpointer extends Disposable {
  /** See {@link checkpointFile}. */
  checkpoint(): Promise<SignedCheckpoint | undefined>;
}

/**
 * Signs a checkpoint over all whole lines of a record, its full segments too, and appends it to
 * `<path>.checkpoints`. Reads what is new since the last one, a slice at a time, so that the event loop turns.
 * `<path>.tree` keeps which line came where, in O(log n) hashes a checkpoint.
 *
 * Several processes may do so at once, with the same key and origin.
 *
 * @returns The newest checkpoint; the one there was when nothing is new; `undefined` for an empty record.
 * @throws CheckpointError when the record is not what was signed before, continued: nothing is signed then.
 * @throws TypeError for a key or an origin that is none, and the system's error.
 */
export async function checkpointFile(
  path: string,
  options: CheckpointOptions,
): Promise<SignedCheckpoint | undefined> {
  using checkpointer = openCheckpointer(path, options);
  return await checkpointer.checkpoint();
}

/** See {@link checkpointFile}; nothing is opened before the first `checkpoint()`. */
export function openCheckpointer(path: string, options: CheckpointOptions): Checkpointer {
  const record = resolve(path);
  // Wrong options are known at once; the name stands in for one that the record will give.
  noteSigner(options.origin ?? "agent-keys", options.key);
  let open: OpenCheckpointer | undefined;
  return {
    async checkpoint() {
      using files = openRecord(record);
      const [first] = files.files;
      if (first === undefined && open === undefined) return undefined;
      open ??= opened(record, options, first);
      return await open.checkpoint(files.files);
    },
    [Symbol.dispose]() {
      open?.close();
      open = undefined;
    },
  };
}

interface OpenCheckpointer {
  checkpoint(files: readonly RecordFile[]): Promise<SignedCheckpoint | undefined>;
  close(): void;
}

/** Leaves that are taken in before others get a turn: some milliseconds. */
const SLICE = 2_000;
/** Tries against other processes that do the same. Each one lost is one that another won. */
const TRIES = 100;

function opened(
  path: string,
  options: CheckpointOptions,
  first: RecordFile | undefined,
): OpenCheckpointer {
  const journal = openAppendFile(journalPath(path));
  const signed = openAppendFile(checkpointsPath(path));
  try {
    return checkpointerOf({ journal, signed }, options, first);
  } catch (error) {
    journal[Symbol.dispose]();
    signed[Symbol.dispose]();
    throw error;
  }
}

function checkpointerOf(
  { journal, signed }: { journal: AppendFile; signed: AppendFile },
  options: CheckpointOptions,
  first: RecordFile | undefined,
): OpenCheckpointer {
  let newest = newestOf(readCheckpoints(signed.readNew()).checkpoints);
  const signer = noteSigner(options.origin ?? newest?.origin ?? originOf(first), options.key);
  const state = journalState();

  /** Takes in what the journal has by now, from whomever, and makes sure that it is what was signed. */
  const follow = (): void => {
    for (const line of journal.readNew().split("\n")) {
      if (state.take(line) === undefined || state.tree.end !== newest?.size) continue;
      if (!state.tree.root().equals(newest.root)) {
        throw new CheckpointError("the .tree file does not lead to what was signed last");
      }
    }
  };

  return {
    async checkpoint(files) {
      newest = newestOf([...readCheckpoints(signed.readNew()).checkpoints, newest]);
      if (newest !== undefined) requireOwn(newest, signer);
      follow();
      if (newest !== undefined && state.tree.end < newest.size) {
        throw new CheckpointError("the .tree file ends before what was signed last");
      }
      for (const file of files) {
        for (let tries = 0; tries < TRIES; tries += 1) {
          const extent = await newLeaves(file, state.tree.end, state.ends.get(file.id) ?? 0);
          if (extent === undefined) break;
          // The lines first: what is signed must not be forgotten when the machine fails.
          fdatasyncSync(file.fd);
          follow();
          if (state.tree.end === extent.from) journal.append(`${extentLine(extent)}\n`);
          // Another process may have been faster; then its line counts, and ours says nothing.
          follow();
        }
      }
      const size = state.tree.end;
      if (size === 0 || size === newest?.size) return newest;
      const envelope = signCheckpoint({ size, root: state.tree.root() }, signer);
      signed.append(`${envelope}\n`);
      const seal = state.sealText(signer.verifier.name, size);
      // Of one that is lost when the machine fails, the next says the same.
      if (seal !== undefined) journal.append(`${sealLine(signer.sign(seal))}\n`, false);
      // Read back, so that it is seen when what was appended is cut off again.
      newest = newestOf([
        readCheckpoint(envelope),
        ...readCheckpoints(signed.readNew()).checkpoints,
      ]);
      return newest;
    },
    close() {
      journal[Symbol.dispose]();
      signed[Symbol.dispose]();
    },
  };
}

/** What is new in a file, as the next leaves of the tree. */
async function newLeaves(
  file: RecordFile,
  from: number,
  start: number,
): Promise<Extent | undefined> {
  requireContinued(file, start);
  const range = compactRange(from);
  let end = start;
  for (const { hash, next } of leavesOf(file.fd, start, file.sizeBytes)) {
    range.append(hash);
    end = next;
    if ((range.end - from) % SLICE === 0) await turn();
  }
  if (range.end === from) return undefined;
  const { id, begun } = file;
  return { from, to: range.end, subtrees: range.subtrees, file: id, start, end, begun };
}

/** What was read before must still end where it did. */
function requireContinued({ path, fd, sizeBytes }: RecordFile, start: number): void {
  if (start === 0) return;
  const last = Buffer.alloc(1);
  if (sizeBytes >= start && readSync(fd, last, 0, 1, start - 1) === 1 && last[0] === 0x0a) return;
  throw new CheckpointError(`${path} was cut off or changed behind what was signed`);
}

function requireOwn({ origin, note }: SignedCheckpoint, { verifier }: NoteSigner): void {
  if (origin !== verifier.name) {
    throw new CheckpointError(`the record's checkpoints are of ${origin}, not of ${verifier.name}`);
  }
  if (!isSignedBy(note, verifier)) {
    throw new CheckpointError("the record's newest checkpoint is not signed by this key");
  }
}

function newestOf(
  checkpoints: readonly (SignedCheckpoint | undefined)[],
): SignedCheckpoint | undefined {
  return checkpoints.reduce(
    (a, b) => (a === undefined || (b !== undefined && b.size > a.size) ? b : a),
    undefined,
  );
}

function originOf(first: RecordFile | undefined): string {
  const hash = Buffer.from(first?.id ?? "", "base64").toString("hex");
  return `agent-keys/${hash.slice(0, 16)}`;
}
