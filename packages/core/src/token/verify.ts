import { KeyObject, verify } from "node:crypto";
import type { CryptoKey } from "jose";
import { compactVerify } from "jose/jws/compact/verify";
import type * as z from "zod";
import type { Clock } from "../clock.ts";
import { MAX_LIFE_SECONDS } from "../duration.ts";
import { AgentKeyError } from "../errors.ts";
import { type Claims, claimsSchema, LEEWAY_SECONDS, parentsOf } from "./claims.ts";
import { readHeader, type TokenAlgorithm, type TokenHeader, tokenInvalid } from "./gate.ts";

/** Finds the public key of a header, or `undefined` when its `kid` is not the issuer's. */
export type FindKey = (
  header: TokenHeader,
) => PublicKey | undefined | Promise<PublicKey | undefined>;

type PublicKey = KeyObject | CryptoKey;

/** What a token must be to be read at all. */
export interface TokenExpectation {
  readonly findKey: FindKey;
  readonly algorithm: TokenAlgorithm;
  /** The one issuer whose keys `findKey` knows. */
  readonly issuer: string;
  /** The one audience that the verifier is. */
  readonly audience: string;
  readonly now: Clock;
}

/** A token that is what it claims to be. */
export interface ReadToken {
  readonly claims: Claims;
  /** The signing key's id. */
  readonly kid: string;
}

/**
 * Reads a token: the strict gate, the signature (algorithm pinned), then every claim. Says nothing of
 * closing, revocation or uses.
 *
 * @throws AgentKeyError `token_invalid` or `key_expired`.
 */
export async function readToken(token: unknown, expected: TokenExpectation): Promise<ReadToken> {
  const header = readHeader(token, expected.algorithm);
  const payload = await verifySignature(token as string, header, expected);
  const claims = parseClaims(payload, claimsSchema);
  checkClaims(claims, expected);
  await checkAncestors(claims, header, expected);
  return { claims, kid: header.kid };
}

/** A key is dead with any it came from, also when the key that signed one was taken out. */
async function checkAncestors(
  claims: Claims,
  header: TokenHeader,
  { findKey }: TokenExpectation,
): Promise<void> {
  for (const { kid } of parentsOf(claims)) {
    // One after the other: nearly always the same key, and a remote set is asked once.
    if (kid !== header.kid && (await findKey({ ...header, kid })) === undefined) {
      throw tokenInvalid("the kid of a parent is not one of the issuer's");
    }
  }
}

/**
 * The payload of a text that the gate let through, once its signature is found good.
 *
 * @throws AgentKeyError `token_invalid`.
 */
export async function verifySignature(
  token: string,
  header: TokenHeader,
  { findKey, algorithm }: Pick<TokenExpectation, "findKey" | "algorithm">,
): Promise<Uint8Array> {
  const key = await findKey(header);
  if (key === undefined) throw tokenInvalid("kid is not one of the issuer's");
  try {
    if (key instanceof KeyObject) return await verifyWithNode(token, key);
    return (await compactVerify(token, key, { algorithms: [algorithm] })).payload;
  } catch (cause) {
    throw new AgentKeyError("token_invalid", { cause });
  }
}

/**
 * An issuer's own keys, for a token that the gate let through. In another thread, as with `jose`, but
 * for a third less time on this one; the mutated tokens of `test/adversarial` hold that both agree.
 */
async function verifyWithNode(token: string, key: KeyObject): Promise<Uint8Array> {
  if (key.asymmetricKeyType !== "ed25519") throw new TypeError("not an Ed25519 key");
  const end = token.lastIndexOf(".");
  const signed = Buffer.from(token.slice(0, end));
  const signature = Buffer.from(token.slice(end + 1), "base64url");
  const good = await new Promise<boolean>((resolve) => {
    verify(null, signed, key, signature, (error, valid) => resolve(error === null && valid));
  });
  if (!good) throw new Error("the signature does not verify");
  return Buffer.from(token.slice(token.indexOf(".") + 1, end), "base64url");
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads claims by their schema.
 *
 * @throws AgentKeyError `token_invalid`, naming where they are wrong.
 */
export function parseClaims<T>(payload: Uint8Array, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(UTF8.decode(payload));
  } catch {
    throw tokenInvalid("the claims are not JSON");
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
  throw tokenInvalid(`claims are missing, unknown or malformed: ${where}`);
}

/** The claims against the verifier's own facts. Pure, given the clock. */
function checkClaims(claims: Claims, { issuer, audience, now }: TokenExpectation): void {
  const seconds = readClock(now) / 1000;
  if (claims.iss !== issuer) throw tokenInvalid("another issuer");
  if (claims.aud !== audience) throw tokenInvalid("another audience");
  const { iat, nbf, exp } = claims;
  const lives = [{ iat: Math.min(iat, nbf), exp }, ...parentsOf(claims)];
  if (lives.some((life) => life.exp - life.iat > MAX_LIFE_SECONDS)) {
    throw tokenInvalid("lives longer than any key may");
  }
  // Asked this way round so that a clock which is not a number refuses, here and below.
  if (!(Math.max(claims.iat, claims.nbf) <= seconds + LEEWAY_SECONDS)) {
    throw tokenInvalid("not valid yet");
  }
  if (isExpired(claims.exp, seconds)) throw new AgentKeyError("key_expired");
}

/** Without a time no key is known to be valid yet, nor that it still is. */
function readClock(now: Clock): number {
  try {
    return now();
  } catch (cause) {
    throw new AgentKeyError("token_invalid", { cause });
  }
}

/** Whether a key is past its expiry by more than the leeway. Both are seconds since the epoch. */
export function isExpired(exp: number, nowSeconds: number): boolean {
  return !(nowSeconds < exp + LEEWAY_SECONDS);
}
