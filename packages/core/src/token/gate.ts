import { AgentKeyError } from "../errors.ts";
import { TOKEN_MAX_LENGTH, TOKEN_TYPE } from "./claims.ts";

/** The algorithms a token may name. `EdDSA` only where the issuer is registered with it. */
export type TokenAlgorithm = "Ed25519" | "EdDSA";

/** What stands in the header: these three members and no other. */
export interface TokenHeader {
  readonly alg: TokenAlgorithm;
  readonly typ: string;
  readonly kid: string;
}

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/;

/** What kind of signed text is read. */
export interface CompactKind {
  readonly typ: string;
  /** In characters. */
  readonly maxLength: number;
}

const TOKEN: CompactKind = { typ: TOKEN_TYPE, maxLength: TOKEN_MAX_LENGTH };

/**
 * The strict gate before any cryptography: exactly three canonical base64url parts, an 86-character
 * signature, a bounded length, and a header of exactly `alg`, `typ` and `kid`. `jose` alone would
 * accept re-encoded copies of one token.
 *
 * @param kind - The `typ` and the length, in characters, of what is read: by default a token's.
 * @throws AgentKeyError `token_invalid`.
 */
export function readHeader(
  token: unknown,
  algorithm: TokenAlgorithm,
  { typ, maxLength }: CompactKind = TOKEN,
): TokenHeader {
  if (typeof token !== "string" || token.length > maxLength || !COMPACT.test(token)) {
    throw tokenInvalid("not three base64url parts with an Ed25519 signature");
  }
  const parts = token.split(".");
  if (!parts.every(isCanonical)) throw tokenInvalid("base64url with trailing bits");
  const header = parseHeader(parts[0] ?? "");
  if (header.alg !== algorithm) throw tokenInvalid("not the issuer's algorithm");
  if (header.typ !== typ) throw tokenInvalid("wrong typ");
  return header;
}

/** Whether decoding and encoding again gives the same text: no trailing bits, no impossible length. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, "base64url").toString("base64url") === part;
}

function parseHeader(part: string): TokenHeader {
  const text = Buffer.from(part, "base64url").toString("utf8");
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw tokenInvalid("the header is not JSON");
  }
  // Comparing with its own serialisation refuses duplicate members and inner space as well.
  if (!isHeader(header) || JSON.stringify(header) !== text) {
    throw tokenInvalid("the header is not exactly alg, typ and kid");
  }
  return header;
}

function isHeader(header: unknown): header is TokenHeader {
  if (typeof header !== "object" || header === null) return false;
  const members = Object.entries(header);
  return (
    members.length === 3 &&
    members.every(([name, value]) => HEADER_MEMBERS.has(name) && typeof value === "string")
  );
}

const HEADER_MEMBERS: ReadonlySet<string> = new Set(["alg", "typ", "kid"]);

/** The refusal of a token, with the reason for developers only. */
export function tokenInvalid(reason: string): AgentKeyError {
  return new AgentKeyError("token_invalid", { detail: reason });
}
