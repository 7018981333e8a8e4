import { sign } from "node:crypto";
import type { Claims } from "./claims.ts";
import { TOKEN_TYPE } from "./claims.ts";
import type { SigningKey } from "./signing-key.ts";

/**
 * A compact JWS (RFC 7515) over the claims, `alg` `Ed25519` (RFC 9864). Synchronous, so that a
 * wrapped tool's result keeps its kind.
 */
export function signToken(claims: Claims, key: SigningKey): string {
  const signed = `${headerOf(key)}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${sign(null, Buffer.from(signed), key.privateKey).toString("base64url")}`;
}

const headers = new WeakMap<SigningKey, string>();

function headerOf(key: SigningKey): string {
  const known = headers.get(key);
  if (known !== undefined) return known;
  const made = base64url(JSON.stringify({ alg: "Ed25519", typ: TOKEN_TYPE, kid: key.kid }));
  headers.set(key, made);
  return made;
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}
