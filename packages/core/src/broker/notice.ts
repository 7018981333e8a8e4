import * as z from "zod";
import type { Clock } from "../clock.ts";
import { MAX_LIFE_SECONDS } from "../duration.ts";
import { randomId } from "../random-id.ts";
import { type RevocationSelector, selectorSchema } from "../revocation.ts";
import { identifierSchema, LEEWAY_SECONDS } from "../token/claims.ts";
import { readHeader, type TokenAlgorithm, tokenInvalid } from "../token/gate.ts";
import { signTyped } from "../token/sign.ts";
import type { SigningKey } from "../token/signing-key.ts";
import { type FindKey, parseClaims, verifySignature } from "../token/verify.ts";

/** The `typ` of every notice: no token has it, and a notice is no token. */
const NOTICE_TYPE = "agent-key-notice+jwt";
/** The longest notice a broker looks at, in characters. */
export const NOTICE_MAX_LENGTH: number = 262_144;
/** How many closed keys, and how many revocations or restorations, one notice may tell of. */
export const NOTICE_MAX_CLOSED = 1_000;
export const NOTICE_MAX_ACTS = 100;
/** How long a notice is good for. One that comes twice is refused by its `jti`, for as long. */
export const NOTICE_LIFE_SECONDS = 30;

/** A key of the issuer that is closed. */
export interface ClosedKey {
  readonly id: string;
  /** When it expires, in seconds since the epoch: for how long that must be remembered. */
  readonly exp: number;
}

/** What the issuer revoked, or restored. `all` are all keys of this issuer. */
export interface NoticeAct {
  readonly selector: RevocationSelector;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
}

/** What an issuer tells a broker. */
export interface NoticeNews {
  readonly closed?: readonly ClosedKey[] | undefined;
  readonly revoked?: readonly NoticeAct[] | undefined;
  readonly restored?: readonly NoticeAct[] | undefined;
}

/** The claims of a notice. Times are seconds since the epoch. */
export interface NoticeClaims extends NoticeNews {
  readonly v: 1;
  readonly iss: string;
  readonly aud: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
}

const seconds = z.number().nonnegative();
const keyId = z.string().min(16).max(64);
const note = z.string().max(1024).optional();
const acts = z
  .array(z.strictObject({ selector: selectorSchema, reason: note, by: note }))
  .max(NOTICE_MAX_ACTS)
  .optional();

const noticeSchema: z.ZodType<NoticeClaims> = z.strictObject({
  v: z.literal(1),
  iss: identifierSchema,
  aud: identifierSchema,
  iat: seconds,
  exp: seconds,
  jti: keyId,
  closed: z
    .array(z.strictObject({ id: keyId, exp: seconds }))
    .max(NOTICE_MAX_CLOSED)
    .optional(),
  revoked: acts,
  restored: acts,
});

/** Who tells whom, signed with what. */
export interface NoticeSender {
  readonly iss: string;
  readonly audience: string;
  readonly signer: SigningKey;
  readonly now: Clock;
}

/** A signed notice, as a compact JWS. */
export function writeNotice(
  news: NoticeNews,
  { iss, audience, signer, now }: NoticeSender,
): string {
  const iat = Math.floor(now()) / 1000;
  const exp = iat + NOTICE_LIFE_SECONDS;
  const claims: NoticeClaims = { v: 1, iss, aud: audience, iat, exp, jti: randomId(), ...news };
  return signTyped(NOTICE_TYPE, claims, signer);
}

/** What a notice must be to be believed. */
export interface NoticeExpectation {
  readonly findKey: FindKey;
  /** Default `"Ed25519"`. */
  readonly algorithm?: TokenAlgorithm | undefined;
  /** The one issuer whose keys `findKey` knows: what it tells is of its own keys only. */
  readonly issuer: string;
  /** The one broker that it is for. */
  readonly audience: string;
  readonly now: Clock;
}

/**
 * Reads a notice: the strict gate, the signature, then every claim. Whether it came before is for the
 * reader to know, by `(iss, jti)`, until `exp` and the leeway of 2 seconds are over.
 *
 * @throws AgentKeyError `token_invalid`, or what `findKey` rejects with.
 */
export async function readNotice(
  text: unknown,
  { findKey, algorithm = "Ed25519", issuer, audience, now }: NoticeExpectation,
): Promise<NoticeClaims> {
  const header = readHeader(text, algorithm, { typ: NOTICE_TYPE, maxLength: NOTICE_MAX_LENGTH });
  const payload = await verifySignature(text as string, header, { findKey, algorithm });
  const claims = parseClaims(payload, noticeSchema);
  const at = now() / 1000;
  const { iss, aud, iat, exp, closed = [], revoked = [], restored = [] } = claims;
  if (iss !== issuer) throw tokenInvalid("a notice of another issuer");
  if (aud !== audience) throw tokenInvalid("a notice for another audience");
  // Asked this way round so that a clock which is not a number refuses.
  if (!(iat <= at + LEEWAY_SECONDS && at < exp + LEEWAY_SECONDS)) {
    throw tokenInvalid("a notice from another time");
  }
  // Rounded, because the sum that made `exp` may be off by the smallest of fractions.
  if (!(Math.round((exp - iat) * 1000) <= NOTICE_LIFE_SECONDS * 1000)) {
    throw tokenInvalid("a notice that is good for too long");
  }
  const latest = iat + MAX_LIFE_SECONDS + LEEWAY_SECONDS;
  if (closed.some((key) => key.exp > latest)) {
    throw tokenInvalid("a closed key that lives longer than any key may");
  }
  const acted = [...revoked, ...restored].map(({ selector }) => selector);
  if (acted.some((selector) => "issuer" in selector && selector.issuer !== iss)) {
    throw tokenInvalid("an issuer revokes its own keys only");
  }
  return claims;
}
