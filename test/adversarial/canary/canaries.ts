/** A credential that tools hold in their closure. */
export const SECRET = "canary-secret-7b1e9d";
/** A value of the tool's input. */
export const ARGUMENT = "canary-argument-52c0aa";
/** A value that is a constraint, too, which `redact` names. */
export const EMAIL = "canary.user.90f3@example.com";

/** What only this token has: a piece of its claims, and of its signature. */
export function partsOf(token: string): readonly string[] {
  const [, claims = "", signature = ""] = token.split(".");
  return [claims.slice(-40, -16), signature.slice(0, 24)];
}
