import type { RevocationSelector } from "@agent-keys/core";

/** A key's name in a store: never run together with another issuer's. */
export function keyId(iss: string, id: string): string {
  return JSON.stringify([iss, id]);
}

/** A revocation's name in a store: the same selector by the same issuer stands once. */
export function revocationId(selector: RevocationSelector, iss: string | undefined): string {
  return JSON.stringify([iss ?? null, Object.entries(selector)]);
}
