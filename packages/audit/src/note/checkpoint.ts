import { HASH_BYTES } from "../merkle/hashing.ts";
import { type Note, type NoteSigner, readNote } from "./note.ts";

/** The head of a tree, as a signed note says it (https://c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  /** Which log it is of. */
  readonly origin: string;
  /** How many leaves the tree has. */
  readonly size: number;
  readonly root: Buffer;
}

/** A checkpoint as it was found. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: Note;
  /** The whole note, as it stands. */
  readonly envelope: string;
}

/** Signs the head of a tree. */
export function signCheckpoint({ size, root }: Omit<Checkpoint, "origin">, by: NoteSigner): string {
  return by.sign(`${by.verifier.name}\n${size}\n${root.toString("base64")}\n`);
}

/**
 * Reads a checkpoint. Its signature is not checked: see `isSignedBy`.
 *
 * @returns `undefined` when it is not one.
 */
export function readCheckpoint(envelope: string): SignedCheckpoint | undefined {
  const note = readNote(envelope);
  if (note === undefined) return undefined;
  const [origin = "", count = "", encoded = "", ...extensions] = note.text.slice(0, -1).split("\n");
  if (origin === "" || extensions.includes("")) return undefined;
  const size = /^(?:0|[1-9]\d{0,15})$/.test(count) ? Number(count) : NaN;
  const root = Buffer.from(encoded, "base64");
  if (!Number.isSafeInteger(size) || root.length !== HASH_BYTES) return undefined;
  if (root.toString("base64") !== encoded) return undefined;
  return { origin, size, root, note, envelope };
}

/** The checkpoints in a text, and what else is in it. */
export interface FoundCheckpoints {
  readonly checkpoints: readonly SignedCheckpoint[];
  /** How many characters belong to none, but for blank lines between them. */
  readonly other: number;
}

/** A note of three lines or more, a blank line, and its signatures. */
const ONE = /(?:[^\n]+\n){3,}\n(?:\u2014 [^\n]*\n)+/g;

/** Reads all checkpoints of a text that has one after the other. */
export function readCheckpoints(text: string): FoundCheckpoints {
  const checkpoints: SignedCheckpoint[] = [];
  let other = 0;
  let end = 0;
  for (const { 0: envelope, index } of text.matchAll(ONE)) {
    const checkpoint = readCheckpoint(envelope);
    other += between(text.slice(end, index));
    if (checkpoint === undefined) other += envelope.length;
    else checkpoints.push(checkpoint);
    end = index + envelope.length;
  }
  return { checkpoints, other: other + between(text.slice(end)) };
}

function between(text: string): number {
  return text.replaceAll("\n", "").length;
}
