import { AgentKey } from "./agent-key.ts";
import { AgentKeyError } from "./errors.ts";
import { type Grant, isNarrower } from "./grant.ts";
import { GRANT_LIMITS } from "./grant-schema.ts";
import { narrow, withoutRedundant } from "./policy.ts";
import {
  type Actor,
  type Claims,
  counterOf,
  MAX_DELEGATION_DEPTH,
  type ParentRef,
  parentsOf,
  toGrants,
  userOf,
} from "./token/claims.ts";

/** What a key passes on: never wider, never later, charged to every ancestor, dead with any. */
export interface Delegation {
  readonly act: Actor;
  readonly expiresAtMs: number;
  readonly user: string | undefined;
  readonly txn: string | undefined;
  /** What revocations of the parent, and of every key it came from, are matched against. */
  readonly ids: readonly string[];
  readonly kids: readonly string[];
  readonly scopes: readonly string[];
  /** The meets of what policy granted with the parent's grants. */
  narrow(granted: readonly Grant[]): readonly Grant[];
  /** The `parent` claim for the grants that were minted in the end. */
  parentRef(grants: readonly Grant[]): ParentRef;
}

/**
 * Delegates from a key to an agent.
 *
 * @throws AgentKeyError `policy_denied` when the chain is too long, or the parent allows less than is asked.
 */
export function delegate(parent: AgentKey, agent: string): Delegation {
  const { claims, kid } = AgentKey.signedBy(parent);
  const ancestors = parentsOf(claims);
  const deny = (scopes: readonly string[], detail: string): AgentKeyError =>
    new AgentKeyError("policy_denied", { scopes, detail });
  if (ancestors.length >= MAX_DELEGATION_DEPTH) {
    throw deny(claims.scope.split(" "), `more than ${MAX_DELEGATION_DEPTH} delegations`);
  }
  const held = toGrants(claims);
  return {
    act: { sub: agent, act: claims.act },
    expiresAtMs: claims.exp * 1000,
    user: userOf(claims),
    txn: claims.txn,
    ids: [claims.jti, ...ancestors.map((ref) => ref.jti)],
    kids: [kid, ...ancestors.map((ref) => ref.kid)],
    scopes: [claims.scope, ...ancestors.map((ref) => ref.scope)].flatMap((list) => list.split(" ")),
    narrow(granted) {
      const left = granted.flatMap((grant) => narrow(grant, held));
      const lost = granted.filter((grant) => !left.some(({ scope }) => scope === grant.scope));
      if (lost.length > 0) {
        const scopes = lost.map((grant) => grant.scope);
        throw deny(scopes, "the parent key does not allow it");
      }
      const kept = withoutRedundant(left);
      if (kept.length <= GRANT_LIMITS.grants) return kept;
      const scopes = kept.map((grant) => grant.scope);
      throw deny(scopes, `more than ${GRANT_LIMITS.grants} grants`);
    },
    parentRef: (grants) => parentRef(claims, kid, held, grants),
  };
}

function parentRef(
  claims: Claims,
  kid: string,
  held: readonly Grant[],
  grants: readonly Grant[],
): ParentRef {
  // Every grant came from a meet with one that is held, which says nothing of life: one is always found.
  const from = grants.map((grant) => held.findIndex((ceiling) => isNarrower(grant, ceiling)));
  const { iss, jti, scope, iat, exp, parent } = claims;
  return {
    iss,
    jti,
    kid,
    scope,
    iat,
    exp,
    grants: from.map((index) => counterOf(claims, index)),
    uses: from.map((index) => held[index]?.uses ?? null),
    ...(parent === undefined ? {} : { parent: reindex(parent, from) }),
  };
}

/** The grandparent's columns, in the order of the new key's grants. */
function reindex(ref: ParentRef, from: readonly number[]): ParentRef {
  return {
    ...ref,
    grants: from.map((index) => ref.grants[index] ?? 0),
    uses: from.map((index) => ref.uses[index] ?? null),
    ...(ref.parent === undefined ? {} : { parent: reindex(ref.parent, from) }),
  };
}
