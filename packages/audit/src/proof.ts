import { leafHash } from "./merkle/hashing.ts";
import { verifyInclusion } from "./merkle/verify-proofs.ts";
import { readCheckpoint, readCheckpoints, type SignedCheckpoint } from "./note/checkpoint.ts";
import { isSignedBy, type NoteVerifier } from "./note/note.ts";

/** A proof that a line is in a record, as a text that stands for itself. */
export interface InclusionProof {
  /** The line's bytes, without its newline. */
  readonly line: Buffer;
  /** Which line of the record it is, counted from 0. */
  readonly index: number;
  /** From the leaf's sibling up to the root's child. */
  readonly hashes: readonly Buffer[];
  readonly checkpoint: SignedCheckpoint;
}

const HEADER = "c2sp.org/tlog-proof@v1";

/** A proof as text (https://c2sp.org/tlog-proof), with the line as its extra data. */
export function proofText({ line, index, hashes, checkpoint }: InclusionProof): string {
  return [
    HEADER,
    `extra ${line.toString("base64")}`,
    `index ${index}`,
    ...hashes.map((hash) => hash.toString("base64")),
    "",
    checkpoint.envelope,
  ].join("\n");
}

/**
 * Reads a proof. Nothing of it is checked: see {@link verifyProof}.
 *
 * @returns `undefined` when it is not one.
 */
export function readProof(text: string): InclusionProof | undefined {
  const cut = text.indexOf("\n\n");
  const checkpoint = readCheckpoint(text.slice(cut + 2));
  const [header, extra, place, ...rest] = text.slice(0, Math.max(0, cut)).split("\n");
  const [, encoded] = /^extra ([A-Za-z0-9+/]*={0,2})$/.exec(extra ?? "") ?? [];
  const [, index] = /^index (0|[1-9]\d{0,15})$/.exec(place ?? "") ?? [];
  if (header !== HEADER || checkpoint === undefined) return undefined;
  if (encoded === undefined || index === undefined) return undefined;
  const [line, ...hashes] = [encoded, ...rest].map((part) => Buffer.from(part, "base64"));
  // Several texts decode to the same bytes; only one of them is what was written.
  const isExact = [line, ...hashes].every(
    (bytes, at) => bytes?.toString("base64") === [encoded, ...rest][at],
  );
  if (line === undefined || !isExact) return undefined;
  return { line, index: Number(index), hashes, checkpoint };
}

/** What a proof is believed by: at least one of the two. */
export interface ProofTrust {
  /** Whose signature its checkpoint must have. */
  readonly key?: NoteVerifier | undefined;
  /** Checkpoints that were kept: the text. Its checkpoint must be one of them. */
  readonly kept?: string | undefined;
}

/**
 * Checks a proof alone, without the record.
 *
 * @returns Why it does not hold; `undefined` when it does.
 * @throws TypeError when there is neither a key nor a kept checkpoint to believe it by.
 */
export function verifyProof(proof: InclusionProof, { key, kept }: ProofTrust): string | undefined {
  if (key === undefined && kept === undefined) {
    throw new TypeError("a proof is believed by a key or by a checkpoint that was kept");
  }
  const { line, index, hashes, checkpoint } = proof;
  const { origin, size, root, note } = checkpoint;
  if (key !== undefined && !(origin === key.name && isSignedBy(note, key))) {
    return "its checkpoint is not signed by the key";
  }
  if (kept !== undefined) {
    const isKept = readCheckpoints(kept).checkpoints.some(
      (one) => one.origin === origin && one.size === size && one.root.equals(root),
    );
    if (!isKept) return "its checkpoint is not the one that was kept";
  }
  const holds = verifyInclusion({ index, size, leaf: leafHash(line), root, proof: hashes });
  return holds ? undefined : "its hashes do not lead from the line to the checkpoint's root";
}
