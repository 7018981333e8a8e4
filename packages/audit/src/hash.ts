import { createHash } from "node:crypto";

/** The hash of a leaf: of one event's line (RFC 9162 §2.1.1). */
export function leafHash(line: Uint8Array): Buffer {
  return createHash("sha256").update(LEAF).update(line).digest();
}

/** The hash of a node over two others (RFC 9162 §2.1.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash("sha256").update(NODE).update(left).update(right).digest();
}

// Prefixes, so that no node can be passed off as a leaf.
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
