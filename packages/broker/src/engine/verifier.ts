import { AgentKeyError, type KeyFacts, type Store } from "@agent-keys/core";
import {
  type Clock,
  type EffectiveGrant,
  factsOf,
  isExpired,
  LEEWAY_SECONDS,
  readToken,
  requireLive,
  underPolicy,
} from "@agent-keys/core/enforce";
import type { Authority } from "../decide/decision.ts";
import type { KeyOnRecord } from "./record.ts";
import {
  notRegistered,
  type RegisteredIssuer,
  requireClaimedIssuer,
  speaksFor,
} from "./issuers.ts";
import { whyInvalid } from "./why-invalid.ts";

/** A key whose signature was found good, and what it may do here. */
export interface VerifiedKey extends KeyOnRecord {
  readonly issuer: RegisteredIssuer;
  readonly facts: KeyFacts;
  /** When nobody takes it any more, in milliseconds since the epoch. */
  readonly endsAtMs: number;
  /** Whether the issuer may speak for every agent that the key names. */
  readonly agentAllowed: boolean;
  /** The meets of its grants with the issuer's policy. */
  readonly effective: readonly EffectiveGrant[];
  /** The same, as it is decided on. */
  readonly authority: Authority;
}

/** Verifies keys, and remembers what it verified. */
export interface Verifier {
  /** A token that was verified before and has not ended. */
  recall(token: string): VerifiedKey | undefined;
  /**
   * Verifies a token in full.
   *
   * @throws Refused `token_invalid` or `key_expired`, naming the check; AgentKeyError `issuer_unavailable`.
   */
  read(token: string): Promise<VerifiedKey>;
  /**
   * Asked for every request, remembered or not.
   *
   * @throws AgentKeyError `key_revoked`, `key_closed`, `key_expired` or `store_unavailable`.
   */
  requireLive(key: VerifiedKey): void;
  /** Drops a key that was closed. */
  forget(iss: string, id: string): void;
  /** How many are remembered. */
  readonly size: number;
}

/** What is verified against. */
export interface VerifierParts {
  readonly issuers: ReadonlyMap<string, RegisteredIssuer>;
  readonly audience: () => string;
  readonly store: Store;
  readonly now: Clock;
}

/** A token takes 16 KiB at most, so all of them take 64 MiB at most. */
const REMEMBERED = 4096;

/** @param capacity - How many verified tokens are remembered. */
export function openVerifier(
  { issuers, audience, store, now }: VerifierParts,
  capacity: number = REMEMBERED,
): Verifier {
  const known = new Map<string, VerifiedKey>();
  const tokens = new Map<string, string>();

  const drop = (token: string, { claims }: VerifiedKey): void => {
    known.delete(token);
    tokens.delete(nameOf(claims.iss, claims.jti));
  };

  const remember = (token: string, key: VerifiedKey): void => {
    const nowMs = now();
    // The oldest are in front: those that have ended, and beyond the capacity any.
    for (const [oldest, old] of known) {
      if (old.endsAtMs > nowMs && known.size < capacity) break;
      drop(oldest, old);
    }
    known.set(token, key);
    tokens.set(nameOf(key.claims.iss, key.claims.jti), token);
  };

  const verify = async (token: string): Promise<VerifiedKey> => {
    const issuer = issuers.get(requireClaimedIssuer(token));
    if (issuer === undefined) throw notRegistered();
    const { iss, findKey, algorithm } = issuer;
    const expected = { findKey, algorithm, issuer: iss, audience: audience(), now };
    const { claims, kid } = await readToken(token, expected);
    const facts = factsOf(claims, kid);
    const effective = underPolicy(issuer.policy, claims);
    const key: VerifiedKey = {
      claims,
      issuer,
      facts,
      endsAtMs: (claims.exp + LEEWAY_SECONDS) * 1000,
      // Those that delegated to it as well: a chain may not begin with somebody else's agent.
      agentAllowed: facts.agents.every((agent) => speaksFor(issuer, agent)),
      effective,
      authority: { grants: effective.map(({ grant }) => grant) },
    };
    remember(token, key);
    return key;
  };

  return {
    recall(token) {
      const key = known.get(token);
      if (key === undefined || key.endsAtMs > now()) return key;
      // Read again, it is refused like any that was never seen: one line for all of them.
      drop(token, key);
      return undefined;
    },
    async read(token) {
      try {
        return await verify(token);
      } catch (error) {
        throw whyInvalid(error, audience());
      }
    },
    requireLive({ facts, claims }) {
      requireLive(store.keys, facts);
      if (isExpired(claims.exp, now() / 1000)) throw new AgentKeyError("key_expired");
    },
    forget(iss, id) {
      const token = tokens.get(nameOf(iss, id));
      const key = token === undefined ? undefined : known.get(token);
      if (token !== undefined && key !== undefined) drop(token, key);
    },
    get size() {
      return known.size;
    },
  };
}

function nameOf(iss: string, id: string): string {
  return `${id} ${iss}`;
}
