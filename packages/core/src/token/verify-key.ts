import type { JSONWebKeySet } from "jose";
import { type Clock, systemClock } from "../clock.ts";
import { AgentKeyError } from "../errors.ts";
import type { KeyRequest } from "../request.ts";
import { requireLive, requireStore, type Store } from "../store/store.ts";
import { requireBoolean, requireKnown, requireRequest } from "../known-options.ts";
import type { TokenAlgorithm } from "./gate.ts";
import { jwksKeys } from "./jwks-keys.ts";
import {
  type Admission,
  admit,
  factsOf,
  requireAdmission,
  type VerifiedKey,
} from "./verified-key.ts";
import { readToken } from "./verify.ts";

/** How an API that accepts agent keys itself checks one. */
export interface VerifyKeyOptions extends Admission {
  /**
   * The issuer's public keys: a JWKS, or the URL it is served at (https, or http on loopback; fetched
   * when needed, kept for 10 minutes, fetched again for an unknown `kid` at most every second, for the same one every 30 seconds).
   */
  readonly jwks: JSONWebKeySet | URL | string;
  /** The one `iss` to accept. Its key ids are looked up in `jwks` and nowhere else. */
  readonly issuer: string;
  /** The one `aud` to accept: this API. */
  readonly audience: string;
  /**
   * The request that one grant of the key must allow. **Without it a key for any scope is let in**: whoever
   * wants only to know whose key it is must write `request: undefined`.
   */
  readonly request: KeyRequest | undefined;
  /** `"EdDSA"` for an issuer registered with the older name. Default `"Ed25519"` (RFC 9864). */
  readonly algorithm?: TokenAlgorithm | undefined;
  /**
   * Counts uses, and knows what was closed or revoked there. Without it a grant with `uses` is
   * refused. `memoryStore()` will do where one process serves the API.
   */
  readonly store?: Store | undefined;
  /**
   * Asks elsewhere whether the key is still live. Without `store` and `isLive` a key is good until
   * `exp`. Anything but `true` refuses, and so does a rejection (`store_unavailable`).
   */
  readonly isLive?: ((key: VerifiedKey) => boolean | Promise<boolean>) | undefined;
  /** Milliseconds since the epoch. Default: the steady system clock. */
  readonly now?: Clock | undefined;
}

/**
 * Verifies an agent key, for an API that accepts them without a broker, and checks that it allows
 * `request`. **With `request: undefined` any key of the issuer is let in, whatever it is for.** Stateless: it knows `exp` only, and learns of closed and revoked keys only
 * through `store` or `isLive`.
 *
 * @throws AgentKeyError `token_invalid`, `key_expired`, `key_closed`, `key_revoked`,
 * `insufficient_scope`, `constraint_failed`, `key_used_up`, `use_unknown`, `uses_unenforceable`, `store_unavailable` or
 * `issuer_unavailable`.
 * @throws TypeError when an option is wrong.
 */
export async function verifyKey(token: unknown, options: VerifyKeyOptions): Promise<VerifiedKey> {
  checkOptions(options);
  const { jwks, issuer, audience, algorithm = "Ed25519", now = systemClock, isLive } = options;
  const findKey = jwksKeys(jwks, "verifyKey: jwks");
  const expected = { findKey, algorithm, issuer, audience, now };
  const { claims, kid } = await readToken(token, expected);
  if (options.store !== undefined) requireLive(options.store.keys, factsOf(claims, kid));
  if (isLive !== undefined && !(await asks(isLive, await admit(claims, {}, undefined)))) {
    throw new AgentKeyError("key_closed");
  }
  return admit(claims, options, options.store?.uses);
}

async function asks(
  isLive: NonNullable<VerifyKeyOptions["isLive"]>,
  key: VerifiedKey,
): Promise<boolean> {
  try {
    const live: unknown = await isLive(key);
    return live === true;
  } catch (cause) {
    throw new AgentKeyError("store_unavailable", { cause });
  }
}

function checkOptions(options: VerifyKeyOptions): void {
  requireKnown("verifyKey: ", options, OPTIONS);
  // Left out by mistake, it would let every key of the issuer in.
  if (!("request" in options)) {
    throw wrong(
      "request",
      "is missing: without it any scope is let in (undefined must be written)",
    );
  }
  requireRequest("verifyKey: ", options.request);
  requireBoolean("verifyKey: consume", options.consume);
  const { algorithm = "Ed25519", store, isLive, now } = options;
  for (const name of ["issuer", "audience"] as const) {
    if (typeof options[name] !== "string" || options[name] === "") {
      throw wrong(name, "must be a non-empty string");
    }
  }
  if (!ALGORITHMS.has(algorithm)) throw wrong("algorithm", 'must be "Ed25519" or "EdDSA"');
  if (isLive !== undefined && typeof isLive !== "function") {
    throw wrong("isLive", "must be a function");
  }
  if (now !== undefined && typeof now !== "function") throw wrong("now", "must be a function");
  if (store !== undefined) requireStore("verifyKey: store", store);
  requireAdmission(options);
}

const OPTIONS: readonly (keyof VerifyKeyOptions)[] = [
  "jwks",
  "issuer",
  "audience",
  "algorithm",
  "request",
  "consume",
  "store",
  "isLive",
  "now",
];

const ALGORITHMS: ReadonlySet<unknown> = new Set<TokenAlgorithm>(["Ed25519", "EdDSA"]);

function wrong(option: string, what: string): TypeError {
  return new TypeError(`verifyKey: ${option} ${what}`);
}
