import { hash } from "node:crypto";

/** How many bytes a hash has. */
export const HASH_BYTES = 32;

const LEAF = 0x00;
const NODE = 0x01;

const pair = Buffer.alloc(1 + 2 * HASH_BYTES);
pair[0] = NODE;
let scratch = Buffer.alloc(8_192);

/** The hash of a tree without leaves: SHA-256 of nothing (RFC 9162 §2.1.1). */
export const EMPTY_ROOT: Buffer = hash("sha256", Buffer.alloc(0), "buffer");

/** The hash of a leaf: SHA-256 of 0x00 and its bytes (RFC 9162 §2.1.1). */
export function leafHash(leaf: Uint8Array): Buffer {
  if (leaf.length >= scratch.length) scratch = Buffer.alloc(2 * leaf.length);
  scratch[0] = LEAF;
  scratch.set(leaf, 1);
  return hash("sha256", scratch.subarray(0, 1 + leaf.length), "buffer");
}

/** The hash of an inner node: SHA-256 of 0x01 and its two children (RFC 9162 §2.1.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return hash("sha256", pair, "buffer");
}
