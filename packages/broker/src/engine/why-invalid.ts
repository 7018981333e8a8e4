import { AgentKeyError } from "@agent-keys/core";
import { Refused } from "./refusal.ts";

/** What of a token, or of a notice, was found wrong: the `check` on the record. */
type Reason =
  | "issuer"
  | "audience"
  | "kid"
  | "signature"
  | "typ"
  | "algorithm"
  | "shape"
  | "claims"
  | "life"
  | "clock"
  | "replay"
  | "expired";

/** By what core says of it, for developers. What it says nothing of is the signature. */
const REASONS: readonly (readonly [RegExp, Reason])[] = [
  [/^(?:not of a registered issuer|another issuer|a notice of another issuer)$/, "issuer"],
  [/another audience$/, "audience"],
  [/ kid .*issuer's$|^kid /, "kid"],
  [/^wrong typ$/, "typ"],
  [/^not the issuer's algorithm$/, "algorithm"],
  [/base64url|^the header /, "shape"],
  [/^(?:the )?claims are |^an issuer revokes its own/, "claims"],
  [/longer than any key may$|lives longer|good for too long$/, "life"],
  [/^not valid yet$|^a notice from another time$/, "clock"],
  [/^a notice again$/, "replay"],
];

/**
 * Names the check that a token or a notice failed. On the wire all of them are one, but for the audience:
 * where the broker is, whoever asks it knows.
 */
export function whyInvalid(error: unknown, audience: string): unknown {
  if (!(error instanceof AgentKeyError)) return error;
  const reason = reasonOf(error);
  if (reason === undefined) return error;
  const hint = `the key is for another audience; this broker is ${audience}`;
  return new Refused(error, reason, reason === "audience" ? { hint } : {});
}

function reasonOf({ code, cause }: AgentKeyError): Reason | undefined {
  if (code === "key_expired") return "expired";
  if (code !== "token_invalid") return undefined;
  const said = cause instanceof Error ? cause.message : "";
  return REASONS.find(([pattern]) => pattern.test(said))?.[1] ?? "signature";
}
