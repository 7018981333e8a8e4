/**
 * The audit record at scale.
 *
 * @module
 */
export { leafHash, nodeHash } from "./hash.ts";
