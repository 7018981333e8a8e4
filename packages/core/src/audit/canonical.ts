import { createHmac, type KeyObject } from "node:crypto";
import { AgentKeyError } from "../errors.ts";

/** How deep an input may be nested and still be put on record. */
export const MAX_DEPTH = 200;

/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 code units, ECMAScript numbers, no space. What
 * JSON cannot say is treated as `JSON.stringify` does; a bigint is its decimal text.
 *
 * @throws AgentKeyError `input_invalid` when nested deeper than {@link MAX_DEPTH}, as a cycle is.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0) ?? "null";
}

/**
 * HMAC-SHA-256, base64url, over the canonical JSON: a plain hash of small values can be guessed.
 *
 * @throws AgentKeyError `input_invalid` when the input cannot be serialised.
 */
export function argsDigest(input: unknown, auditKey: KeyObject): string {
  return createHmac("sha256", auditKey).update(serialised(input)).digest("base64url");
}

function serialised(input: unknown): string {
  try {
    return canonicalJson(input);
  } catch (error) {
    if (error instanceof AgentKeyError) throw error;
    // Dropped on purpose: what a getter or `toJSON` of the input throws may quote the input.
    throw new AgentKeyError("input_invalid", { detail: "the input cannot be serialised" });
  }
}

function write(given: unknown, depth: number): string | undefined {
  if (depth > MAX_DEPTH) {
    throw new AgentKeyError("input_invalid", { detail: `nested deeper than ${MAX_DEPTH} levels` });
  }
  const value = replaced(given);
  if (typeof value === "bigint") return JSON.stringify(value.toString());
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item) => write(item, depth + 1) ?? "null").join(",")}]`;
  }
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, write(member, depth + 1)] as const)
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `{${members.join(",")}}`;
}

/** Once, as `JSON.stringify` does: what `toJSON` returns may have the same `toJSON`. */
function replaced(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("toJSON" in value)) return value;
  const { toJSON } = value;
  return typeof toJSON === "function" ? (Reflect.apply(toJSON, value, []) as unknown) : value;
}
