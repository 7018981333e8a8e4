import { TOKEN_MAX_LENGTH } from "../token/claims.ts";

/**
 * The `iss` that a token or a notice states, to look its issuer up by. Nothing of it is verified: what
 * follows must be read as that issuer's own, with its keys and no other's. `undefined` when it says
 * nothing that can be read.
 *
 * @param maxLength - In characters. Default: a token's.
 */
export function claimedIssuer(
  text: unknown,
  maxLength: number = TOKEN_MAX_LENGTH,
): string | undefined {
  if (typeof text !== "string" || text.length > maxLength) return undefined;
  const [, payload = ""] = text.split(".", 3);
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const iss = Object.getOwnPropertyDescriptor(Object(claims), "iss")?.value as unknown;
    return typeof iss === "string" ? iss : undefined;
  } catch {
    return undefined;
  }
}
