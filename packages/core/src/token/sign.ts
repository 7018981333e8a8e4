import { sign } from "node:crypto";
import type { Claims } from "./claims.ts";
import { TOKEN_TYPE } from "./claims.ts";
import type { SigningKey } from "./signing-key.ts";

/**
 * A compact JWS (RFC 7515) over the claims, `alg` `Ed25519` (RFC 9864). Synchronous, so that a
 * wrapped tool's result keeps its kind.
 */
export function signToken(claims: Claims, key: SigningKey): string {
  return signCompact(headerOf(key), claims, key);
}

/** The same over any other claims, such as a notice's, with a `typ` that no token has. */
export function signTyped(typ: string, claims: object, key: SigningKey): string {
  return signCompact(headerText(typ, key), claims, key);
}

function signCompact(header: string, claims: object, key: SigningKey): string {
  const signed = `${header}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${sign(null, Buffer.from(signed), key.privateKey).toString("base64url")}`;
}

const headers = new WeakMap<SigningKey, string>();

function headerOf(key: SigningKey): string {
  const known = headers.get(key);
  if (known !== undefined) return known;
  const made = headerText(TOKEN_TYPE, key);
  headers.set(key, made);
  return made;
}

function headerText(typ: string, { kid }: SigningKey): string {
  return base64url(JSON.stringify({ alg: "Ed25519", typ, kid }));
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}
